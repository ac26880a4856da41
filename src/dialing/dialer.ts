import { ConnectionClosedError, InvalidMultiaddrError, InvalidPeerIdError, NotStartedError } from '@libp2p/interface'
import { CustomProgressEvent } from 'progress-events'
import { parseDialTarget } from './dial-target.ts'
import { answersDial } from './existing-connection.ts'
import type { DialQueue } from './dial-queue.ts'
import type { Connection, DialTarget, PeerId } from '@libp2p/interface'
import type { OpenConnectionOptions } from '@libp2p/interface-internal'

export interface DialerComponents {
  peerId: PeerId
  dialQueue: DialQueue

  /**
   * The open connections of a peer
   */
  getConnections(peerId: PeerId): readonly Connection[]

  /**
   * The connection over which a peer is reached best
   */
  selectConnection(peerId: PeerId): Connection | undefined

  /**
   * Called with every connection that was dialled, as transports need not
   * announce what they open. `forced` is one that was dialled whether or not there
   * was another.
   */
  onConnection(connection: Connection, forced: boolean): void
}

/**
 * Gets a connection to a peer: one that is open, or else a new one
 */
export class Dialer {
  readonly #components: DialerComponents
  #started = false
  #pendingCount = 0

  constructor (components: DialerComponents) {
    this.#components = components
  }

  /**
   * How many callers are waiting for a connection
   */
  get pending (): number {
    return this.#pendingCount
  }

  start (): void {
    this.#started = true
    this.#components.dialQueue.start()
  }

  /**
   * Resolves when nothing is left of the dials that were aborted
   */
  async stop (): Promise<void> {
    this.#started = false
    await this.#components.dialQueue.stop()
  }

  /**
   * @throws {NotStartedError} before the node is started and after it is stopped
   * @throws {InvalidPeerIdError} if the peer is ourselves
   * @throws {ConnectionClosedError} if the remote closes the connection at once
   */
  async openConnection (target: DialTarget, options: OpenConnectionOptions = {}): Promise<Connection> {
    if (!this.#started) {
      throw new NotStartedError('Not started')
    }

    this.#pendingCount++

    try {
      options.signal?.throwIfAborted()
      options.onProgress?.(new CustomProgressEvent('connection:open', target))

      const existing = this.#findExisting(target, options)

      if (existing != null) {
        options.onProgress?.(new CustomProgressEvent('dial-queue:already-connected', existing))
      }

      const connection = existing ?? await this.#dial(target, options)
      options.onProgress?.(new CustomProgressEvent('connection:opened', connection))

      return connection
    } finally {
      this.#pendingCount--
    }
  }

  #findExisting (target: DialTarget, options: OpenConnectionOptions): Connection | undefined {
    const { peerId, multiaddrs } = parseDialTarget(target)

    if (peerId != null && this.#components.peerId.equals(peerId)) {
      throw new InvalidPeerIdError('Can not dial self')
    }

    if (peerId != null && options.force !== true) {
      return answersDial(this.#components.selectConnection(peerId), multiaddrs)
    }
  }

  async #dial (target: DialTarget, options: OpenConnectionOptions): Promise<Connection> {
    let connection: Connection

    try {
      connection = await this.#components.dialQueue.dial(target, options)
    } catch (err) {
      // the peer may have connected to us in the meantime
      const existing = options.signal?.aborted === true ? undefined : this.#findExisting(target, options)

      if (existing == null) {
        throw err
      }

      return existing
    }

    if (connection.status !== 'open') {
      throw new ConnectionClosedError('Remote closed connection during opening')
    }

    const twin = options.force === true ? undefined : this.#findTwin(connection)

    if (twin != null) {
      connection.abort(new InvalidMultiaddrError('Duplicate multiaddr connection'))

      return twin
    }

    this.#components.onConnection(connection, options.force === true)

    return connection
  }

  /**
   * Another connection to the very same address, as when a peer was dialled
   * without its peer id
   */
  #findTwin (connection: Connection): Connection | undefined {
    return this.#components.getConnections(connection.remotePeer).find(other =>
      other !== connection && other.status === 'open' && other.remoteAddr.equals(connection.remoteAddr))
  }
}
