// a token in 300 years stands for none, so that there is no division by 0
const SLOWEST_PER_SECOND = 1e-10

// what arithmetic may lose, in ms
const ROUNDING = 1e-6

/**
 * How a bucket of tokens fills. What is in it is written as the time when it will be
 * full, which is a single number, and does not change while nothing is taken.
 */
export class TokenRate {
  /**
   * How many tokens there are at most
   */
  readonly burst: number

  /**
   * How many ms it takes an empty bucket to fill up
   */
  readonly fillTime: number

  readonly #interval: number

  /**
   * @param perSecond - how many tokens come back per second
   * @param burst - how many there are at most
   */
  constructor (perSecond: number, burst: number) {
    this.burst = burst
    this.#interval = 1_000 / Math.max(perSecond, SLOWEST_PER_SECOND)
    this.fillTime = burst * this.#interval
  }

  /**
   * Whether there is a token in a bucket that is full at `fullAt`
   */
  hasToken (fullAt: number, now: number): boolean {
    return this.#missing(fullAt, now) <= this.fillTime - this.#interval + ROUNDING
  }

  /**
   * When the bucket is full after a token was taken
   */
  take (fullAt: number, now: number): number {
    return now + this.#missing(fullAt, now) + this.#interval
  }

  /**
   * When the bucket is full after a token was given back
   */
  refund (fullAt: number, now: number): number {
    return now + Math.max(0, this.#missing(fullAt, now) - this.#interval)
  }

  /**
   * In how many ms the bucket is full. If that is longer than for an empty one, the
   * clock was set back, and nothing is known about it.
   */
  #missing (fullAt: number, now: number): number {
    const missing = fullAt - now

    return missing <= 0 || missing > this.fillTime + ROUNDING ? 0 : missing
  }
}
