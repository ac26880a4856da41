import type { Clock } from '../clock.ts'

/**
 * The clock is read after so many items of work
 */
const SLICE_ITEMS = 32

/**
 * A slice of long work, after which the event loop should have a turn
 */
export class Slice {
  readonly #clock: Clock
  readonly #limit: number
  #startedAt: number
  #items = 0

  /**
   * @param clock - where the time comes from
   * @param limit - the event loop has a turn after so many ms of work
   */
  constructor (clock: Clock, limit: number) {
    this.#clock = clock
    this.#limit = limit
    this.#startedAt = clock.now()
  }

  /**
   * To be asked before each item of work
   */
  isOver (): boolean {
    if (++this.#items % SLICE_ITEMS !== 0) {
      return false
    }

    const elapsed = this.#clock.now() - this.#startedAt

    // nobody knows how long a slice took in which the clock was set back
    return elapsed >= this.#limit || elapsed < 0
  }

  async nextTurn (): Promise<void> {
    await this.#clock.nextTurn()
    this.#startedAt = this.#clock.now()
  }
}
