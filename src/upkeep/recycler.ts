import type { Clock } from '../clock.ts'
import type { Connection, Logger, PeerId } from '@libp2p/interface'

/**
 * A request to close a connection and open another one in its place
 */
export interface RecycleRequest {
  readonly connection: Connection

  /**
   * Why, for people
   */
  readonly reason: string
}

/**
 * Why a connection was not recycled
 *
 * - `not-open` it is closed or being closed
 * - `cooldown` a connection to this peer was recycled a short while ago
 * - `last` no other peer is connected, so the node would be alone if dialling fails
 */
export type RecycleRefusal = 'not-open' | 'cooldown' | 'last'

export interface RecyclerInit {
  /**
   * For how many ms a peer is left alone after a connection to it was recycled
   */
  recycleCooldown: number
}

export interface RecyclerComponents {
  clock: Clock
  log: Logger

  /**
   * How many peers are connected
   */
  peerCount(): number

  /**
   * Keep the place of a peer that is about to be disconnected. The function that
   * is returned gives it up.
   */
  reserve(request: RecycleRequest): () => void

  /**
   * Closes a connection
   */
  close(connection: Connection): Promise<void>

  /**
   * Called before a connection is closed
   */
  onRecycle(request: RecycleRequest): void

  /**
   * Dials a peer
   */
  dial(peerId: PeerId): Promise<Connection>
}

/**
 * Closes connections that do not do what they should, and dials the peers again
 */
export class Recycler {
  readonly #components: RecyclerComponents
  readonly #init: RecyclerInit

  /**
   * When connections to these peers were recycled last, oldest first
   */
  readonly #recycledAt = new Map<string, number>()

  /**
   * Peers whose connections are being closed, which may still be connected
   */
  readonly #closing = new Set<string>()

  constructor (components: RecyclerComponents, init: RecyclerInit) {
    this.#components = components
    this.#init = init
  }

  /**
   * Why the connection cannot be recycled now. `undefined` if it can.
   */
  refusal (connection: Connection): RecycleRefusal | undefined {
    this.#forget()

    if (connection.status !== 'open') {
      return 'not-open'
    }

    if (this.#recycledAt.has(connection.remotePeer.toString())) {
      return 'cooldown'
    }

    return this.#components.peerCount() - this.#closing.size < 2 ? 'last' : undefined
  }

  /**
   * Close the connection and dial its peer. Resolves to the new connection, or to
   * `undefined` if the connection was not recycled.
   *
   * @throws {Error} what dialling throws
   */
  async recycle (request: RecycleRequest): Promise<Connection | undefined> {
    const { clock, log, onRecycle } = this.#components
    const { connection, reason } = request
    const refusal = this.refusal(connection)
    const peerId = connection.remotePeer

    if (refusal != null) {
      log('not recycling a connection to %p - %s', peerId, refusal)
      return
    }

    log('recycling a connection to %p - %s', peerId, reason)
    const peer = peerId.toString()
    this.#recycledAt.set(peer, clock.now())
    this.#closing.add(peer)
    const giveUp = this.#components.reserve(request)

    try {
      onRecycle(request)
      await this.#components.close(connection)
      this.#closing.delete(peer)

      return await this.#components.dial(peerId)
    } finally {
      this.#closing.delete(peer)
      giveUp()
    }
  }

  #forget (): void {
    const now = this.#components.clock.now()

    for (const [peer, at] of this.#recycledAt) {
      if (now - at < this.#init.recycleCooldown) {
        break
      }

      this.#recycledAt.delete(peer)
    }
  }
}
