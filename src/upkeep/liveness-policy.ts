/**
 * When a silent connection is pinged, and when it is given up
 */
export interface LivenessTimes {
  /**
   * A connection on which no bytes came for this many ms is pinged, and again
   * after this many ms if the ping is not answered
   *
   * @default NORMAL_LIVENESS.interval
   */
  interval: number

  /**
   * A connection is given up after this many pings in a row that were not answered
   *
   * @default NORMAL_LIVENESS.maxMisses
   */
  maxMisses: number

  /**
   * … and not before no bytes came for this many ms
   *
   * @default NORMAL_LIVENESS.minSilence
   */
  minSilence: number
}

/**
 * What is known of the life of one connection
 */
export interface LivenessRecord {
  /**
   * When bytes came last, in ms since the epoch
   */
  lastHeard: number

  /**
   * Since when nothing was heard although we listened, in ms since the epoch. Later
   * than `lastHeard` if the process did not run in between.
   */
  silentSince: number

  /**
   * How many pings in a row were not answered
   */
  misses: number

  /**
   * The smoothed round trip time in ms
   */
  rtt?: number

  /**
   * How much it varies, in ms
   */
  rttVariation?: number
}

/**
 * Times for connections that matter at every second (iroh pings every 5 s)
 */
export const FAST_LIVENESS: Readonly<LivenessTimes> = { interval: 5_000, maxMisses: 3, minSilence: 20_000 }

/**
 * Times for most connections
 */
export const NORMAL_LIVENESS: Readonly<LivenessTimes> = { interval: 30_000, maxMisses: 3, minSilence: 60_000 }

/**
 * Times for connections of which many are open, or devices that run on a battery
 * (btcd and Bitcoin Core ping every 2 min)
 */
export const RELAXED_LIVENESS: Readonly<LivenessTimes> = { interval: 120_000, maxMisses: 3, minSilence: 300_000 }

/**
 * In ms: a ping has at least this long
 */
export const MIN_PING_TIMEOUT = 2_000

/**
 * In ms: a ping has at most this long
 */
export const MAX_PING_TIMEOUT = 20_000

/**
 * In ms: a ping has this long when the round trip time is not known
 */
export const DEFAULT_PING_TIMEOUT = 10_000

/**
 * In ms: a ping that was not answered is followed by another one no sooner
 */
export const MIN_RETRY_DELAY = 1_000

/**
 * In ms: a connection on which bytes come all the time is pinged this often all the same,
 * and once when it is new, so that its round trip time is known. Our own choice: a ping
 * in ten minutes costs nothing, and paths do not change faster for long.
 */
export const MAX_RTT_AGE = 600_000

/**
 * For how many ms to wait for the answer to a ping, at least and at most
 */
export interface PingTimeouts {
  minPingTimeout: number
  maxPingTimeout: number
}

/**
 * The bounds where none were given
 */
export const PING_TIMEOUTS: Readonly<PingTimeouts> = { minPingTimeout: MIN_PING_TIMEOUT, maxPingTimeout: MAX_PING_TIMEOUT }

/**
 * What to do with a connection when its time has come
 */
export type LivenessAction = 'wait' | 'ping' | 'abort'

/**
 * Bytes count as life, so only a silent connection is pinged, and only one that
 * is silent and has not answered for long enough is given up. One that has left a
 * ping unanswered is asked again, however short its silence is.
 */
export function livenessAction (record: LivenessRecord, times: LivenessTimes, now: number): LivenessAction {
  const silence = now - record.silentSince

  if (record.misses >= times.maxMisses && silence >= times.minSilence) {
    return 'abort'
  }

  return record.misses === 0 && silence < times.interval ? 'wait' : 'ping'
}

/**
 * Is it time to measure the round trip time, also of a connection that is alive? One that
 * did not answer is not asked again before that either.
 *
 * @param pingedAt - when it was pinged last, in ms since the epoch, `-Infinity` if it never was
 * @param now - in ms since the epoch
 */
export function isRTTDue (pingedAt: number, now: number): boolean {
  return now - pingedAt >= MAX_RTT_AGE
}

/**
 * When to look again at a connection that has not answered a ping, in ms since the
 * epoch. What is left of the minimum of silence is divided among the pings that are
 * left, so that a dead connection is found soon after it.
 */
export function nextCheck (record: LivenessRecord, times: LivenessTimes, now: number): number {
  const silenceLeft = Math.max(0, record.silentSince + times.minSilence - now)
  const pingsLeft = times.maxMisses - record.misses

  if (pingsLeft <= 0) {
    return now + silenceLeft
  }

  // it is never given up, so there is no hurry
  if (pingsLeft === Infinity) {
    return now + Math.max(times.interval, MIN_RETRY_DELAY)
  }

  return now + Math.min(Math.max(times.interval, MIN_RETRY_DELAY), Math.max(MIN_RETRY_DELAY, silenceLeft / pingsLeft))
}

/**
 * For how many ms to wait for the answer to a ping. It has to cross the wire
 * several times, as the protocol is negotiated first (the formula is that of RFC
 * 6298 section 2.3).
 */
export function pingTimeout (record: LivenessRecord, { minPingTimeout, maxPingTimeout }: PingTimeouts = PING_TIMEOUTS): number {
  const roundTrips = 3
  const timeout = record.rtt == null ? DEFAULT_PING_TIMEOUT : roundTrips * (record.rtt + 4 * (record.rttVariation ?? record.rtt / 2))

  return Math.min(maxPingTimeout, Math.max(minPingTimeout, timeout))
}

/**
 * The round trip time after another measurement, smoothed as RFC 6298 section 2
 * says
 */
export function smoothRTT (record: LivenessRecord, sample: number): { rtt: number, rttVariation: number } {
  if (record.rtt == null) {
    return { rtt: sample, rttVariation: sample / 2 }
  }

  const variation = record.rttVariation ?? record.rtt / 2

  return {
    rttVariation: variation * 3 / 4 + Math.abs(record.rtt - sample) / 4,
    rtt: record.rtt * 7 / 8 + sample / 8
  }
}
