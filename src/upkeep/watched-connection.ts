import { entryFields } from '../core/index.ts'
import { NOT_DUE } from './due-queue.ts'
import type { Due } from './due-queue.ts'
import type { LivenessRecord } from './liveness-policy.ts'
import type { Clock } from '../clock.ts'
import type { Connection } from '@libp2p/interface'

/**
 * What tells of the bytes that come on a connection
 */
export interface ByteSource {
  addEventListener(type: 'message', listener: { handleEvent(): void }): void
  removeEventListener(type: 'message', listener: { handleEvent(): void }): void
}

declare module '../core/connection-entry.ts' {
  interface ConnectionEntry {
    /**
     * What is known of its life. `undefined` while that is not watched.
     */
    watched: WatchedConnection | undefined
  }
}

entryFields(entry => { entry.watched = undefined })

/**
 * The record of a connection, in which what is known of its life is kept
 */
export interface WatchableEntry {
  readonly connection: Connection

  /**
   * `undefined` while the life of the connection is not watched
   */
  watched: WatchedConnection | undefined
}

/**
 * What all connections have in common whose life is watched
 */
export interface Watch {
  readonly clock: Clock

  /**
   * What was not heard before cannot be held against the remotes, in ms since the epoch
   */
  readonly silentBefore: number

  /**
   * When the network has changed last, in ms since the epoch
   */
  readonly networkChangedAt: number
}

/**
 * A connection whose life is watched. One object is the record of it, its entry in the
 * list of those that are due and the listener for its bytes, as there are as many as
 * there are connections.
 */
export class WatchedConnection implements LivenessRecord, Due {
  readonly entry: WatchableEntry
  lastHeard: number
  misses = 0
  rttVariation: number | undefined = undefined

  /**
   * When it was pinged last, in ms since the epoch
   */
  pingedAt = -Infinity

  index = NOT_DUE

  readonly #watch: Watch
  readonly #source: ByteSource | undefined

  constructor (entry: WatchableEntry, watch: Watch, source: ByteSource | undefined) {
    this.entry = entry
    this.lastHeard = watch.clock.now()
    this.#watch = watch
    this.#source = source
    source?.addEventListener('message', this)
  }

  get connection (): Connection {
    return this.entry.connection
  }

  get silentSince (): number {
    return Math.max(this.lastHeard, this.#watch.silentBefore)
  }

  /**
   * The smoothed round trip time, in ms
   */
  get rtt (): number | undefined {
    return this.entry.connection.rtt
  }

  /**
   * Has nothing been heard since the network has changed?
   */
  get networkChanged (): boolean {
    return this.lastHeard <= this.#watch.networkChangedAt
  }

  /**
   * Bytes came
   */
  handleEvent (): void {
    this.heard()
  }

  heard (): void {
    this.lastHeard = this.#watch.clock.now()
    this.misses = 0
  }

  stopListening (): void {
    this.#source?.removeEventListener('message', this)
  }
}
