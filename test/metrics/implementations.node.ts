import { openTelemetryMetrics } from '@libp2p/opentelemetry-metrics'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { simpleMetrics } from '@libp2p/simple-metrics'
import { metrics as openTelemetry } from '@opentelemetry/api'
import { InMemoryMetricExporter, AggregationTemporality, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { Registry } from 'prom-client'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'
import type { MetricData } from '@opentelemetry/sdk-metrics'
import type { Libp2pInit } from 'libp2p'

type Node = Libp2p<{ connectionManager: ConnectionManagerService }>

/**
 * The figures of a metric by the value of its label
 */
type Figures = Record<string, number>

/**
 * An implementation of libp2p's metrics, as users have it
 */
interface Implementation {
  name: string

  /**
   * Metrics for one node, and a way to read the figures of that node
   */
  create(): { metrics: NonNullable<Libp2pInit['metrics']>, read(name: string): Promise<Figures> }
  stop?(): Promise<void>
}

const PROMETHEUS: Implementation = {
  name: '@libp2p/prometheus-metrics',
  create: () => {
    const registry = new Registry()

    return {
      metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }),
      read: async name => {
        const metric = (await registry.getMetricsAsJSON()).find(metric => metric.name === name)

        return Object.fromEntries((metric?.values ?? []).map(({ labels, value }) => [Object.values(labels)[0] ?? 'value', value]))
      }
    }
  }
}

const SIMPLE: Implementation = {
  name: '@libp2p/simple-metrics',
  create: () => {
    let latest: Record<string, unknown> = {}
    let onLatest = (): void => {}
    const create = simpleMetrics({
      intervalMs: 10,
      onMetrics: metrics => {
        latest = metrics
        onLatest()
      }
    })

    const untilLatest = async (): Promise<void> => new Promise(resolve => { onLatest = resolve })

    return {
      // it counts bytes of the connections that libp2p had before version 3
      metrics: components => Object.assign(create(components), { trackMultiaddrConnection: () => {}, trackProtocolStream: () => {} }),
      read: async name => {
        // the next ones may have been gathered before
        await untilLatest()
        await untilLatest()

        const figures = latest[name]

        return typeof figures === 'number' ? { value: figures } : { ...figures as Figures }
      }
    }
  }
}

function openTelemetryImplementation (): Implementation {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
  const provider = new MeterProvider({ readers: [reader] })
  let nodes = 0

  async function collect (meterName: string, name: string): Promise<MetricData | undefined> {
    exporter.reset()
    await reader.forceFlush()
    const [{ scopeMetrics }] = exporter.getMetrics()

    return scopeMetrics.find(({ scope }) => scope.name === meterName)?.metrics.find(({ descriptor }) => descriptor.name === name)
  }

  return {
    name: '@libp2p/opentelemetry-metrics',
    create: () => {
      openTelemetry.setGlobalMeterProvider(provider)
      const meterName = `node-${nodes++}`

      return {
        metrics: openTelemetryMetrics({ meterName }),
        read: async name => {
          const data = await collect(meterName, name)

          return Object.fromEntries((data?.dataPoints ?? []).map(({ attributes, value }) => [Object.values(attributes)[0] ?? 'value', Number(value)]))
        }
      }
    },
    stop: async () => {
      openTelemetry.disable()
      await provider.shutdown()
    }
  }
}

for (const implementation of [PROMETHEUS, SIMPLE, openTelemetryImplementation()]) {
  describe(`metrics with ${implementation.name}`, () => {
    const nodes = new NodeGroup()

    afterEach(async () => nodes.stop())
    after(async () => implementation.stop?.())

    async function createNode (init: ConnectionManagerInit = {}): Promise<{ node: Node, read(name: string): Promise<Figures> }> {
      const { metrics, read } = implementation.create()
      const node = await nodes.add(createManagedNode(init, { metrics }))

      return { node, read }
    }

    it('show usage and limits under the same scopes', async () => {
      const { node, read } = await createNode({ limits: { system: { connections: 100 }, realms: { chain: { connections: 8 } } } })
      const remote = await nodes.add(createPlainNode())
      node.services.connectionManager.realms.assign(remote.peerId, 'chain')
      await node.dial(remote.getMultiaddrs())

      expect(await read('libp2p_rcmgr_connections')).to.include({ system: 1, transient: 0, 'realm:chain': 1 })
      expect(await read('libp2p_rcmgr_connections_limit')).to.include({ system: 100, 'realm:chain': 8 })
      expect(await read('libp2p_connmgr_realm_connections')).to.deep.equal({ chain: 1, none: 0 })
    })

    it('show how connections stand between the watermarks', async () => {
      const { node, read } = await createNode({ lowWater: 4, highWater: 6, maxConnections: 8 })
      const remotes = await Promise.all([nodes.add(createPlainNode()), nodes.add(createPlainNode())])
      node.services.connectionManager.protect(remotes[0].peerId, 'kept')
      await Promise.all(remotes.map(async remote => node.dial(remote.getMultiaddrs())))

      expect(await read('libp2p_connmgr_watermarks')).to.deep.equal({ 'low-water': 4, 'high-water': 6, 'max-connections': 8 })
      expect(await read('libp2p_connmgr_connections')).to.deep.equal({ candidate: 0, protected: 1, 'in-grace': 1, 'allow-listed': 0 })
      expect(await read('libp2p_connmgr_peers')).to.deep.equal({ connected: 2, protected: 1, discouraged: 0, 'tagged and absent': 0 })
    })

    it('count what was opened, closed and dialled, and why', async () => {
      const { node, read } = await createNode({ gracePeriod: 0 })
      const remotes = await Promise.all([nodes.add(createPlainNode()), nodes.add(createPlainNode())])
      await Promise.all(remotes.map(async remote => node.dial(remote.getMultiaddrs())))
      await node.services.connectionManager.trimConnections(1)
      const closed = pEvent(node.services.connectionManager, 'connection:close')
      await Promise.all(remotes.map(async remote => remote.hangUp(node.peerId)))
      await closed

      expect(await read('libp2p_connmgr_opened_connections_total')).to.deep.equal({ outbound: 2 })
      expect(await read('libp2p_connmgr_closed_connections_total')).to.deep.equal({ trim: 1, remote: 1 })
      expect(await read('libp2p_connmgr_dials_total')).to.deep.equal({ success: 2 })
      expect(await read('libp2p_connmgr_trimmed_connections_total')).to.deep.equal({ count: 1 })
    })

    it('do not mix what two nodes do', async () => {
      const first = await createNode()
      const second = await createNode()
      const remote = await nodes.add(createPlainNode())
      await first.node.dial(remote.getMultiaddrs())

      expect(await first.read('libp2p_connection_manager_connections')).to.have.property('outbound', 1)
      expect(await second.read('libp2p_connection_manager_connections')).to.have.property('outbound', 0)
      expect(await first.read('libp2p_connmgr_opened_connections_total')).to.deep.equal({ outbound: 1 })
      expect(await second.read('libp2p_connmgr_opened_connections_total')).to.deep.equal({})
    })

    it('show that there is nothing left when a node has stopped', async () => {
      const { node, read } = await createNode()
      const remote = await nodes.add(createPlainNode())
      await node.dial(remote.getMultiaddrs())
      expect(await read('libp2p_rcmgr_connections')).to.have.property('system', 1)

      // what is read of a node that was stopped is what is left of it
      await node.services.connectionManager.stop()

      expect(await read('libp2p_connmgr_closed_connections_total')).to.deep.equal({ stop: 1 })
      expect(await read('libp2p_rcmgr_connections')).to.have.property('system', 0)
    })
  })
}
