import type { SkipReason } from './skip-reasons.ts'

/**
 * What the automatic dials are at
 */
export interface OutboundStat {
  /**
   * To how many peers there should be a connection that we have opened, and to how
   * many there is
   */
  readonly target: number
  readonly connected: number

  /**
   * How many are being dialled
   */
  readonly dialling: number

  /**
   * Whether nothing is dialled because of `pause()`, or because there is no network
   */
  readonly paused: boolean

  /**
   * How often candidates were not dialled, by reason
   */
  readonly skipped: Readonly<Record<SkipReason, number>>
}

/**
 * How many candidates were not dialled, by reason
 */
export type SkipCounts = Record<SkipReason, number>

/**
 * What is counted from
 */
export function noSkips (): SkipCounts {
  return {
    invalid: 0,
    self: 0,
    connected: 0,
    dialling: 0,
    'hung-up': 0,
    parked: 0,
    'just-tried': 0,
    'no-address': 0,
    banned: 0,
    'retry-chance': 0,
    private: 0,
    group: 0,
    protocol: 0
  }
}
