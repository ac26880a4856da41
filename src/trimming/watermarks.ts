import { LOW_WATER_RATIO } from '../constants.ts'
import { InvalidOptionError } from '../errors.ts'
import { atLeastOne } from '../options.ts'

/**
 * How many connections there may be, and should be
 */
export interface WatermarkOptions {
  maxConnections?: number
  lowWater?: number
  highWater?: number
}

/**
 * What watermarks follow from where they are not given
 */
export interface WatermarkDefaults {
  maxConnections: number

  /**
   * The low watermark in relation to the high one
   */
  lowWaterRatio: number

  /**
   * The high watermark in relation to `maxConnections`
   */
  highWaterRatio: number
}

/**
 * `lowWater` ≤ `highWater` ≤ `maxConnections`, unless `highWater` is `Infinity`,
 * so that nothing is trimmed
 */
export interface Watermarks {
  maxConnections: number
  lowWater: number
  highWater: number
}

/**
 * The three numbers from those that are given.
 *
 * `maxConnections` alone means what it means to libp2p: trimming begins when it
 * is exceeded. Watermarks alone leave room above the high one, as AutoNAT stops
 * verifying addresses close to `maxConnections`.
 *
 * @throws {InvalidOptionError} if they contradict each other
 */
export function resolveWatermarks (options: WatermarkOptions, defaults: WatermarkDefaults): Watermarks {
  const { lowWater, highWater } = options
  const maxConnections = options.maxConnections ?? (highWater == null ? defaults.maxConnections : Math.ceil(highWater / defaults.highWaterRatio))

  if (highWater != null && highWater > maxConnections && highWater !== Infinity) {
    throw new InvalidOptionError('highWater', highWater, `at most maxConnections (${maxConnections})`)
  }

  const high = highWater ?? maxConnections

  if (lowWater != null && lowWater > high) {
    throw new InvalidOptionError('lowWater', lowWater, `at most highWater (${high})`)
  }

  return { maxConnections, highWater: high, lowWater: lowWaterBelow(high, options, defaults) }
}

/**
 * The watermarks after `maxConnections` was changed. Those that followed from it
 * do so again; those that were given are only lowered where they would be above
 * it, and return when it is raised.
 *
 * @throws {InvalidOptionError} if it is not a number of at least 1
 */
export function withMaxConnections (options: WatermarkOptions, maxConnections: number, defaults: WatermarkDefaults): Watermarks {
  if (!atLeastOne.isValid(maxConnections)) {
    throw new InvalidOptionError('maxConnections', maxConnections, atLeastOne.expected)
  }

  const highWater = options.highWater === Infinity ? Infinity : Math.min(options.highWater ?? maxConnections, maxConnections)

  return { maxConnections, highWater, lowWater: lowWaterBelow(highWater, options, defaults) }
}

function lowWaterBelow (highWater: number, options: WatermarkOptions, defaults: WatermarkDefaults): number {
  return options.lowWater == null
    ? ratioOf(highWater, defaults.lowWaterRatio)
    : lowWaterWithin(options.lowWater, options.highWater ?? Infinity, highWater)
}

/**
 * The high watermark where there are only so many places. `Infinity` stays, as then
 * nothing is to be trimmed.
 */
export function highWaterWithin (highWater: number, places: number): number {
  return highWater === Infinity ? highWater : Math.min(highWater, Math.max(1, places))
}

/**
 * The low watermark if the high one is lowered: as it was if that leaves the usual
 * distance, and otherwise in proportion
 */
export function lowWaterWithin (lowWater: number, highWater: number, lowered: number): number {
  if (highWater !== Infinity && highWater > lowered && lowWater > lowered * LOW_WATER_RATIO) {
    return Math.max(Math.min(1, lowWater), Math.floor(lowWater * lowered / highWater))
  }

  return Math.min(lowWater, lowered)
}

/**
 * At least 1, so that a node with few connections does not close all of them
 */
export function ratioOf (highWater: number, ratio: number): number {
  return Math.max(1, Math.floor(highWater * ratio))
}
