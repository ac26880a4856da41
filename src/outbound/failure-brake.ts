import type { Clock } from '../clock.ts'

/**
 * After so many failures in a row dialling pauses (btcd)
 */
export const MAX_CONSECUTIVE_FAILURES = 25

/**
 * In ms: for how long (btcd)
 */
export const BRAKE_PAUSE = 5_000

/**
 * Slows automatic dials down when none succeeds, as the fault is probably ours
 */
export class FailureBrake {
  readonly #clock: Clock
  #failures = 0
  #pausedUntil = -Infinity

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /**
   * How many ms the pause goes on, 0 if there is none
   */
  get remaining (): number {
    return Math.max(0, this.#pausedUntil - this.#clock.now())
  }

  /**
   * A dial has failed
   */
  onFailure (): void {
    this.#failures++

    if (this.#failures >= MAX_CONSECUTIVE_FAILURES) {
      this.#pausedUntil = this.#clock.now() + BRAKE_PAUSE
    }
  }

  /**
   * A dial has succeeded, so the fault was not ours. Also to be called when the
   * network has changed.
   */
  onSuccess (): void {
    this.#failures = 0
    this.#pausedUntil = -Infinity
  }
}
