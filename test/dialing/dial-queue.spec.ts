import { ConnectionFailedError } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { MemoryDatastore } from 'datastore-core'
import { stubInterface } from 'sinon-ts'
import { dialReport } from '../../src/dialing/index.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { CounterGroup, Metric, MetricGroup, Metrics, PeerId } from '@libp2p/interface'

const A = '/memory/dial-queue-a'
const B = '/memory/dial-queue-b'

describe('dialing/dial-queue', () => {
  const nodes = new NodeGroup()
  let network: ScriptedNetwork
  let peerId: PeerId

  beforeEach(() => {
    network = new ScriptedNetwork()
    peerId = stubPeerId()
  })

  afterEach(async () => nodes.stop())

  it('remembers in the datastore of the node which addresses failed', async () => {
    const datastore = new MemoryDatastore()
    const target = network.fail(A).encapsulate(`/p2p/${peerId.toString()}`)
    const node = await nodes.add(createManagedNode({}, { datastore, transports: [network.transport()] }))
    await expect(node.dial(target)).to.eventually.be.rejected()
    await node.stop()

    const later = await nodes.add(createManagedNode({}, { datastore, transports: [network.transport()] }))
    await expect(later.services.connectionManager.dialQueue.dial(target, { automatic: true }))
      .to.eventually.be.rejected.with.property('name', 'NoValidAddressesError')
    expect(network.dialed).to.deep.equal([A])
  })

  it('counts why addresses could not be connected to', async () => {
    const counts: Record<string, number> = {}
    const group = stubInterface<CounterGroup>({
      increment: values => { Object.keys(values).forEach(reason => { counts[reason] = (counts[reason] ?? 0) + 1 }) }
    })
    const metrics = stubInterface<Metrics>()
    // what other parts of the node register
    metrics.registerMetric.callsFake((() => stubInterface<Metric>()) as Metrics['registerMetric'])
    metrics.registerMetricGroup.callsFake((() => stubInterface<MetricGroup>()) as Metrics['registerMetricGroup'])
    metrics.registerCounterGroup.callsFake(((name: string) => name === 'libp2p_connmgr_dial_failures_total' ? group : stubInterface<CounterGroup>()) as Metrics['registerCounterGroup'])
    const node = await nodes.add(createManagedNode({ addressDialTimeout: 20 }, { transports: [network.transport()], metrics: () => metrics }))
    network.fail(A, Object.assign(new ConnectionFailedError('refused'), { code: 'ECONNREFUSED' }))
    network.hold(B)
    await expect(node.dial([A, B].map(address => multiaddr(`${address}/p2p/${peerId.toString()}`)))).to.eventually.be.rejected()

    expect(counts).to.deep.equal({ refused: 1, timeout: 1 })
  })

  it('knows how the last dial of a peer failed, until one succeeds', async () => {
    const node = await nodes.add(createManagedNode({}, { transports: [network.transport()] }))
    const remote = await nodes.add(createPlainNode())
    const { dialQueue } = node.services.connectionManager
    const target = network.fail(A).encapsulate(`/p2p/${remote.peerId.toString()}`)
    const error = await dialQueue.dial(target).catch(error => error)
    expect(dialQueue.lastError(remote.peerId)).to.equal(error)
    expect(dialReport(error)?.failures[0].multiaddr.equals(target)).to.equal(true)

    network.route(A, remote)
    await dialQueue.dial(target)
    expect(dialQueue.lastError(remote.peerId)).to.equal(undefined)
  })

  it('dials nothing once it is stopped, and again when it is started', async () => {
    const node = await nodes.add(createManagedNode({}, { transports: [network.transport()] }))
    const { dialQueue } = node.services.connectionManager
    network.fail(A)
    await dialQueue.stop()
    await expect(dialQueue.dial(multiaddr(A))).to.eventually.be.rejected.with.property('name', 'AbortError')
    expect(network.dialed).to.be.empty()

    dialQueue.start()
    await expect(dialQueue.dial(multiaddr(A))).to.eventually.be.rejected.with.property('name', 'ConnectionFailedError')
    expect(network.dialed).to.deep.equal([A])
  })

  it('refuses a dial when the queue is full', async () => {
    const node = await nodes.add(createManagedNode({ maxDialQueueLength: 1 }, { transports: [network.transport()] }))
    node.dial(network.hold(A)).catch(() => {})

    await expect(node.dial(network.fail(B))).to.eventually.be.rejectedWith('Dial queue is full')
  })

  it('lets a dial that waits go first when somebody more urgent joins it', async () => {
    const node = await nodes.add(createManagedNode({ maxParallelDials: 1 }, { transports: [network.transport()] }))
    const { dialQueue } = node.services.connectionManager
    const [running, first, urgent] = [A, B, '/memory/dial-queue-c'].map(address => network.fail(address))
    network.hold(A)
    const dials = [running, first, urgent].map(async address => dialQueue.dial(address))
    const joined = dialQueue.dial(urgent, { priority: 90 })
    network.release(A)
    await Promise.allSettled([...dials, joined])

    expect(network.dialed).to.deep.equal([running, urgent, first].map(address => address.toString()))
  })

  it('joins a dial by any of its addresses', async () => {
    const node = await nodes.add(createManagedNode({}, { transports: [network.transport()] }))
    const { dialQueue } = node.services.connectionManager
    const events: string[] = []
    network.hold(A)
    network.fail(B)
    const first = dialQueue.dial([multiaddr(B), multiaddr(A)])
    const second = dialQueue.dial(multiaddr(A), { onProgress: ({ type }) => { events.push(type) } })
    first.catch(() => {})
    expect(dialQueue.queue.size).to.equal(1)
    expect(events).to.deep.equal(['dial-queue:already-in-dial-queue'])

    network.fail(A)
    network.release(A)
    await expect(second).to.eventually.be.rejected()
  })
})
