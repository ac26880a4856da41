import { autoNATv2 } from '@libp2p/autonat-v2'
import { dcutr } from '@libp2p/dcutr'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { ConnectionManagerService } from '../../src/index.ts'
import { componentOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode, memoryNodeOptions } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { GossipSub, Message } from '@libp2p/gossipsub'
import type { Libp2p, Libp2pEvents, ServiceMap } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { TypedEventTarget } from 'main-event'

const EVENTS: Array<keyof Libp2pEvents> = [
  'connection:open',
  'connection:close',
  'connection:prune',
  'peer:connect',
  'peer:disconnect',
  'peer:update',
  'peer:identify',
  'peer:discovery',
  'self:peer:update',
  'transport:listening',
  'transport:close'
]

interface Services extends Record<string, unknown> {
  connectionManager: ConnectionManagerService
  ping: Ping
  pubsub: GossipSub
}

type ManagedNode = Libp2p<{ connectionManager: ConnectionManagerService }>

describe('stopping and starting a node', () => {
  const nodes = new NodeGroup()
  let network: ScriptedNetwork
  let clock: VirtualClock

  beforeEach(() => {
    network = new ScriptedNetwork()
    clock = new VirtualClock()
  })

  afterEach(async () => nodes.stop())

  async function createNode (init: ConnectionManagerInit = {}, start = true): Promise<ManagedNode> {
    return nodes.add(createLibp2p({
      ...memoryNodeOptions(),
      start,
      transports: [network.transport()],
      // in browsers libp2p denies addresses that are not public
      connectionGater: { denyDialMultiaddr: () => false },
      services: {
        connectionManager: components => new ConnectionManagerService(components, init, clock)
      }
    }))
  }

  it('keeps the services running', async () => {
    const [node, remote] = await Promise.all([createServiceNode(), createServiceNode()])

    for (let run = 0; run < 2; run++) {
      const subscribed = pEvent(remote.services.pubsub, 'subscription-change')
      node.services.pubsub.subscribe('test-topic')
      remote.services.pubsub.subscribe('test-topic')
      const identified = pEvent(node, 'peer:identify')
      await node.dial(remote.getMultiaddrs())
      await Promise.all([identified, subscribed])
      expect(node.services.connectionManager.getConnections()).to.have.lengthOf(1)

      const received = pEvent<'message', CustomEvent<Message>>(node.services.pubsub, 'message')
      await remote.services.pubsub.publish('test-topic', Uint8Array.from([run]))
      expect((await received).detail.data).to.equalBytes([run])

      await node.stop()
      await node.start()
    }
  })

  async function createServiceNode (): Promise<Libp2p<Services>> {
    return nodes.add(createLibp2p<Services & ServiceMap>({
      ...memoryNodeOptions(),
      services: {
        connectionManager: components => new ConnectionManagerService(components),
        identify: identify(),
        ping: ping(),
        dht: kadDHT({ clientMode: false }),
        pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }),
        dcutr: dcutr(),
        autonat: autoNATv2()
      }
    }))
  }

  it('closes the connections, and opens new ones', async () => {
    const node = await createNode()
    const remote = await nodes.add(createPlainNode())
    const first = await node.dial(remote.getMultiaddrs())

    await node.stop()
    expect(first.status).to.equal('closed')
    expect(node.getConnections()).to.be.empty()
    expect(node.services.connectionManager.getConnectionsMap()).to.have.property('size', 0)
    await expect(node.dial(remote.getMultiaddrs())).to.eventually.be.rejected()
      .with.property('name', 'NotStartedError')

    await node.start()
    const second = await node.dial(remote.getMultiaddrs())
    expect(node.getConnections()).to.deep.equal([second])

    const opened = pEvent(node, 'connection:open')
    await (await nodes.add(createPlainNode())).dial(node.getMultiaddrs())
    await opened
    expect(node.services.connectionManager.getConnections()).to.have.lengthOf(2)
  })

  it('tells of a peer that connects once, however often the node was started', async () => {
    const node = await createNode()
    const remote = await nodes.add(createPlainNode())

    for (let i = 0; i < 3; i++) {
      await node.stop()
      await node.start()
    }

    let connects = 0
    node.addEventListener('peer:connect', () => { connects++ })
    await node.dial(remote.getMultiaddrs())
    expect(connects).to.equal(1)
  })

  it('leaves as many listeners as there were before', async () => {
    const node = await createNode({}, false)
    const before = listeners(node)

    for (let i = 0; i < 2; i++) {
      await node.start()
      const remote = await nodes.add(createPlainNode())
      await node.dial(remote.getMultiaddrs())
      await node.stop()
    }

    expect(listeners(node)).to.deep.equal(before)
  })

  it('leaves no timer, whatever was going on', async () => {
    const node = await createNode({ maxConnections: 3, lowWater: 1, highWater: 1, gracePeriod: 0 })
    const manager = node.services.connectionManager
    const [kept, ...others] = await Promise.all([createPlainNode(), createPlainNode(), createPlainNode()].map(async remote => nodes.add(remote)))

    // it is dialled again, which takes until the end
    await node.peerStore.merge(kept.peerId, { tags: { 'keep-alive': { value: 1 } } })
    const connection = await node.dial(network.route('/ip4/192.0.2.1/tcp/4001', kept))
    network.hold('/ip4/192.0.2.1/tcp/4001')
    connection.abort(new Error('The network is gone'))
    await network.untilDialed('/ip4/192.0.2.1/tcp/4001', 2)

    // above the high watermark
    for (const remote of others) {
      await node.dial(remote.getMultiaddrs())
    }

    const dial = node.dial(network.hold('/ip4/192.0.2.2/tcp/4001'))
    await network.untilDialed('/ip4/192.0.2.2/tcp/4001')
    manager.tag(others[0].peerId, 'test', 1)
    expect(clock.timers).to.be.at.least(1)

    await node.stop()
    await expect(dial).to.eventually.be.rejected()
    await manager.dialQueue.queue.onIdle()
    expect(clock.timers).to.equal(0)
    expect(node.getDialQueue()).to.be.empty()
  })

  it('can be done twice', async () => {
    const node = await createNode()
    const remote = await nodes.add(createPlainNode())
    const connection = await node.dial(remote.getMultiaddrs())
    const manager = node.services.connectionManager

    await Promise.all([manager.stop(), manager.stop()])
    await manager.stop()
    await node.stop()
    await node.stop()
    expect(connection.status).to.equal('closed')
    expect(clock.timers).to.equal(0)

    await node.start()
    await node.start()
    manager.start()
    await node.dial(remote.getMultiaddrs())
    expect(node.getConnections()).to.have.lengthOf(1)
  })

  it('can be done before it was started', async () => {
    const node = await createNode({}, false)
    await node.services.connectionManager.stop()

    expect(node.services.connectionManager.isStarted()).to.be.false()
    expect(clock.timers).to.equal(0)
  })
})

function listeners (node: Libp2p): Record<string, number> {
  const events = componentOf<TypedEventTarget<Libp2pEvents>>(node, 'events')

  return Object.fromEntries(EVENTS.map(type => [type, events.listenerCount(type)]))
}
