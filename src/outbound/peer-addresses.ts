import { isMultiaddr } from '@multiformats/multiaddr'
import { remotePeerOf } from '../dialing/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * A source may be hostile: of more addresses than this the rest is not looked at
 */
const MAX_ADDRESSES = 100

/**
 * The addresses that lead to this peer and to no other
 */
export function ownAddresses (peer: string, multiaddrs: readonly unknown[]): Multiaddr[] {
  return multiaddrs.slice(0, MAX_ADDRESSES)
    .filter(multiaddr => isMultiaddr(multiaddr))
    .filter(multiaddr => (remotePeerOf(multiaddr) ?? peer) === peer || multiaddr.toString().endsWith('/p2p-circuit'))
}

/**
 * The address with the id of the peer at its end
 */
export function withPeer (multiaddr: Multiaddr, peer: string): Multiaddr {
  const text = multiaddr.toString()

  return text.endsWith(`/p2p/${peer}`) ? multiaddr : multiaddr.encapsulate(`/p2p/${peer}`)
}
