import { isPrivate } from '@libp2p/utils'
import { WebSockets } from '@multiformats/multiaddr-matcher'
import { dialledHosts, isLocalName, isPrivateOrLoopback, remoteIp } from '../addresses/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Whether an address is one that libp2p does not dial in browsers: private, or a
 * WebSocket without encryption. Private addresses that are embedded in an IPv6
 * address count too.
 */
export function isPrivateDial (multiaddr: Multiaddr): boolean {
  if (WebSockets.matches(multiaddr) || isPrivate(multiaddr)) {
    return true
  }

  const ip = remoteIp(multiaddr)

  return ip == null ? hasLocalName(multiaddr) : isPrivateOrLoopback(ip)
}

function hasLocalName (multiaddr: Multiaddr): boolean {
  return dialledHosts(multiaddr).names.some(isLocalName)
}
