import { WebSockets } from '@multiformats/multiaddr-matcher'
import { dialledHosts, isLocalName, isPrivateOrLoopback, isPublicIp, remoteIp } from '../addresses/index.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Whether an address is one that libp2p does not dial in browsers: private, or a
 * WebSocket without encryption. Private addresses that are embedded in an IPv6
 * address count too.
 */
export function isPrivateDial (multiaddr: Multiaddr): boolean {
  if (WebSockets.matches(multiaddr)) {
    return true
  }

  const ip = remoteIp(multiaddr)

  return ip == null ? hasLocalName(multiaddr) : !isPublicHost(ip)
}

/**
 * Whether an IP address is that of a single host on the internet, which anybody may dial
 * without asking: not of this host or of a local network, reserved, or of many hosts. What
 * is embedded in an IPv6 address counts, and so does the network that embeds it.
 */
export function isPublicHost (ip: IpAddress): boolean {
  return isPublicIp(ip.text) && !isPrivateOrLoopback(ip) && (ip.embeddedIn == null || !isPrivateOrLoopback(ip.embeddedIn))
}

/**
 * Whether an address is dialled by a name that is only known in a local network
 */
export function hasLocalName (multiaddr: Multiaddr): boolean {
  return dialledHosts(multiaddr).names.some(isLocalName)
}
