import { Counts } from './counts.ts'
import type { World } from './world.ts'

interface MetricValue {
  readonly value: number
  readonly labels: Partial<Record<string, string | number>>
}

/**
 * What the metrics of the node tell otherwise than it is
 */
export async function differencesOfMetrics ({ manager, registry }: World): Promise<string[]> {
  const before = manager.getConnections()
  const metrics = new Map((await registry.getMetricsAsJSON()).map(({ name, values }) => [name, values as MetricValue[]]))
  const connections = manager.getConnections()

  // nothing can be said of figures that belong to different moments
  if (before.length !== connections.length || before.some((connection, i) => connection !== connections[i])) {
    return ['connections came or went while the metrics were read']
  }

  const value = (name: string, label?: string): number => metrics.get(name)?.find(({ labels }) => label == null || Object.values(labels).includes(label))?.value ?? 0
  const total = (name: string): number => (metrics.get(name) ?? []).reduce((sum, { value }) => sum + value, 0)
  const { system } = manager.resources.stat()
  const inbound = connections.filter(({ direction }) => direction === 'inbound').length
  const counts = new Counts()

  counts.compare('metric of inbound connections', value('libp2p_connection_manager_connections', 'inbound'), inbound)
  counts.compare('metric of outbound connections', value('libp2p_connection_manager_connections', 'outbound'), connections.length - inbound)
  counts.compare('metric of pending inbound connections', value('libp2p_connection_manager_connections', 'inbound pending'), 0)
  counts.compare('metric of the dial queue', total('libp2p_dial_queue'), 0)
  counts.compare('metric of connections by standing', total('libp2p_connmgr_connections'), connections.length)
  counts.compare('metric of connected peers', value('libp2p_connmgr_peers', 'connected'), manager.getStats().peers)
  counts.compare('metric of connections by realm', total('libp2p_connmgr_realm_connections'), connections.length)
  counts.compare('metric of connections in system', value('libp2p_rcmgr_connections', 'system'), connections.length)
  counts.compare('metric of streams in system', value('libp2p_rcmgr_streams', 'system'), system.usage.streams)
  counts.compare('metric of streams by protocol', total('libp2p_protocol_streams_total'), system.usage.streams)
  counts.compare('metrics of opened and of closed connections', total('libp2p_connmgr_opened_connections_total') - total('libp2p_connmgr_closed_connections_total'), connections.length)

  return counts.differences
}
