import { isGlobalUnicastIp, isPrivateIp } from '@libp2p/utils'
import { CODE_IP6, multiaddr } from '@multiformats/multiaddr'
import { parseIp } from './ip-address.ts'

const IPV4_BYTES = 4
const IPV6_BYTES = 16
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
const FIRST_MULTICAST_OCTET = 224

/**
 * Which kind of IP address
 */
export type IPFamily = 4 | 6

/**
 * The family of an IP address as it is written, `undefined` for anything else. What
 * embeds an IPv4 address is one of IPv6 here: a socket knows no other.
 */
export function familyOf (ip: string): IPFamily | undefined {
  if (!ip.includes(':')) {
    return parseIp(ip)?.family
  }

  return ip.includes('%') || parseIp(ip) == null ? undefined : 6
}

/**
 * Whether strangers on the internet could use this IP address. Nothing else may
 * reach the address manager, which an empty address would break for good.
 */
export function isPublicIp (ip: string | undefined, family?: IPFamily): ip is string {
  if (ip == null) {
    return false
  }

  const actual = familyOf(ip)

  if (actual == null || (family != null && family !== actual)) {
    return false
  }

  if (isPrivateIp(ip) !== false) {
    return false
  }

  return actual === 4 ? Number(ip.split('.')[0]) < FIRST_MULTICAST_OCTET : isGlobalUnicastIp(ip)
}

/**
 * An IP address as the 16 bytes that PCP wants, an IPv4 address as IPv4-mapped
 * IPv6 address (RFC 6887 section 5)
 */
export function ipToBytes (ip: string): Uint8Array {
  const family = familyOf(ip)
  const bytes = new Uint8Array(IPV6_BYTES)

  if (family === 4) {
    bytes.set(MAPPED_PREFIX)
    bytes.set(ip.split('.').map(Number), MAPPED_PREFIX.length)
  } else {
    // a multiaddr is its code, one byte here, and the address
    bytes.set(multiaddr(`/ip6/${ip}`).bytes.subarray(1))
  }

  return bytes
}

/**
 * The reverse of {@link ipToBytes}; also takes the 4 bytes of an IPv4 address
 */
export function bytesToIp (bytes: Uint8Array): string {
  if (bytes.length === IPV4_BYTES) {
    return bytes.join('.')
  }

  if (MAPPED_PREFIX.every((byte, index) => bytes[index] === byte)) {
    return bytes.subarray(MAPPED_PREFIX.length).join('.')
  }

  return multiaddr(Uint8Array.of(CODE_IP6, ...bytes)).getComponents()[0].value ?? '::'
}
