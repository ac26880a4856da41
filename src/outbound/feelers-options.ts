import { duration, finite, numberRule } from '../options.ts'
import type { OptionRules } from '../options.ts'

/**
 * When peers are connected to only to see whether they are there
 */
export interface FeelersInit {
  /**
   * In ms: the average time from one to the next. Each time is drawn from an
   * exponential distribution, so that nobody can tell when the next will come.
   *
   * @default 120_000
   */
  interval?: number

  /**
   * In ms: the connection is closed after this, unless the application uses it by
   * then. Long enough for identify.
   *
   * @default 5_000
   */
  duration?: number
}

export const FEELERS_RULES: OptionRules<FeelersInit> = {
  interval: finite(numberRule('a number of ms of at least 1', value => value >= 1)),
  duration: finite(duration)
}
