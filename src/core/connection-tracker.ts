import { follow } from '../follow.ts'
import { closeWithin } from './close-connection.ts'
import { ConnectionTable } from './connection-table.ts'
import { PendingConnections } from './pending-connections.ts'
import { withinTime } from './time-limit.ts'
import type { ConnectionEntry, PeerEntry } from './connection-entry.ts'
import type { Clock } from '../clock.ts'
import type { Connection, Libp2pEvents, Logger, MultiaddrConnection, PeerId, PeerStore } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

export interface ConnectionTrackerComponents {
  peerStore: Pick<PeerStore, 'patch'>
  events: TypedEventTarget<Libp2pEvents>
}

/**
 * What the rest of the manager wants to know of connections that open and close
 */
export interface ConnectionTrackerHooks {
  /**
   * The first connection of a peer was opened. Called before `onOpen`.
   */
  onPeerConnect(peer: PeerEntry): void

  /**
   * The last connection of a peer was closed
   */
  onPeerDisconnect(peer: PeerEntry): void

  /**
   * A connection was opened
   */
  onOpen(connection: Connection): void
}

/**
 * In ms: a peer store that takes longer than this to store a public key does not
 * keep the peer from being announced
 */
const STORE_TIMEOUT = 5_000

/**
 * In ms: how long a connection that opens while the node stops may take to close
 */
const LATE_CLOSE_TIMEOUT = 500

/**
 * Keeps the table of open connections as the node's events tell, and tells the
 * node which peers have connected and disconnected
 */
export class ConnectionTracker {
  readonly table = new ConnectionTable()
  readonly pending: PendingConnections
  readonly #components: ConnectionTrackerComponents
  readonly #hooks: ConnectionTrackerHooks
  readonly #clock: Clock
  readonly #log: Logger

  /**
   * Connected peers whose `peer:connect` event is yet to come
   */
  readonly #unannounced = new Set<PeerEntry>()
  #started = false
  #unfollow?: () => void

  constructor (components: ConnectionTrackerComponents, hooks: ConnectionTrackerHooks, clock: Clock, log: Logger) {
    this.#components = components
    this.#hooks = hooks
    this.#clock = clock
    this.#log = log
    this.pending = new PendingConnections(this.giveBack)
  }

  start (): void {
    this.#started = true
    this.#unfollow = follow({ events: this.#components.events, log: this.#log }, {
      'connection:open': connection => { this.#onOpen(connection) },
      'connection:close': connection => { this.#remove(connection) }
    })
  }

  /**
   * No peer is reported as disconnected from now on. Connections that open late
   * are closed, until `stop` is called.
   */
  beforeStop (): void {
    this.#started = false
    this.#unannounced.clear()
  }

  stop (): void {
    this.#unfollow?.()
    this.table.clear()
  }

  /**
   * Track a connection that was dialled, unless its event has been seen. Whoever
   * opened it need not have sent one.
   */
  adopt (connection: Connection): void {
    if (this.#started && this.#add(connection)) {
      connection.addEventListener('close', () => { this.#remove(connection) }, { once: true })
    }
  }

  /**
   * A connection gives back everything that was taken for it. Harmless when it has.
   */
  readonly giveBack = (entry: ConnectionEntry): void => {
    entry.giveBack(err => { this.#log.error('could not give back what a connection has taken - %e', err) })
  }

  /**
   * What an open connection was made of, also while others are told that it is open
   */
  socketOf (connection: Connection): MultiaddrConnection | undefined {
    return (this.table.get(connection) ?? this.pending.get(connection.timeline))?.socket
  }

  #onOpen (connection: Connection): void {
    if (this.#started) {
      this.#add(connection)
      return
    }

    // not before everybody else was told that it is open
    this.#clock.nextTurn()
      .then(async () => closeWithin(connection, LATE_CLOSE_TIMEOUT, this.#clock))
      .catch(err => { this.#log.error('could not close a connection that opened late - %e', err) })
  }

  /**
   * A connection that the remote has closed already is not added, as it would
   * never be removed
   */
  #add (connection: Connection): boolean {
    if (connection.status !== 'open') {
      return false
    }

    const entry = this.table.add(connection, this.#clock.now(), this.pending.take(connection.timeline))

    if (entry == null) {
      return false
    }

    if (entry.peer.connections.length === 1) {
      this.#hooks.onPeerConnect(entry.peer)
      this.#announce(entry.peer)
    }

    this.#hooks.onOpen(connection)

    return true
  }

  #remove (connection: Connection): void {
    const peer = this.#started ? this.table.remove(connection)?.peer : undefined

    if (peer?.connections.length !== 0) {
      return
    }

    this.#hooks.onPeerDisconnect(peer)

    // whoever was not told that it came need not be told that it is gone
    if (this.#unannounced.size === 0 || !this.#unannounced.delete(peer)) {
      this.#components.events.safeDispatchEvent('peer:disconnect', { detail: peer.peerId })
    }
  }

  /**
   * The public key of an RSA peer is not part of its id. It has to be in the peer
   * store before anybody hears of the peer.
   */
  #announce (peer: PeerEntry): void {
    const { peerId } = peer

    if (peerId.type !== 'RSA' || peerId.publicKey == null) {
      this.#components.events.safeDispatchEvent('peer:connect', { detail: peerId })
      return
    }

    this.#unannounced.add(peer)
    this.#storePublicKey(peerId)
      .catch(err => { this.#log.error('could not store the public key of %p - %e', peerId, err) })
      .finally(() => {
        if (this.#unannounced.delete(peer)) {
          this.#components.events.safeDispatchEvent('peer:connect', { detail: peerId })
        }
      })
  }

  async #storePublicKey (peerId: PeerId): Promise<void> {
    await withinTime(async signal => this.#components.peerStore.patch(peerId, { publicKey: peerId.publicKey }, { signal }), STORE_TIMEOUT, this.#clock)
  }
}
