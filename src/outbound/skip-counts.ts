import type { SkipReason } from './skip-reasons.ts'
import type { CounterGroup, Metrics } from '@libp2p/interface'

/**
 * Counts candidates that were not dialled, by reason
 */
export class SkipCounts {
  readonly counts: Record<SkipReason, number> = {
    invalid: 0,
    self: 0,
    connected: 0,
    dialling: 0,
    'hung-up': 0,
    'just-tried': 0,
    'no-address': 0,
    banned: 0,
    'retry-chance': 0,
    group: 0,
    protocol: 0
  }

  readonly #metric?: CounterGroup

  constructor (metrics?: Metrics) {
    this.#metric = metrics?.registerCounterGroup('libp2p_connmgr_skipped_candidates_total', {
      label: 'reason',
      help: 'Peers that were not dialled automatically'
    })
  }

  add (reason: SkipReason): void {
    this.counts[reason]++
    this.#metric?.increment({ [reason]: 1 })
  }
}
