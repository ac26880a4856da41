import { CODE_IP4, CODE_IP6, CODE_IP6ZONE, CODE_IPCIDR, CODE_P2P_CIRCUIT, isMultiaddr, multiaddr } from '@multiformats/multiaddr'
import { addressBits, IpAddress, parseIp, prefixNetwork, prefixText } from '../addresses/index.ts'
import { InvalidOptionError } from '../errors.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * A range of IP addresses that share their first bits
 */
export interface Cidr {
  /**
   * The first address of the range
   */
  readonly network: IpAddress

  /**
   * How many bits the addresses share, 0 to 32 for IPv4, 0 to 128 for IPv6
   */
  readonly bits: number

  /**
   * In CIDR notation, e.g. `10.0.0.0/8`
   */
  readonly text: string
}

const EXPECTED = 'an IP address or a CIDR, as text or as a multiaddr'
const MAX_BITS_DIGITS = 3

/**
 * Reads a range of IP addresses: `10.0.0.0/8`, `2001:db8::/32`, an address alone,
 * `/ip4/10.0.0.0/ipcidr/8`, or a multiaddr that starts with an IP address. Bits
 * behind the prefix are ignored. A range inside of those that embed IPv4
 * addresses is the range of the embedded addresses.
 *
 * @param input - what to read
 * @param option - how the error names it
 * @throws {InvalidOptionError} if the input is not a range of IP addresses
 */
export function parseCidr (input: string | Multiaddr, option = 'cidr'): Cidr {
  if (typeof input !== 'string' && !isMultiaddr(input)) {
    throw new InvalidOptionError(option, input, EXPECTED)
  }

  const [ip, bits] = isMultiaddr(input) || input.startsWith('/')
    ? splitMultiaddr(input, option)
    : splitText(input)
  const cidr = toCidr(ip, bits)

  if (cidr == null) {
    throw new InvalidOptionError(option, input, EXPECTED)
  }

  return cidr
}

/**
 * The range that holds a single address
 */
export function cidrOf (ip: IpAddress): Cidr {
  return { network: ip, bits: addressBits(ip.family), text: `${ip.text}/${addressBits(ip.family)}` }
}

function splitText (input: string): [ip: string, bits: string | undefined] {
  const slash = input.indexOf('/')

  return slash === -1 ? [input, undefined] : [input.slice(0, slash), input.slice(slash + 1)]
}

function splitMultiaddr (input: string | Multiaddr, option: string): [ip: string, bits: string | undefined] {
  let components: ReturnType<Multiaddr['getComponents']>

  try {
    components = (isMultiaddr(input) ? input : multiaddr(input)).getComponents()
  } catch (err) {
    throw new InvalidOptionError(option, input, EXPECTED)
  }

  // the IP address of a relayed multiaddr is the relay's
  if (components.some(({ code }) => code === CODE_P2P_CIRCUIT)) {
    throw new InvalidOptionError(option, input, `${EXPECTED} that is not relayed`)
  }

  const first = components[0]?.code === CODE_IP6ZONE ? 1 : 0
  const address = components[first]
  const next = components[first + 1]

  if (address?.code !== CODE_IP4 && address?.code !== CODE_IP6) {
    throw new InvalidOptionError(option, input, EXPECTED)
  }

  return [address.value ?? '', next?.code === CODE_IPCIDR ? next.value ?? '' : undefined]
}

function toCidr (text: string, bitsText: string | undefined): Cidr | undefined {
  const ip = parseIp(text)

  if (ip == null) {
    return undefined
  }

  if (bitsText == null) {
    return cidrOf(ip)
  }

  // what was written, before an embedded IPv4 address was taken out of it
  const writtenBits = text.includes(':') ? 128 : 32

  if (bitsText.length > MAX_BITS_DIGITS || !/^\d+$/.test(bitsText) || Number(bitsText) > writtenBits) {
    return undefined
  }

  const bits = writtenBits === 128 && ip.family === 4
    ? embeddedBits(text, Number(bitsText))
    : Number(bitsText)

  if (bits == null) {
    return undefined
  }

  return { network: prefixNetwork(ip, bits), bits, text: prefixText(ip, bits) }
}

/**
 * How many bits of the embedded IPv4 address a range of IPv6 addresses fixes.
 * `undefined` if no range of IPv4 addresses means the same, or only that of all.
 */
function embeddedBits (text: string, bits: number): number | undefined {
  if (bits === 128) {
    return 32
  }

  // 6to4 has the address behind the first 16 bits, the interface is of no interest
  if (/^2002:/.test(text)) {
    return bits > 16 ? Math.min(bits - 16, 32) : undefined
  }

  // Teredo has it at the end, behind what is the server's
  if (/^2001:/.test(text)) {
    return undefined
  }

  return bits > 96 ? bits - 96 : undefined
}
