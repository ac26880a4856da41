/**
 * Waits that double, in ms
 */
export interface BackOff {
  min: number
  max: number
}

/**
 * How long to wait after the `attempt`-th failure in a row, counted from 1
 */
export function backOff (attempt: number, { min, max }: BackOff): number {
  return Math.min(max, min * 2 ** Math.min(attempt - 1, 30))
}
