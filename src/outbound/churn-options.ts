import { duration, numberRule } from '../options.ts'
import type { OptionRules } from '../options.ts'

/**
 * When connections are closed to make room for other peers
 */
export interface ChurnInit {
  /**
   * In ms: between these two, at random, lies the time from one to the next
   *
   * @default [180_000, 420_000]
   */
  interval?: [number, number]

  /**
   * In ms: peers that have been connected for less are spared
   *
   * @default 600_000
   */
  minAge?: number

  /**
   * The part of all peers that is spared because it has the highest values, if these
   * are more than 0
   *
   * @default 0.1
   */
  protectFraction?: number

  /**
   * The part of all peers that goes, those of the lowest values. `0`: one peer at
   * random.
   *
   * @default 0
   */
  fraction?: number
}

const aPart = numberRule('a number from 0 to 1', value => value >= 0 && value <= 1)

export const CHURN_RULES: OptionRules<ChurnInit> = {
  interval: {
    expected: 'two finite numbers of ms of at least 1, the lower one first',
    isValid: value => Array.isArray(value) && value.length === 2 && value.every(ms => Number.isFinite(ms) && ms >= 1) && value[0] <= value[1]
  },
  minAge: duration,
  protectFraction: aPart,
  fraction: aPart
}
