import type { SkipReason } from './skip-reasons.ts'

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
    group: 0,
    protocol: 0
  }
}
