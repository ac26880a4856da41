import { bytesToIp } from '../../addresses/index.ts'
import type { DefaultGateway } from './network.ts'

const FLAG_GATEWAY = 2
const NO_DESTINATION_IPV4 = '00000000'
const NO_DESTINATION_IPV6 = '0'.repeat(32)

/**
 * The default gateways in Linux' `/proc/net/route`, lowest metric first
 */
export function parseRoutesIPv4 (table: string): DefaultGateway[] {
  return rows(table)
    .filter(row => row.length >= 8 && row[1] === NO_DESTINATION_IPV4 && row[7] === NO_DESTINATION_IPV4 && isGateway(row[3]) && isHex(row[2], 8))
    .sort((a, b) => Number(a[6]) - Number(b[6]))
    // the bytes stand in the order of the machine, on everything that runs Node.js
    .map(row => ({ family: 4 as const, address: bytesToIp(bytesOf(row[2]).reverse()) }))
    .filter(({ address }, index, all) => all.findIndex(other => other.address === address) === index)
}

/**
 * The default gateways in Linux' `/proc/net/ipv6_route`, lowest metric first
 */
export function parseRoutesIPv6 (table: string): DefaultGateway[] {
  return rows(table)
    .filter(row => row.length >= 10 && row[0] === NO_DESTINATION_IPV6 && row[1] === '00' && isGateway(row[8]) && isHex(row[4], 32))
    .sort((a, b) => Number.parseInt(a[5], 16) - Number.parseInt(b[5], 16))
    .map(row => {
      const address = bytesToIp(bytesOf(row[4]))

      return { family: 6 as const, address: address.startsWith('fe80:') ? `${address}%${row[9]}` : address }
    })
    .filter(({ address }, index, all) => all.findIndex(other => other.address === address) === index)
}

function rows (table: string): string[][] {
  return table.split('\n').map(line => line.trim().split(/\s+/))
}

function isGateway (flags: string): boolean {
  return (Number.parseInt(flags, 16) & FLAG_GATEWAY) !== 0
}

function isHex (text: string, length: number): boolean {
  return text.length === length && /^[0-9a-f]*$/i.test(text)
}

function bytesOf (hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) => Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16))
}
