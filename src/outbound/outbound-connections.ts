import { GroupCounts } from './group-counts.ts'
import type { Clock } from '../clock.ts'
import type { Connection, Libp2pEvents, Logger, PeerId } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

export interface OutboundConnectionsComponents {
  clock: Clock
  log: Logger
  events: TypedEventTarget<Libp2pEvents>

  /**
   * The group of addresses that a connection leads to, if any
   */
  groupOfConnection(connection: Connection): string | undefined

  /**
   * Whether a peer is only there to find others
   */
  isBootstrap(peerId: PeerId): boolean
}

/**
 * A peer that we have opened a connection to
 */
export interface OutboundPeer {
  readonly peerId: PeerId
  readonly key: string

  /**
   * Since when, in ms since the epoch
   */
  readonly openedAt: number

  /**
   * Those that we have opened
   */
  readonly connections: ReadonlySet<Connection>

  /**
   * It is only there to find others, and does not count
   */
  readonly isBootstrap: boolean
}

interface MutableOutboundPeer extends OutboundPeer {
  readonly connections: Set<Connection>
  isBootstrap: boolean
}

/**
 * Counts the peers that we have opened connections to, and the groups that their
 * addresses belong to. Relayed connections with limits do not count: they are there
 * to become direct ones. Follows the node's events, and is put right now and then.
 */
export class OutboundConnections {
  readonly #components: OutboundConnectionsComponents
  readonly #peers = new Map<string, MutableOutboundPeer>()
  readonly #groups = new GroupCounts()
  readonly #connections = new Map<Connection, string | undefined>()
  #ungroupedCount = 0
  #bootstrapCount = 0

  /**
   * Called when a connection was opened or closed
   */
  onChange: () => void = () => {}

  constructor (components: OutboundConnectionsComponents) {
    this.#components = components
  }

  /**
   * How many peers there are, without those that are only there to find others
   */
  get size (): number {
    return this.#peers.size - this.#bootstrapCount
  }

  /**
   * How many independent ways to the network there are: groups of addresses, and
   * connections whose address belongs to none
   */
  get ways (): number {
    return this.#groups.size + this.#ungroupedCount
  }

  /**
   * How many connections there are to addresses of a group
   */
  inGroup (group: string): number {
    return this.#groups.get(group)
  }

  /**
   * How many there are, with a connection, in the group that it leads to. 0 if it is in
   * none, or not counted.
   */
  inGroupOf (connection: Connection): number {
    const group = this.#connections.get(connection)

    return group == null ? 0 : this.inGroup(group)
  }

  has (peer: string): boolean {
    return this.#peers.has(peer)
  }

  /**
   * The peers, those first that were connected first
   */
  list (): OutboundPeer[] {
    return [...this.#peers.values()]
  }

  start (): void {
    this.#components.events.addEventListener('connection:open', this.#onOpen)
    this.#components.events.addEventListener('connection:close', this.#onClose)
  }

  stop (): void {
    this.#components.events.removeEventListener('connection:open', this.#onOpen)
    this.#components.events.removeEventListener('connection:close', this.#onClose)
    this.#peers.clear()
    this.#groups.clear()
    this.#connections.clear()
    this.#ungroupedCount = 0
    this.#bootstrapCount = 0
  }

  /**
   * Harmless if the connection is known, or is none that counts
   */
  add (connection: Connection): void {
    if (connection.direction !== 'outbound' || connection.limits != null || connection.status !== 'open' || this.#connections.has(connection)) {
      return
    }

    const group = this.#components.groupOfConnection(connection)
    this.#connections.set(connection, group)

    if (group == null) {
      this.#ungroupedCount++
    } else {
      this.#groups.add(group)
    }

    this.#peerOf(connection).connections.add(connection)
  }

  /**
   * Put right what events may have missed
   */
  reconcile (open: Iterable<Connection>): void {
    const present = new Set(open)

    for (const connection of [...this.#connections.keys()]) {
      if (!present.has(connection)) {
        this.remove(connection)
      }
    }

    for (const connection of present) {
      this.add(connection)
    }

    for (const peer of this.#peers.values()) {
      this.#setBootstrap(peer, this.#components.isBootstrap(peer.peerId))
    }
  }

  /**
   * Do not count a connection any more, because it was closed or is going to be.
   * Harmless if it is not counted.
   */
  remove (connection: Connection): void {
    if (!this.#connections.has(connection)) {
      return
    }

    const group = this.#connections.get(connection)
    this.#connections.delete(connection)

    if (group == null) {
      this.#ungroupedCount--
    } else {
      this.#groups.remove(group)
    }

    const peer = this.#peers.get(connection.remotePeer.toString())
    peer?.connections.delete(connection)

    if (peer?.connections.size === 0) {
      this.#setBootstrap(peer, false)
      this.#peers.delete(peer.key)
    }
  }

  #peerOf ({ remotePeer }: Connection): MutableOutboundPeer {
    const key = remotePeer.toString()
    let peer = this.#peers.get(key)

    if (peer == null) {
      peer = { peerId: remotePeer, key, openedAt: this.#components.clock.now(), connections: new Set(), isBootstrap: false }
      this.#peers.set(key, peer)
      this.#setBootstrap(peer, this.#components.isBootstrap(remotePeer))
    }

    return peer
  }

  #setBootstrap (peer: MutableOutboundPeer, isBootstrap: boolean): void {
    this.#bootstrapCount += Number(isBootstrap) - Number(peer.isBootstrap)
    peer.isBootstrap = isBootstrap
  }

  readonly #onOpen = (event: CustomEvent<Connection>): void => {
    this.#follow(() => { this.add(event.detail) })
  }

  readonly #onClose = (event: CustomEvent<Connection>): void => {
    this.#follow(() => { this.remove(event.detail) })
  }

  #follow (change: () => void): void {
    try {
      change()
      this.onChange()
    } catch (err) {
      this.#components.log.error('could not follow a connection - %e', err)
    }
  }
}
