import { InvalidMultiaddrError, InvalidParametersError, isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, isMultiaddr } from '@multiformats/multiaddr'
import { PEER_ID } from '@multiformats/multiaddr-matcher'
import type { DialTarget, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Whom to dial, and where
 */
export interface ParsedDialTarget {
  /**
   * Unknown when addresses without a peer id are dialled
   */
  peerId?: PeerId

  /**
   * Empty when only the peer id is known
   */
  multiaddrs: Multiaddr[]
}

/**
 * The peer and the addresses of a dial target. Addresses that are nothing but a
 * peer id are left out.
 *
 * @throws {InvalidMultiaddrError} if the target is neither a peer id nor a
 * multiaddr nor a list of multiaddrs
 * @throws {InvalidParametersError} if the addresses are of different peers
 */
export function parseDialTarget (target: DialTarget): ParsedDialTarget {
  if (isPeerId(target)) {
    return { peerId: target, multiaddrs: [] }
  }

  const multiaddrs = Array.isArray(target) ? target : [target]

  if (!multiaddrs.every(ma => isMultiaddr(ma))) {
    throw new InvalidMultiaddrError('Invalid multiaddr')
  }

  const peerIds = new Set(multiaddrs.map(remotePeerOf))

  if (peerIds.size > 1) {
    throw new InvalidParametersError('Multiaddrs must all have the same peer id or have no peer id')
  }

  const [peerId] = peerIds

  return {
    peerId: peerId == null ? undefined : peerIdFromString(peerId),
    multiaddrs: multiaddrs.filter(ma => !PEER_ID.exactMatch(ma))
  }
}

/**
 * The peer at the end of an address, as the text of its id. In a relayed address that is
 * the last one.
 */
export function remotePeerOf (ma: Multiaddr): string | undefined {
  const peer = ma.getComponents().findLast(component => component.code === CODE_P2P)?.value

  return peer == null || /^[1Q]/.test(peer) ? peer : fromCID(peer)
}

/**
 * Ids of peers are written as CIDs, too
 */
function fromCID (peer: string): string {
  try {
    return peerIdFromString(peer).toString()
  } catch {
    return peer
  }
}
