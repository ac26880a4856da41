import type { Metrics } from '@libp2p/interface'

/**
 * How a dial of a peer ended
 *
 * - `success` with a connection
 * - `failed` without
 * - `cancelled` nobody waited for it any longer
 */
export type DialOutcome = 'success' | 'failed' | 'cancelled'

/**
 * Where the figures of the moment come from
 */
export interface DialMetricsSource {
  /**
   * Whether UDP and IPv6 work, `undefined` if nobody finds out
   */
  blackHoles(): Record<string, 'probing' | 'allowed' | 'blocked'> | undefined

  /**
   * How many addresses are remembered to have failed
   */
  backOffEntries(): number
}

/**
 * What tells about dials
 */
export interface DialMetrics {
  /**
   * A peer was dialled for `duration` ms
   */
  onDial(outcome: DialOutcome, duration: number): void

  /**
   * An address is dialled, `delay` ms after the first of its peer
   */
  onAttempt(delay: number): void
}

/**
 * In seconds, from a dial on the same machine to one that times out
 */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/**
 * In seconds. go-libp2p has the same.
 */
const RANKING_BUCKETS = [0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2]

const BLACK_HOLE_VALUES = { probing: 0, allowed: 1, blocked: -1 }

/**
 * Registers what becomes of dials
 */
export function registerDialMetrics (metrics: Metrics | undefined, source: DialMetricsSource): DialMetrics {
  const dials = metrics?.registerCounterGroup('libp2p_connmgr_dials_total', {
    label: 'outcome',
    help: 'Peers that were dialled, by what came of it'
  })
  const durations = metrics?.registerHistogramGroup('libp2p_connmgr_dial_duration_seconds', {
    label: 'outcome',
    buckets: DURATION_BUCKETS,
    help: 'How long it took to dial a peer, by what came of it'
  })
  const delays = metrics?.registerHistogram('libp2p_connmgr_dial_ranking_delay_seconds', {
    buckets: RANKING_BUCKETS,
    help: 'How long after the first address of a peer an address was dialled'
  })

  metrics?.registerMetricGroup('libp2p_connmgr_black_hole_state', {
    label: 'path',
    help: '1 works, 0 not known yet, -1 a black hole',
    calculate: () => Object.fromEntries(Object.entries(source.blackHoles() ?? {}).map(([path, state]) => [path, BLACK_HOLE_VALUES[state]]))
  })
  metrics?.registerMetric('libp2p_connmgr_back_off_addresses', {
    help: 'Addresses that are remembered to have failed',
    calculate: () => source.backOffEntries()
  })

  return {
    onDial: (outcome, duration) => {
      dials?.increment({ [outcome]: 1 })
      durations?.observe({ [outcome]: duration / 1_000 })
    },
    onAttempt: delay => { delays?.observe(delay / 1_000) }
  }
}
