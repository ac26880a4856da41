import { BOOTSTRAP_TAG } from './candidate-source-names.ts'
import { spreadOverGroups } from './spread-over-groups.ts'
import type { CandidateSourceInit, CandidateSourceName, UserCandidates } from './candidate-source-names.ts'
import type { CandidateSource } from './source-reader.ts'
import type { Random } from '../random.ts'
import type { Peer, PeerRouting, PeerStore } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface CandidateSourcesComponents {
  peerStore: Pick<PeerStore, 'all'>
  peerRouting: Pick<PeerRouting, 'getClosestPeers'>
  random: Random

  /**
   * The group of addresses that an address belongs to, if any
   */
  groupOf(multiaddr: Multiaddr): string | undefined
}

/**
 * In ms: the peer store is read as a whole, and looking for random ids asks others
 */
const PEER_STORE_INTERVAL = 2_000
const WALK_INTERVAL = 30_000
const USER_INTERVAL = 2_000

const PEER_STORE_LIMIT = 1_000
const WALK_LIMIT = 20
const KEY_LENGTH = 32

/**
 * The sources that are asked for, in that order
 */
export function candidateSources (inits: readonly CandidateSourceInit[], components: CandidateSourcesComponents): CandidateSource[] {
  let users = 0

  return inits.map(init => typeof init === 'string' ? builtIn(init, components) : userSource(`user-${++users}`, init))
}

function builtIn (name: CandidateSourceName, components: CandidateSourcesComponents): CandidateSource {
  switch (name) {
    case 'peer-store':
      return storeSource(name, peer => !peer.tags.has(BOOTSTRAP_TAG), components)
    case 'bootstrap':
      return storeSource(name, peer => peer.tags.has(BOOTSTRAP_TAG), components)
    default:
      return { name, interval: WALK_INTERVAL, limit: WALK_LIMIT, open: options => components.peerRouting.getClosestPeers(randomKey(components.random), options) }
  }
}

function storeSource (name: string, filter: (peer: Peer) => boolean, { groupOf, peerStore, random }: CandidateSourcesComponents): CandidateSource {
  return {
    name,
    interval: PEER_STORE_INTERVAL,
    limit: PEER_STORE_LIMIT,
    open: async ({ signal }) => spreadOverGroups(await peerStore.all({ filters: [filter], signal }), PEER_STORE_LIMIT, groupOf, random)
  }
}

function userSource (name: string, init: UserCandidates): CandidateSource {
  return typeof init === 'function'
    ? { name, interval: USER_INTERVAL, limit: PEER_STORE_LIMIT, open: init }
    : { name, interval: USER_INTERVAL, limit: Infinity, isStream: true, open: () => init }
}

/**
 * One look-up of the peers next to a random key. libp2p's own random walk is of no use
 * here: where there are no peers to ask, it never lets go of the event loop.
 */
function randomKey (random: Random): Uint8Array {
  return Uint8Array.from({ length: KEY_LENGTH }, () => Math.floor(random.next() * 256))
}
