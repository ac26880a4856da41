import type { Clock } from '../clock.ts'

/**
 * How often automatic dials may be started
 */
export interface DialRateInit {
  /**
   * How many dials may be started in a second, over a longer time. `Infinity`: any number.
   */
  perSecond: number

  /**
   * How many may be started at once
   */
  burst: number
}

/**
 * Lets automatic dials through at a rate, with a burst at the beginning
 */
export class DialRate {
  readonly #clock: Clock
  readonly #init: DialRateInit
  #tokens: number
  #filledAt: number

  constructor (clock: Clock, init: DialRateInit) {
    this.#clock = clock
    this.#init = init
    this.#tokens = init.burst
    this.#filledAt = clock.now()
  }

  /**
   * How many ms until the next dial may be started, 0 if that is now
   */
  get wait (): number {
    this.#fill()

    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * 1_000 / this.#init.perSecond)
  }

  /**
   * A dial is started
   */
  take (): void {
    this.#fill()
    this.#tokens--
  }

  #fill (): void {
    const now = this.#clock.now()

    const { burst, perSecond } = this.#init
    // a clock that was set back fills nothing. Without a limit it is always full, also
    // when no time has passed.
    const filled = perSecond === Infinity ? burst : this.#tokens + Math.max(0, now - this.#filledAt) * perSecond / 1_000
    this.#tokens = Math.min(burst, filled)
    this.#filledAt = now
  }
}
