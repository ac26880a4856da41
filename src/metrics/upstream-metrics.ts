import { BoundedLabels } from './bounded-labels.ts'
import { Snapshot } from './snapshot.ts'
import type { Clock } from '../clock.ts'
import type { Connection, MessageStreamDirection, Metrics } from '@libp2p/interface'

/**
 * Where the figures come from
 */
export interface UpstreamMetricsSource {
  clock: Pick<Clock, 'nextTurn'>

  /**
   * Open and pending connections by direction
   */
  counts(): { inbound: number, outbound: number, inboundPending: number, outboundPending: number }

  /**
   * Every open connection
   */
  connections(): Iterable<Connection>
}

/**
 * Protocols are named by remotes, so not all can be told apart
 */
const MAX_PROTOCOLS = 1_000

/**
 * Registers the metrics that libp2p's own connection manager has, under the same
 * names, as dashboards ask for them. Those of the queues are registered by the
 * queues.
 */
export function registerUpstreamMetrics (metrics: Metrics | undefined, source: UpstreamMetricsSource): void {
  metrics?.registerMetricGroup('libp2p_connection_manager_connections', {
    help: 'Connections that are open or being opened, by direction',
    calculate: () => {
      const { inbound, outbound, inboundPending, outboundPending } = source.counts()

      return { inbound, 'inbound pending': inboundPending, outbound, 'outbound pending': outboundPending }
    }
  })

  const streams = new Snapshot(source.clock, () => countStreams(source.connections()))
  const totalLabels = new BoundedLabels(MAX_PROTOCOLS)
  const percentileLabels = new BoundedLabels(MAX_PROTOCOLS)

  metrics?.registerMetricGroup('libp2p_protocol_streams_total', {
    label: 'protocol',
    help: 'Open streams by direction and protocol',
    calculate: () => totalLabels.complete(streams.get().map(({ name, total }) => [name, total]))
  })

  metrics?.registerMetricGroup('libp2p_connection_manager_protocol_streams_per_connection_90th_percentile', {
    label: 'protocol',
    help: 'Nine of ten connections with streams of a protocol have no more of them',
    calculate: () => percentileLabels.complete(streams.get().map(({ name, connections }) => [name, percentile(connections, 0.9)]))
  })
}

interface ProtocolStreams {
  /**
   * Direction and protocol
   */
  readonly name: string
  total: number

  /**
   * How many connections have how many of these streams
   */
  readonly connections: Map<number, number>

  /**
   * Of the connection that is being looked at
   */
  here: number
}

/**
 * There may be very many streams, so as little as possible is made for each
 */
class StreamCounts {
  readonly #protocols: Record<MessageStreamDirection, Map<string, ProtocolStreams>> = { inbound: new Map(), outbound: new Map() }
  #touched: ProtocolStreams[] = []

  add ({ streams }: Connection): void {
    for (const { direction, protocol } of streams) {
      const counts = this.#of(direction, protocol)

      if (counts.here === 0) {
        this.#touched.push(counts)
      }

      counts.here++
    }

    for (const counts of this.#touched) {
      counts.total += counts.here
      counts.connections.set(counts.here, (counts.connections.get(counts.here) ?? 0) + 1)
      counts.here = 0
    }

    this.#touched.length = 0
  }

  list (): ProtocolStreams[] {
    return [...this.#protocols.inbound.values(), ...this.#protocols.outbound.values()]
  }

  #of (direction: MessageStreamDirection, protocol: string): ProtocolStreams {
    let counts = this.#protocols[direction].get(protocol)

    if (counts == null) {
      counts = { name: `${direction} ${protocol === '' ? 'unnegotiated' : protocol}`, total: 0, connections: new Map(), here: 0 }
      this.#protocols[direction].set(protocol, counts)
    }

    return counts
  }
}

function countStreams (connections: Iterable<Connection>): ProtocolStreams[] {
  const counts = new StreamCounts()

  for (const connection of connections) {
    counts.add(connection)
  }

  return counts.list()
}

/**
 * The value at a fraction of all values, of which it is told how often there are
 */
function percentile (values: ReadonlyMap<number, number>, fraction: number): number {
  const sorted = [...values].sort(([a], [b]) => a - b)
  const rank = Math.floor(sorted.reduce((sum, [, count]) => sum + count, 0) * fraction)
  let passed = 0

  for (const [value, count] of sorted) {
    passed += count

    if (passed > rank) {
      return value
    }
  }

  return 0
}
