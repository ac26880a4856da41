import { CODE_IP4, CODE_IP6, CODE_IP6ZONE, CODE_IPCIDR, CODE_P2P_CIRCUIT, multiaddr } from '@multiformats/multiaddr'
import { addressBits, isMappedIpv4, parseIp, parseWrittenIp, prefixNetwork, prefixText } from '../addresses/index.ts'
import { InvalidOptionError } from '../errors.ts'
import type { IpAddress } from '../addresses/index.ts'
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

/**
 * An address and how many bits of it, as they are written
 */
type WrittenCidr = [ip: string, bits?: string]

/**
 * Reads a range of IP addresses: `10.0.0.0/8`, `2001:db8::/32`, an address alone,
 * `/ip4/10.0.0.0/ipcidr/8`, or a multiaddr that starts with an IP address. Bits
 * behind the prefix are ignored. A range inside of those that embed IPv4
 * addresses is the range of the embedded addresses, where there is such a range.
 *
 * @param input - what to read
 * @param option - how the error names it
 * @throws {InvalidOptionError} if the input is not a range of IP addresses
 */
export function parseCidr (input: string | Multiaddr, option = 'cidr'): Cidr {
  const parts = typeof input === 'string' && !input.startsWith('/') ? splitText(input) : splitMultiaddr(input, option)
  const cidr = parts == null ? undefined : toCidr(...parts)

  if (cidr == null) {
    throw new InvalidOptionError(option, input, EXPECTED)
  }

  return cidr
}

/**
 * The range that holds a single address
 */
export function cidrOf (ip: IpAddress): Cidr {
  const bits = addressBits(ip.family)

  return { network: ip, bits, text: prefixText(ip, bits) }
}

function splitText (input: string): WrittenCidr {
  const slash = input.indexOf('/')

  return slash === -1 ? [input] : [input.slice(0, slash), input.slice(slash + 1)]
}

function splitMultiaddr (input: string | Multiaddr, option: string): WrittenCidr | undefined {
  let components: ReturnType<Multiaddr['getComponents']>

  try {
    components = multiaddr(input).getComponents()
  } catch {
    return undefined
  }

  // the IP address of a relayed multiaddr is the relay's
  if (components.some(({ code }) => code === CODE_P2P_CIRCUIT)) {
    throw new InvalidOptionError(option, input, `${EXPECTED} that is not relayed`)
  }

  const first = components[0]?.code === CODE_IP6ZONE ? 1 : 0
  const address = components[first]
  const next = components[first + 1]

  if (address?.code === CODE_IP4 || address?.code === CODE_IP6) {
    return [address.value ?? '', next?.code === CODE_IPCIDR ? next.value ?? '' : undefined]
  }
}

function toCidr (text: string, bitsText?: string): Cidr | undefined {
  const ip = parseIp(text)
  const written = parseWrittenIp(text)

  if (ip == null || written == null) {
    return undefined
  }

  if (bitsText == null) {
    return cidrOf(ip)
  }

  const bits = Number(bitsText)

  if (!/^\d{1,3}$/.test(bitsText) || bits > addressBits(written.family)) {
    return undefined
  }

  const embedded = ip.family === written.family ? undefined : embeddedBits(written, bits)

  return embedded == null ? rangeOf(written, bits) : rangeOf(ip, embedded)
}

function rangeOf (ip: IpAddress, bits: number): Cidr {
  return { network: prefixNetwork(ip, bits), bits, text: prefixText(ip, bits) }
}

const SIX_TO_FOUR = 0x2002
const TEREDO = 0x20010000

/**
 * How many bits of the embedded IPv4 address a range of IPv6 addresses fixes.
 * `undefined` if no range of IPv4 addresses means the same.
 */
function embeddedBits (written: IpAddress, bits: number): number | undefined {
  if (bits === 128) {
    return 32
  }

  // 6to4 has the address behind the first 16 bits, the interface is of no interest
  if (written.word(0) >>> 16 === SIX_TO_FOUR) {
    return bits > 16 ? Math.min(bits - 16, 32) : undefined
  }

  // Teredo has it at the end, behind what is the server's
  if (written.word(0) === TEREDO) {
    return undefined
  }

  // all that is IPv4-mapped is all of IPv4, but NAT64 is only a way to it
  return bits > 96 || (bits === 96 && isMappedIpv4(written)) ? bits - 96 : undefined
}
