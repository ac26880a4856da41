import { BoundedLabels } from './bounded-labels.ts'
import type { Metrics } from '@libp2p/interface'

/**
 * Where the figures of the moment come from
 */
export interface ConnectionMetricsSource {
  /**
   * The limits that connections are held within: `low-water`, `high-water` and
   * `max-connections`
   */
  watermarks(): Record<string, number>

  /**
   * How many connections could be trimmed, and how many could not, by reason
   */
  standing(): Record<string, number>

  /**
   * How many peers there are, by what is special about them
   */
  peers(): Record<string, number>

  /**
   * How many peers the node connects to of its own choice: `target`, `connected` and
   * `dialling`
   */
  outbound(): Record<string, number>

  /**
   * How many bans are in force
   */
  bans(): number

  /**
   * How many connections count in each realm, and how many are reserved for it
   */
  realms(): Iterable<{ realm: string, connections: number, reserved: number }>

  /**
   * How many connections are watched for being alive
   */
  watched(): number
}

/**
 * What tells about open connections
 */
export interface ConnectionMetrics {
  onOpen(direction: string): void

  /**
   * A connection was closed that was open for `duration` ms
   */
  onClose(reason: string, duration: number): void

  /**
   * A ping was answered after `rtt` ms, or was not answered
   */
  onPing(rtt: number | undefined): void

  /**
   * A peer was not dialled that might have been
   */
  onSkip(reason: string): void
}

/**
 * Realms are named by tags and protocols, so not all can be told apart
 */
const MAX_REALMS = 64

/**
 * In seconds, from a probe to a connection that stays
 */
const DURATION_BUCKETS = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400]

/**
 * In seconds, from the same machine to the other side of the world
 */
const RTT_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5]

/**
 * Registers what there is to say about open connections and their peers
 */
export function registerConnectionMetrics (metrics: Metrics | undefined, source: ConnectionMetricsSource): ConnectionMetrics {
  const opened = metrics?.registerCounterGroup('libp2p_connmgr_opened_connections_total', {
    label: 'direction',
    help: 'Connections that were opened'
  })
  const closed = metrics?.registerCounterGroup('libp2p_connmgr_closed_connections_total', {
    label: 'reason',
    help: 'Connections that were closed, by who or what closed them'
  })
  const durations = metrics?.registerHistogram('libp2p_connmgr_connection_duration_seconds', {
    buckets: DURATION_BUCKETS,
    help: 'How long connections were open'
  })
  const rtts = metrics?.registerHistogram('libp2p_connmgr_ping_rtt_seconds', {
    buckets: RTT_BUCKETS,
    help: 'Round trip times of pings'
  })
  const misses = metrics?.registerCounter('libp2p_connmgr_ping_misses_total', {
    help: 'Pings that were not answered'
  })
  const skipped = metrics?.registerCounterGroup('libp2p_connmgr_skipped_candidates_total', {
    label: 'reason',
    help: 'Peers that were not dialled automatically'
  })

  registerGauges(metrics, source)

  return {
    onOpen: direction => { opened?.increment({ [direction]: 1 }) },
    onClose: (reason, duration) => {
      closed?.increment({ [reason]: 1 })
      durations?.observe(duration / 1_000)
    },
    onPing: rtt => {
      if (rtt == null) {
        misses?.increment()
      } else {
        rtts?.observe(rtt / 1_000)
      }
    },
    onSkip: reason => { skipped?.increment({ [reason]: 1 }) }
  }
}

function registerGauges (metrics: Metrics | undefined, source: ConnectionMetricsSource): void {
  const realms = new BoundedLabels(MAX_REALMS)
  const reserves = new BoundedLabels(MAX_REALMS)

  metrics?.registerMetricGroup('libp2p_connmgr_watermarks', {
    label: 'watermark',
    help: 'How many connections there should be after a trim, may be before one, and may be at all',
    calculate: () => source.watermarks()
  })
  metrics?.registerMetricGroup('libp2p_connmgr_connections', {
    label: 'standing',
    help: 'Open connections by whether they could be trimmed',
    calculate: () => source.standing()
  })
  metrics?.registerMetricGroup('libp2p_connmgr_peers', {
    label: 'standing',
    help: 'Peers that are connected, protected, discouraged, or tagged though they are not connected',
    calculate: () => source.peers()
  })
  metrics?.registerMetricGroup('libp2p_connmgr_outbound_peers', {
    label: 'standing',
    help: 'Peers that the node should have connected to of its own choice, has, and is dialling',
    calculate: () => source.outbound()
  })
  metrics?.registerMetric('libp2p_connmgr_active_bans', {
    help: 'Bans that are remembered',
    calculate: () => source.bans()
  })
  metrics?.registerMetricGroup('libp2p_connmgr_realm_connections', {
    label: 'realm',
    help: 'Connections that count in a realm',
    calculate: () => realms.complete([...source.realms()].map(({ realm, connections }) => [realm, connections]))
  })
  metrics?.registerMetricGroup('libp2p_connmgr_realm_reserved', {
    label: 'realm',
    help: 'Connections that are reserved for a realm',
    calculate: () => reserves.complete([...source.realms()].map(({ realm, reserved }) => [realm, reserved]))
  })
  metrics?.registerMetric('libp2p_connmgr_watched_connections', {
    help: 'Connections that are watched for being alive',
    calculate: () => source.watched()
  })
}
