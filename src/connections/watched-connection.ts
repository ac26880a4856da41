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

/**
 * A connection whose life is watched. One object is the record of it, its entry in the
 * list of those that are due and the listener for its bytes, as there are as many as
 * there are connections.
 */
export class WatchedConnection implements LivenessRecord, Due {
  readonly connection: Connection
  lastHeard: number
  silentSince: number
  misses = 0
  rtt: number | undefined = undefined
  rttVariation: number | undefined = undefined
  pinging: AbortController | undefined = undefined

  /**
   * Ping it whether or not something was heard of it
   */
  probe = false

  /**
   * Has nothing been heard since the network has changed?
   */
  networkChanged = false

  dueAt: number
  index = NOT_DUE

  private readonly clock: Clock
  private readonly source: ByteSource | undefined

  constructor (connection: Connection, clock: Clock, source: ByteSource | undefined) {
    const now = clock.now()
    this.connection = connection
    this.lastHeard = now
    this.silentSince = now
    this.dueAt = now
    this.clock = clock
    this.source = source
    source?.addEventListener('message', this)
  }

  /**
   * Bytes came
   */
  handleEvent (): void {
    this.heard()
  }

  heard (): void {
    this.lastHeard = this.silentSince = this.clock.now()
    this.misses = 0
    this.networkChanged = false
  }

  stopListening (): void {
    this.source?.removeEventListener('message', this)
  }
}
