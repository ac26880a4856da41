import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { parseRoutesIPv4, parseRoutesIPv6 } from './route-table.ts'
import type { DefaultGateway, InterfaceAddress } from './types.ts'

/**
 * The addresses of this machine
 */
export function interfaceAddresses (): InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, infos]) => (infos ?? []).map(info => ({
    family: info.family === 'IPv4' ? 4 : 6,
    address: info.address,
    internal: info.internal,
    scope: info.family === 'IPv6' ? name : undefined
  })))
}

/**
 * The default gateways. Where the routing table cannot be read, the first
 * address of each network stands in: most home routers have it, and asking one
 * that is none costs a few packets.
 */
export async function defaultGateways (): Promise<DefaultGateway[]> {
  const [ipv4, ipv6] = await Promise.all([read('/proc/net/route'), read('/proc/net/ipv6_route')])

  if (ipv4 == null) {
    return guessGateways()
  }

  return [...parseRoutesIPv4(ipv4), ...parseRoutesIPv6(ipv6 ?? '')]
}

function guessGateways (): DefaultGateway[] {
  const networks = interfaceAddresses()
    .filter(({ family, internal }) => family === 4 && !internal)
    .map(({ address }) => address.split('.').slice(0, 3).join('.'))

  return [...new Set(networks)].map(network => ({ family: 4, address: `${network}.1` }))
}

async function read (path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
