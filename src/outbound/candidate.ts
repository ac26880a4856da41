import { isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isMultiaddr } from '@multiformats/multiaddr'
import { remotePeerOf } from '../dialing/index.ts'
import { ownAddresses } from './peer-addresses.ts'
import type { Peer, PeerId, PeerInfo } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What a source of candidates may give. An address has to end with the id of its
 * peer.
 */
export type CandidateInput = PeerId | Multiaddr | PeerInfo | Peer

/**
 * A peer that may be dialled
 */
export interface Candidate {
  readonly peerId: PeerId

  /**
   * The peer id as a string, for use as a key
   */
  readonly key: string

  /**
   * Where it came from
   */
  readonly source: string

  /**
   * Its addresses, as far as they are known
   */
  readonly multiaddrs: readonly Multiaddr[]

  /**
   * What the peer store says about it, if it was asked
   */
  readonly peer?: Peer
}

/**
 * Returns `undefined` for what is no peer
 */
export function toCandidate (input: unknown, source: string): Candidate | undefined {
  try {
    return parse(input, source)
  } catch {
    return undefined
  }
}

function parse (input: unknown, source: string): Candidate | undefined {
  const candidate = (peerId: PeerId, multiaddrs: unknown[]): Candidate => {
    const key = peerId.toString()

    return { peerId, key, source, multiaddrs: ownAddresses(key, multiaddrs) }
  }

  if (isPeerId(input)) {
    return candidate(input, [])
  }

  if (isMultiaddr(input)) {
    const peer = remotePeerOf(input)

    return peer == null ? undefined : candidate(peerIdFromString(peer), [input])
  }

  if (typeof input !== 'object' || input == null || !('id' in input) || !isPeerId(input.id)) {
    return undefined
  }

  if ('addresses' in input && Array.isArray(input.addresses)) {
    // only the peer store gives records with `addresses`
    const peer = input as Peer

    return { ...candidate(peer.id, peer.addresses.map(({ multiaddr }) => multiaddr)), peer }
  }

  return candidate(input.id, 'multiaddrs' in input && Array.isArray(input.multiaddrs) ? input.multiaddrs : [])
}
