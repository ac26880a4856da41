import type { Random } from '../random.ts'

/**
 * How waits grow
 */
export interface RetryDelayInit {
  /**
   * How many ms to wait after the first failure
   */
  base: number

  /**
   * The wait does not grow beyond so many ms
   */
  max: number

  /**
   * Which part of the wait is left to chance, so that nodes which have lost the
   * same peer do not all come back at once
   */
  jitter: number
}

/**
 * Dingo waits from 1 s, btcd and DeP2P wait up to 5 min
 */
export const STATIC_RETRY: Readonly<RetryDelayInit> = { base: 1_000, max: 300_000, jitter: 0.2 }

/**
 * In ms: a session that was this long was a stable one (Dingo). A shorter one does
 * not make up for failures before it.
 */
export const STABLE_SESSION = 30_000

/**
 * How many ms to wait after so many failures in a row: twice as long after each.
 * As many as after the first where there was none.
 */
export function retryDelay (failures: number, init: RetryDelayInit, random: Random): number {
  return Math.min(init.max, init.base * 2 ** Math.max(0, failures - 1)) * (1 - init.jitter * random.next())
}
