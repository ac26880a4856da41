import { setImmediate as turn } from 'node:timers/promises'
import { getHeapSpaceStatistics } from 'node:v8'

/**
 * The heap after a collection
 */
export interface HeapSample {
  /**
   * In ms since the beginning
   */
  readonly at: number

  /**
   * How many connections had been opened by then
   */
  readonly opened: number

  /**
   * What objects take
   */
  readonly bytes: number
}

/**
 * A line through samples, and how sure it is
 */
export interface Slope {
  readonly perUnit: number

  /**
   * Half of the interval that holds the true slope with a probability of 95 %
   */
  readonly confidence: number
}

/**
 * Until so many connections were opened, code that runs often is still being compiled for
 * the first time, and what is bounded grows to its bound: caches, and the larger ones of V8's tables
 */
export const WARM_UP = 5_000

/**
 * In ms: a little more or less is kept each time, so little can be said about what happened
 * in less
 */
export const MIN_JUDGED = 120_000

/**
 * Machine code, bytecode with what the compiler has noted of it, and what V8 came with
 */
const NOT_OF_OBJECTS = /^(shared_)?(code|trusted|read_only)_/

/**
 * How many of the samples at the beginning are left out if there is no warm-up
 */
const LEFT_OUT = 0.4

/**
 * How many samples a slope needs at least
 */
const MIN_SAMPLES = 4

export async function sampleHeap (at: number, opened: number): Promise<HeapSample> {
  // as before the process gives up for want of memory: until there is nothing more to
  // free, compiled code that is not used any longer included
  await turn()
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })

  return { at, opened, bytes: bytesOfObjects(getHeapSpaceStatistics()) }
}

/**
 * What objects take. The spaces for code are left out: they grow for many minutes, as one
 * function after the other is run often enough to be compiled once more, and nothing that
 * is forgotten can be in there.
 */
export function bytesOfObjects (spaces: ReadonlyArray<{ space_name: string, space_used_size: number }>): number {
  return spaces
    .filter(({ space_name: name }) => !NOT_OF_OBJECTS.test(name))
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0)
}

/**
 * The samples to draw a line through, and whether it tells of a leak
 */
export function afterWarmUp (samples: readonly HeapSample[]): { settled: HeapSample[], isJudged: boolean } {
  const settled = samples.filter(({ opened }) => opened >= WARM_UP)
  const isJudged = settled.length >= MIN_SAMPLES && settled[settled.length - 1].at - settled[0].at >= MIN_JUDGED

  return { isJudged, settled: isJudged ? settled : samples.slice(Math.floor(samples.length * LEFT_OUT)) }
}

/**
 * The slope of the heap by least squares, `undefined` if there are too few samples
 */
export function slope (samples: readonly HeapSample[], unit: (sample: HeapSample) => number): Slope | undefined {
  const n = samples.length

  if (n < MIN_SAMPLES) {
    return undefined
  }

  const xs = samples.map(unit)
  const ys = samples.map(({ bytes }) => bytes)
  const meanX = mean(xs)
  const meanY = mean(ys)
  const spread = xs.reduce((sum, x) => sum + (x - meanX) ** 2, 0)
  const perUnit = xs.reduce((sum, x, i) => sum + (x - meanX) * (ys[i] - meanY), 0) / spread
  const residual = xs.reduce((sum, x, i) => sum + (ys[i] - meanY - perUnit * (x - meanX)) ** 2, 0)

  return { perUnit, confidence: studentT(n - 2) * Math.sqrt(residual / (n - 2) / spread) }
}

function mean (values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/**
 * The two-sided 95 % quantile of Student's distribution: the expansion of Cornish and
 * Fisher around that of the normal distribution, to a few thousandths from 4 degrees of
 * freedom on. Below, it is 4.3 and 3.2.
 */
function studentT (degrees: number): number {
  const z = 1.959964

  if (degrees < 4) {
    return degrees < 3 ? 4.303 : 3.182
  }

  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) + (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
}
