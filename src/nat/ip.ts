import { isGlobalUnicastIp, isPrivateIp, tryGetNetConfig } from '@libp2p/utils'
import { CODE_IP4, CODE_IP6, multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Which kind of IP address
 */
export type IPFamily = 4 | 6

/**
 * What a port belongs to
 */
export type TransportProtocol = 'tcp' | 'udp'

/**
 * IP address, port and transport protocol of an address: everything that
 * decides whether it can be dialled
 */
export interface SocketAddress {
  family: IPFamily
  host: string
  port: number
  protocol: TransportProtocol
}

const IPV4_BYTES = 4
const IPV6_BYTES = 16
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
const FIRST_MULTICAST_OCTET = 224
const MAX_IP_LENGTH = 45

/**
 * The family of an IP address, `undefined` for anything else
 */
export function familyOf (ip: string): IPFamily | undefined {
  if (ip.length === 0 || ip.length > MAX_IP_LENGTH) {
    return undefined
  }

  const octets = ip.split('.')

  if (octets.length === IPV4_BYTES && octets.every(octet => String(Number(octet)) === octet && Number(octet) >= 0 && Number(octet) <= 0xff)) {
    return 4
  }

  if (!ip.includes(':')) {
    return undefined
  }

  try {
    multiaddr(`/ip6/${ip}`)

    return ip.includes('/') ? undefined : 6
  } catch {
    return undefined
  }
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

/**
 * The socket address a multiaddr leads to, `undefined` for relayed addresses,
 * names, and everything that is neither TCP nor UDP over IP
 */
export function socketAddressOf (ma: Multiaddr): SocketAddress | undefined {
  if (ma.getComponents().some(({ name }) => name === 'p2p-circuit')) {
    return undefined
  }

  const config = tryGetNetConfig(ma)

  if (config == null || (config.type !== 'ip4' && config.type !== 'ip6') || config.port == null || config.protocol == null) {
    return undefined
  }

  return {
    family: config.type === 'ip4' ? 4 : 6,
    host: config.host,
    port: config.port,
    protocol: config.protocol
  }
}

/**
 * The multiaddr of a socket address
 */
export function socketMultiaddr (address: SocketAddress): Multiaddr {
  return multiaddr(`/ip${address.family}/${address.host}/${address.protocol}/${address.port}`)
}

/**
 * The IP address at the other end of a connection, `undefined` if a relay or a
 * name is there
 */
export function remoteIpOf (ma: Multiaddr): string | undefined {
  const components = ma.getComponents()

  if (components.some(({ name }) => name === 'p2p-circuit')) {
    return undefined
  }

  return components.find(({ code }) => code === CODE_IP4 || code === CODE_IP6)?.value
}

/**
 * The network a peer votes for: its IPv4 /16 or IPv6 /32. Addresses that are
 * not public have no network in common, there the whole address counts.
 */
export function networkGroupOf (ip: string, fallback: string): string {
  if (!isPublicIp(ip)) {
    return fallback
  }

  return groupOf(ip, 2, 4)
}

/**
 * Who observed an address: an IPv4 address or an IPv6 /56 (go-libp2p)
 */
export function observerOf (ip: string): string {
  return groupOf(ip, 4, 7)
}

function groupOf (ip: string, bytesIPv4: number, bytesIPv6: number): string {
  const bytes = ipToBytes(ip)

  return familyOf(ip) === 4
    ? `4:${bytes.subarray(MAPPED_PREFIX.length, MAPPED_PREFIX.length + bytesIPv4).join('.')}`
    : `6:${bytes.subarray(0, bytesIPv6).join('.')}`
}
