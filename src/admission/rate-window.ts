import type { Clock } from '../clock.ts'

/**
 * In ms. `inboundConnectionThreshold` is a number of connections per second.
 */
const WINDOW = 1_000

/**
 * Counts per key within the current second. All counts are dropped when the next
 * one begins, so that memory is bounded by what arrives in one second.
 */
export class RateWindow {
  readonly #clock: Clock
  readonly #counts = new Map<string, number>()
  #endsAt = -Infinity

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /**
   * How often this key was counted within the current second
   */
  count (key: string): number {
    const now = this.#clock.now()

    // the other case is a clock that was set back
    if (now >= this.#endsAt || now < this.#endsAt - WINDOW) {
      this.#counts.clear()
      this.#endsAt = now + WINDOW
    }

    return this.#counts.get(key) ?? 0
  }

  /**
   * To be called after `count`
   */
  increment (key: string, count: number): void {
    this.#counts.set(key, count + 1)
  }
}
