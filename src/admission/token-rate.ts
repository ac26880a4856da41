import { toNumber } from './subnet-counts.ts'
import type { ExceededLimit } from './refusals.ts'
import type { RateLimit } from '../resources/index.ts'

// a token in 300 years stands for none, so that there is no division by 0
const SLOWEST_PER_SECOND = 1e-10

// what arithmetic may lose, in ms
const ROUNDING = 1e-6

/**
 * How a bucket of tokens fills. What is in it is written as the time when it will be
 * full, which is a single number, and does not change while nothing is taken. One that
 * is not limited is always full.
 */
export class TokenRate {
  /**
   * How many ms it takes an empty bucket to fill up
   */
  readonly fillTime: number

  readonly #burst: number
  readonly #interval: number

  constructor ({ perSecond, burst }: RateLimit) {
    this.#burst = burst
    this.#interval = 1_000 / Math.max(toNumber(perSecond), SLOWEST_PER_SECOND)
    this.fillTime = burst * this.#interval
  }

  /**
   * Whether there is a token in a bucket that is full at `fullAt`
   */
  hasToken (fullAt: number, now: number): boolean {
    return Math.max(fullAt - now, 0) <= this.fillTime - this.#interval + ROUNDING
  }

  /**
   * When the bucket is full after a token was taken
   */
  take (fullAt: number, now: number): number {
    return Math.max(fullAt, now) + this.#interval
  }

  /**
   * When the bucket is full after a token was given back
   */
  refund (fullAt: number, now: number): number {
    return Math.max(fullAt - this.#interval, now)
  }

  /**
   * What a connection is measured against when the bucket is empty
   */
  exceeded (scope: string): ExceededLimit {
    return { scope, current: this.#burst, limit: this.#burst }
  }
}
