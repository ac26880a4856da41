import { NotFoundError } from '@libp2p/interface'
import type { SimulatedNode } from './simulated-node.ts'
import type { Peer, PeerId, PeerStore } from '@libp2p/interface'

/**
 * A peer store that knows the addresses of all nodes, and nothing else of them. What
 * is not needed here is not there.
 */
export function addressStore (nodes: readonly SimulatedNode[]): PeerStore {
  const peers = nodes.map(node => new StoredNode(node) as unknown as Peer)
  // one for all, as making one takes long and there are many
  const error = new NotFoundError('No peer was identified')
  const notStored = async (): Promise<never> => { throw error }
  const store: Pick<PeerStore, 'all' | 'get' | 'merge' | 'patch'> = {
    all: async ({ filters = [] } = {}) => peers.filter(peer => filters.every(filter => filter(peer))),
    get: notStored,
    merge: notStored,
    patch: notStored
  }

  return store as PeerStore
}

/**
 * Reads the node when it is looked at: of most nothing but the tags ever is
 */
class StoredNode {
  readonly tags = new Map()
  readonly metadata = new Map()
  readonly protocols = []
  private readonly node: SimulatedNode

  constructor (node: SimulatedNode) {
    this.node = node
  }

  get id (): PeerId {
    return this.node.peerId
  }

  get addresses (): Peer['addresses'] {
    return [{ multiaddr: this.node.multiaddr, isCertified: false }]
  }
}
