/**
 * What is remembered of a peer that may be dialled
 */
export interface DialRecord {
  /**
   * When it was dialled last, in ms since the epoch. `undefined` if it never was.
   */
  readonly lastTry?: number

  /**
   * When it was connected last, in ms since the epoch. `undefined` if it never was.
   */
  readonly lastSeen?: number

  /**
   * How often dialling it has failed in a row
   */
  readonly failures: number
}

/**
 * How likely a peer is to be dialled now, from 0 to 1
 */
export interface RetryChance {
  (record: DialRecord, now: number): number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/**
 * In ms: a peer that was dialled within this time is hardly ever dialled again
 * (Bitcoin Core)
 */
const RECENT_TRY = 10 * MINUTE

/**
 * After so many failures it makes no difference any more (Bitcoin Core)
 */
const MAX_FAILURES = 8

/**
 * Bitcoin Core's rule: each failure makes it a third less likely, and a peer that
 * was dialled within ten minutes has one chance in a hundred
 */
export const coreRetryChance: RetryChance = ({ lastTry, failures }, now) => {
  const recent = lastTry != null && Math.abs(now - lastTry) < RECENT_TRY ? 0.01 : 1

  return recent * 0.66 ** Math.min(failures, MAX_FAILURES)
}

/**
 * The Satoshi client's rule: the longer ago a peer was seen, the longer it is left
 * alone after it was dialled: 10 minutes if it was seen within the hour, otherwise
 * an hour times the square root of the hours
 */
export const satoshiRetryChance: RetryChance = ({ lastTry, lastSeen }, now) => {
  if (lastTry == null) {
    return 1
  }

  // a clock that was set back makes times lie ahead
  const sinceSeen = lastSeen == null ? Infinity : Math.abs(now - lastSeen)
  const wait = sinceSeen < HOUR ? RECENT_TRY : Math.min(HOUR * Math.sqrt(sinceSeen / HOUR), 100 * HOUR)

  return Math.abs(now - lastTry) < wait ? 0 : 1
}
