import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { Registry } from 'prom-client'
import { connectionManager } from '../../src/index.ts'
import { earlyService } from '../fixtures/discarded.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode, memoryNodeOptions } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import { SilentEncrypter } from '../fixtures/stalling.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../../src/index.ts'
import type { EarlyService } from '../fixtures/discarded.ts'
import type { Libp2p, Libp2pEvents } from '@libp2p/interface'

const PROTOCOL = '/test/1.0.0'

const CONNECTIONS = 'libp2p_connection_manager_connections'
const STREAMS = 'libp2p_protocol_streams_total'
const STREAMS_PER_CONNECTION = 'libp2p_connection_manager_protocol_streams_per_connection_90th_percentile'
const DIAL_QUEUE = 'libp2p_dial_queue'
const RECONNECT_QUEUE = 'libp2p_reconnect_queue'

describe('the metrics that libp2p\'s own connection manager has', () => {
  const nodes = new NodeGroup()
  let network: ScriptedNetwork
  let registry: Registry

  beforeEach(() => {
    network = new ScriptedNetwork()
    registry = new Registry()
  })

  afterEach(async () => nodes.stop())

  async function createNode (init: ConnectionManagerInit = {}): Promise<Libp2p<{ early: EarlyService, connectionManager: ConnectionManagerService }>> {
    return nodes.add(createLibp2p({
      ...memoryNodeOptions(),
      transports: [network.transport()],
      metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }),
      services: {
        early: earlyService(),
        connectionManager: connectionManager(init)
      }
    }))
  }

  async function createRemote (): Promise<Libp2p> {
    const remote = await nodes.add(createPlainNode())
    await remote.handle(PROTOCOL, () => {})

    return remote
  }

  /**
   * The values of a metric by the value of their label, as they are scraped
   */
  async function scrape (name: string): Promise<Record<string, number>> {
    const metric = (await registry.getMetricsAsJSON()).find(metric => metric.name === name)

    return Object.fromEntries((metric?.values ?? []).map(({ labels, value }) => [Object.values(labels)[0], value]))
  }

  it(`${CONNECTIONS} counts open connections by direction`, async () => {
    const node = await createNode()
    const [inbound, ...outbound] = await Promise.all([createRemote(), createRemote(), createRemote()])
    expect(await scrape(CONNECTIONS)).to.deep.equal({ inbound: 0, outbound: 0, 'inbound pending': 0, 'outbound pending': 0 })

    const opened = pEvent(node, 'connection:open')
    await inbound.dial(node.getMultiaddrs())
    await opened

    for (const remote of outbound) {
      await node.dial(remote.getMultiaddrs())
    }

    expect(await scrape(CONNECTIONS)).to.deep.equal({ inbound: 1, outbound: 2, 'inbound pending': 0, 'outbound pending': 0 })

    await node.hangUp(outbound[0].peerId)
    expect(await scrape(CONNECTIONS)).to.have.property('outbound', 1)
  })

  it(`${CONNECTIONS} counts those that are being opened`, async () => {
    const node = await createNode()
    const encrypter = new SilentEncrypter()
    const remote = await nodes.add(createPlainNode({ connectionEncrypters: [() => encrypter] }))
    const controller = new AbortController()
    const inbound = remote.dial(node.getMultiaddrs(), { signal: controller.signal })
    const outbound = node.dial(network.hold('/ip4/192.0.2.1/tcp/4001'), { signal: controller.signal })
    await Promise.all([encrypter.stalled, network.untilDialed('/ip4/192.0.2.1/tcp/4001')])

    expect(await scrape(CONNECTIONS)).to.deep.equal({ inbound: 0, outbound: 0, 'inbound pending': 1, 'outbound pending': 1 })

    controller.abort()
    await Promise.allSettled([inbound, outbound])
    expect(await scrape(CONNECTIONS)).to.have.property('outbound pending', 0)
  })

  it(`${STREAMS} counts open streams by direction and protocol`, async () => {
    const node = await createNode()
    const remotes = await Promise.all([createRemote(), createRemote()])

    for (const remote of remotes) {
      await node.dialProtocol(remote.getMultiaddrs(), PROTOCOL)
    }

    expect(await scrape(STREAMS)).to.deep.equal({ [`outbound ${PROTOCOL}`]: 2 })
  })

  it(`${STREAMS_PER_CONNECTION} says how many of them most connections have`, async () => {
    const node = await createNode()
    const remotes = await Promise.all([createRemote(), createRemote()])

    await node.dialProtocol(remotes[0].getMultiaddrs(), PROTOCOL)

    for (let i = 0; i < 3; i++) {
      await node.dialProtocol(remotes[1].getMultiaddrs(), PROTOCOL)
    }

    expect(await scrape(STREAMS_PER_CONNECTION)).to.deep.equal({ [`outbound ${PROTOCOL}`]: 3 })
  })

  it(`${DIAL_QUEUE} shows our dial queue, although the discarded manager has registered it`, async () => {
    const node = await createNode({ maxParallelDials: 1 })
    expect(await scrape(DIAL_QUEUE)).to.deep.equal({ size: 0, running: 0, queued: 0 })

    const controller = new AbortController()
    const addresses = ['/ip4/192.0.2.1/tcp/4001', '/ip4/192.0.2.2/tcp/4001', '/ip4/192.0.2.3/tcp/4001']
    const dials = addresses.map(async address => node.dial(network.hold(address), { signal: controller.signal }))
    await network.untilDialed(addresses[0])

    expect(await scrape(DIAL_QUEUE)).to.deep.equal({ size: 3, running: 1, queued: 2 })

    controller.abort()
    await Promise.allSettled(dials)
    await node.services.connectionManager.dialQueue.queue.onIdle()
    expect(await scrape(DIAL_QUEUE)).to.deep.equal({ size: 0, running: 0, queued: 0 })
  })

  it(`${RECONNECT_QUEUE} shows the peers that are dialled again`, async () => {
    const node = await createNode()
    const remote = await createRemote()
    await node.peerStore.merge(remote.peerId, { tags: { 'keep-alive': { value: 1 } } })
    const address = '/ip4/192.0.2.1/tcp/4001'
    const connection = await node.dial(network.route(address, remote))
    expect(await scrape(RECONNECT_QUEUE)).to.deep.equal({ size: 0, running: 0, queued: 0 })

    network.hold(address)
    connection.abort(new Error('The network is gone'))
    await network.untilDialed(address, 2)
    expect(await scrape(RECONNECT_QUEUE)).to.deep.equal({ size: 1, running: 1, queued: 0 })

    const reconnected = pEvent<'peer:connect', Libp2pEvents['peer:connect']>(node, 'peer:connect')
    network.release(address)
    await reconnected
  })

  it('go on after a restart of the node', async () => {
    const node = await createNode({ maxParallelDials: 1 })
    const remote = await createRemote()
    await node.dial(remote.getMultiaddrs())

    await node.stop()
    expect(await scrape(CONNECTIONS)).to.have.property('outbound', 0)

    await node.start()
    await node.dialProtocol(remote.getMultiaddrs(), PROTOCOL)
    expect(await scrape(CONNECTIONS)).to.have.property('outbound', 1)
    expect(await scrape(STREAMS)).to.have.property(`outbound ${PROTOCOL}`, 1)

    const address = '/ip4/192.0.2.1/tcp/4001'
    const controller = new AbortController()
    const dial = node.dial(network.hold(address), { signal: controller.signal })
    await network.untilDialed(address)
    expect(await scrape(DIAL_QUEUE)).to.have.property('running', 1)

    controller.abort()
    await expect(dial).to.eventually.be.rejected()
  })

  it('count what happens after a restart once', async () => {
    const node = await createNode({ maxConnections: 1 })
    const remotes = await Promise.all([createRemote(), createRemote()])
    await node.stop()
    await node.start()
    await node.dial(remotes[0].getMultiaddrs())

    const refused = pEvent(node.services.connectionManager, 'connection:refuse')
    await expect(remotes[1].dial(node.getMultiaddrs())).to.eventually.be.rejected()
    await refused

    expect(await scrape('libp2p_connmgr_refused_connections_total')).to.deep.equal({ 'max-connections': 1 })
  })

  it('are those of each of two nodes in one process', async () => {
    const node = await createNode()
    const other = new Registry()
    const [first, second] = [registry, other]
    registry = other
    await createNode()
    const remote = await createRemote()
    await node.dial(remote.getMultiaddrs())

    registry = first
    expect(await scrape(CONNECTIONS)).to.have.property('outbound', 1)
    registry = second
    expect(await scrape(CONNECTIONS)).to.have.property('outbound', 0)
  })
})
