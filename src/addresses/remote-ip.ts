import { CODE_IP4, CODE_IP6, CODE_IP6ZONE, CODE_MEMORY, CODE_P2P, CODE_P2P_CIRCUIT, CODE_UNIX } from '@multiformats/multiaddr'
import { NAME_CODES, ipOfName } from './host-names.ts'
import { parseIp } from './ip-address.ts'
import type { IpAddress } from './ip-address.ts'
import type { Component, Multiaddr } from '@multiformats/multiaddr'

/**
 * The IP address of the remote itself. `undefined` where a multiaddr has none:
 * relayed (the IP is the relay's), memory, unix sockets, names that are not
 * resolved, WebRTC between browsers.
 */
export function remoteIp (multiaddr: Multiaddr): IpAddress | undefined {
  const components = multiaddr.getComponents()

  return components.some(({ code }) => code === CODE_P2P_CIRCUIT) ? undefined : leadingIp(components)
}

/**
 * The IP address that an address begins with, after its zone if it has one, or that its
 * name is in disguise
 */
export function leadingIp (components: readonly Component[]): IpAddress | undefined {
  const first = components[components[0]?.code === CODE_IP6ZONE ? 1 : 0]

  if (first?.value == null) {
    return undefined
  }

  if (first.code === CODE_IP4 || first.code === CODE_IP6) {
    return parseIp(first.value)
  }

  return NAME_CODES.has(first.code) ? ipOfName(first.value) : undefined
}

/**
 * The peer id, as text, of the relay that a relayed address goes through; of
 * several, the last one. `undefined` if the address is not relayed or does not
 * name its relay.
 */
export function relayPeer (multiaddr: Multiaddr): string | undefined {
  let peer: string | undefined
  let relay: string | undefined

  for (const { code, value } of multiaddr.getComponents()) {
    if (code === CODE_P2P) {
      peer = value
    } else if (code === CODE_P2P_CIRCUIT) {
      relay = peer
    }
  }

  return relay
}

/**
 * Whether a connection with this address does not leave this host: in memory, or
 * through a unix socket
 */
export function isOnThisHost (multiaddr: Multiaddr): boolean {
  const code = multiaddr.getComponents()[0]?.code

  return code === CODE_MEMORY || code === CODE_UNIX
}
