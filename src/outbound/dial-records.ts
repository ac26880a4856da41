import type { DialRecord } from './retry-chance.ts'
import type { Clock } from '../clock.ts'

/**
 * In ms: a peer that was dialled is left alone for this long, whatever came of it.
 * A little longer than the 30 s for which others may turn away who comes back
 * (Geth).
 */
export const DIAL_HISTORY = 35_000

/**
 * Of how many peers it is remembered. The ones that were dialled longest ago make
 * room.
 */
const MAX_RECORDS = 10_000

const UNKNOWN: DialRecord = { failures: 0 }

/**
 * Remembers how automatic dials of peers went
 */
export class DialRecords {
  readonly #clock: Clock
  readonly #maxRecords: number
  readonly #records = new Map<string, DialRecord>()

  constructor (clock: Clock, maxRecords = MAX_RECORDS) {
    this.#clock = clock
    this.#maxRecords = maxRecords
  }

  /**
   * How many peers are remembered
   */
  get size (): number {
    return this.#records.size
  }

  get (peer: string): DialRecord {
    return this.#records.get(peer) ?? UNKNOWN
  }

  /**
   * Was the peer dialled so short a while ago that it is to be left alone?
   */
  isFresh (peer: string): boolean {
    const { lastTry } = this.get(peer)

    // a clock that was set back makes times lie ahead
    return lastTry != null && Math.abs(this.#clock.now() - lastTry) < DIAL_HISTORY
  }

  /**
   * A dial has begun. Noted at once, so that one which fails at once is not
   * repeated at once (Geth).
   */
  onTry (peer: string): void {
    this.#update(peer, { lastTry: this.#clock.now() })
  }

  /**
   * A dial has failed, and the peer is to blame for it
   */
  onFailure (peer: string): void {
    this.#update(peer, { failures: this.get(peer).failures + 1 })
  }

  /**
   * The peer is connected
   */
  onConnected (peer: string): void {
    this.#update(peer, { lastSeen: this.#clock.now(), failures: 0 })
  }

  /**
   * The network has changed, so failures of the past mean nothing, and each peer may be
   * dialled at once
   */
  forgetDials (): void {
    for (const [peer, { lastSeen }] of this.#records) {
      this.#records.set(peer, { lastSeen, failures: 0 })
    }
  }

  #update (peer: string, changes: Partial<DialRecord>): void {
    const record = { ...this.get(peer), ...changes }
    this.#records.delete(peer)
    this.#records.set(peer, record)

    for (const oldest of this.#records.keys()) {
      if (this.#records.size <= this.#maxRecords) {
        break
      }

      this.#records.delete(oldest)
    }
  }
}
