import { InvalidOptionError } from '../errors.ts'

/**
 * What a decay function is told besides the value
 */
export interface DecayContext {
  /**
   * How many whole intervals have passed since the value was last written, at
   * least 1
   */
  readonly steps: number

  /**
   * How many ms have passed since the value was last bumped
   */
  readonly idle: number
}

/**
 * Returns what is left of the value of a tag after a number of intervals. When
 * it returns 0, or no finite number, or throws, the tag is removed.
 *
 * Decays are evaluated when the value is read, so the function is called with
 * all the intervals that have passed since the last bump at once and has to be
 * pure.
 */
export interface Decay {
  (value: number, context: DecayContext): number

  /**
   * The time of one decay step in ms for tags that are given no other
   *
   * @default 60_000
   */
  readonly interval?: number
}

/**
 * Returns the new value of a tag from its old value and the value that is added
 */
export interface Bump {
  (value: number, delta: number): number
}

/**
 * The value never decays (go-libp2p `DecayNone`)
 */
export function noDecay (): Decay {
  return value => value
}

/**
 * The value moves towards 0 by `amount` in each interval and the tag is removed
 * when it arrives there (go-libp2p `DecayFixed`). Penalties, i.e. negative
 * values, move up.
 *
 * @throws {InvalidOptionError} if `amount` is not a positive number
 */
export function fixed (amount: number): Decay {
  if (!(Number.isFinite(amount) && amount > 0)) {
    throw new InvalidOptionError('decay.fixed', amount, 'a positive number')
  }

  return (value, { steps }) => Math.sign(value) * Math.max(0, Math.abs(value) - amount * steps)
}

/**
 * So many steps of `linear` are rounded one by one. Only a factor that is hardly
 * less than 1 leaves something of a value after more of them, and is not worth the
 * time.
 */
const MAX_ROUNDED_STEPS = 10_000

/**
 * The value is multiplied by `factor` and rounded towards 0 in each interval; the
 * tag is removed when it arrives there (go-libp2p `DecayLinear`).
 *
 * @throws {InvalidOptionError} if `factor` is not between 0 and 1
 */
export function linear (factor: number): Decay {
  if (!(Number.isFinite(factor) && factor >= 0 && factor < 1)) {
    throw new InvalidOptionError('decay.linear', factor, 'a number from 0 to below 1')
  }

  return (value, { steps }) => {
    const rounded = Math.min(steps, MAX_ROUNDED_STEPS)
    let left = value * factor ** (steps - rounded)

    for (let step = 0; step < rounded && left !== 0; step++) {
      left = Math.trunc(left * factor)
    }

    return left
  }
}

/**
 * The value stays what it is until it was not bumped for `idle` ms, then the tag
 * is removed (what go-libp2p's `DecayExpireWhenInactive` is meant to do).
 *
 * @throws {InvalidOptionError} if `idle` is not a positive number
 */
export function expire (idle: number): Decay {
  if (!(Number.isFinite(idle) && idle > 0)) {
    throw new InvalidOptionError('decay.expire', idle, 'a positive number of ms')
  }

  return Object.assign((value: number, context: DecayContext) => context.idle >= idle ? 0 : value, { interval: idle })
}

/**
 * Bumps add up without bounds (go-libp2p `BumpSumUnbounded`)
 */
export function sum (): Bump {
  return (value, delta) => value + delta
}

/**
 * Bumps add up, but never past `min` or `max` (go-libp2p `BumpSumBounded`)
 *
 * @throws {InvalidOptionError} if the bounds are not numbers or contradict each
 * other
 */
export function bounded (min: number, max: number): Bump {
  if (Number.isNaN(min) || typeof min !== 'number') {
    throw new InvalidOptionError('bump.bounded.min', min, 'a number')
  }

  if (!(typeof max === 'number' && max >= min)) {
    throw new InvalidOptionError('bump.bounded.max', max, `a number of at least ${min}`)
  }

  return (value, delta) => Math.min(max, Math.max(min, value + delta))
}

/**
 * The bump replaces the value (go-libp2p `BumpOverwrite`)
 */
export function overwrite (): Bump {
  return (_value, delta) => delta
}
