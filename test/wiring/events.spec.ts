import { ping } from '@libp2p/ping'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { ConnectionTable } from '../../src/core/index.ts'
import { InvalidOptionError } from '../../src/index.ts'
import { CloseReasons } from '../../src/wiring/close-reasons.ts'
import { WatermarkCrossings } from '../../src/wiring/watermark-crossings.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ConnectionManagerEvents, ConnectionManagerInit, ConnectionManagerService } from '../../src/index.ts'
import type { WatermarkCrossing } from '../../src/wiring/events.ts'
import type { Libp2p } from '@libp2p/interface'

type Node = Libp2p<{ connectionManager: ConnectionManagerService }>
type EventName = keyof ConnectionManagerEvents

describe('wiring/events', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  async function createNode (init: ConnectionManagerInit = {}): Promise<{ node: Node, manager: ConnectionManagerService }> {
    const node = await nodes.add(createManagedNode(init))

    return { node, manager: node.services.connectionManager }
  }

  async function connect (node: Node): Promise<Libp2p> {
    const remote = await nodes.add(createPlainNode())
    await node.dial(remote.getMultiaddrs())

    return remote
  }

  function record <K extends EventName> (manager: ConnectionManagerService, ...types: K[]): Array<[K, ConnectionManagerEvents[K]['detail']]> {
    const events: Array<[K, ConnectionManagerEvents[K]['detail']]> = []

    for (const type of types) {
      manager.addEventListener(type, event => { events.push([type, event.detail]) })
    }

    return events
  }

  async function next <K extends EventName> (manager: ConnectionManagerService, type: K): Promise<ConnectionManagerEvents[K]['detail']> {
    const { detail } = await pEvent<K, ConnectionManagerEvents[K]>(manager, type)

    return detail
  }

  describe('of connections', () => {
    it('tell of one that was opened', async () => {
      const { node, manager } = await createNode()
      const opened = next(manager, 'connection:open')
      const { peerId } = await connect(node)
      const { connection, direction, remoteAddr } = await opened

      expect(connection.remotePeer.equals(peerId)).to.equal(true)
      expect(direction).to.equal('outbound')
      expect(remoteAddr.equals(connection.remoteAddr)).to.equal(true)
    })

    const closings: Array<{ reason: string, init?: ConnectionManagerInit, close(node: Node, remote: Libp2p): Promise<unknown> | unknown }> = [
      { reason: 'trim', init: { gracePeriod: 0 }, close: async node => node.services.connectionManager.trimConnections(1) },
      { reason: 'hang-up', close: async (node, remote) => node.hangUp(remote.peerId) },
      { reason: 'ban', close: async (node, remote) => node.services.connectionManager.bans.ban(remote.peerId) },
      { reason: 'stop', close: async node => node.stop() },
      { reason: 'remote', close: async (node, remote) => remote.hangUp(node.peerId) },
      { reason: 'error', close: node => { node.getConnections()[0].abort(new Error('The network is gone')) } },
      { reason: 'idle', init: { idleTimeout: 1 }, close: () => {} }
    ]

    it('tell of one that was closed because its realm has too many', async () => {
      const { node, manager } = await createNode({ gracePeriod: 0, silencePeriod: 0, realmSettings: { chain: { lowWater: 1, highWater: 1 } } })
      const remotes = [await connect(node), await connect(node)]
      const closed = next(manager, 'connection:close')
      remotes.forEach(({ peerId }) => { manager.realms.assign(peerId, 'chain') })

      expect(await closed).to.have.property('reason', 'trim')
    })

    for (const { reason, init, close } of closings) {
      it(`tell of one that was closed, and why: ${reason}`, async () => {
        const { node, manager } = await createNode(init)
        const remote = await connect(node)
        const closed = next(manager, 'connection:close')
        await close(node, remote)

        const { duration, peerId, ...rest } = await closed
        expect(rest).to.include({ reason, direction: 'outbound' })
        expect(peerId.equals(remote.peerId)).to.equal(true)
        expect(duration).to.be.at.least(0)
      })
    }

    it('tell of pings and how long their answers took', async () => {
      const { node, manager } = await createNode({ liveness: { interval: 20 } })
      const remote = await nodes.add(createPlainNode({ services: { ping: ping() } }))
      const pinged = next(manager, 'connection:ping')
      await node.dial(remote.getMultiaddrs())

      expect(await pinged).to.have.property('rtt').that.is.at.least(0)
    })

    it('tell the first reason, if there are several', () => {
      const table = new ConnectionTable()
      const closing = new CloseReasons(table)
      const connection = stubConnection()
      const entry = table.add(connection, 0)
      closing.mark(connection, 'evict')
      closing.mark(connection, 'stop')

      expect(entry != null && closing.of(entry, { error: new Error('Too slow') })).to.equal('evict')
    })
  })

  describe('of dials', () => {
    it('tell of attempts, and how they ended', async () => {
      const network = new ScriptedNetwork()
      const node = await nodes.add(createManagedNode({}, {
        transports: [network.transport()],
        // in browsers libp2p denies addresses that are not public
        connectionGater: { denyDialMultiaddr: () => false }
      }))
      const remote = await nodes.add(createPlainNode())
      const events = record(node.services.connectionManager, 'dial:attempt', 'dial:fail', 'dial:end')
      await node.dial(remote.getMultiaddrs())
      await expect(node.dial(network.fail('/ip4/192.0.2.1/tcp/4001'))).to.eventually.be.rejected()

      expect(events.map(([type]) => type)).to.deep.equal(['dial:attempt', 'dial:end', 'dial:attempt', 'dial:fail', 'dial:end'])
      expect(events[0][1]).to.include({ delay: 0 })
      expect(events[1][1]).to.include({ outcome: 'success' })
      expect(events[3][1]).to.have.property('reason').that.is.a('string')
      expect(events[4][1]).to.include({ outcome: 'failed' })
    })
  })

  describe('of peers', () => {
    it('tell of tags that are given and taken', async () => {
      const { manager } = await createNode()
      const events = record(manager, 'peer:tag', 'peer:untag')
      const peerId = stubPeerId()
      manager.tag(peerId, 'useful', 5)
      manager.untag(peerId, 'useful')
      manager.untag(peerId, 'useful')

      expect(events).to.deep.equal([['peer:tag', { peerId, tag: 'useful', value: 5 }], ['peer:untag', { peerId, tag: 'useful' }]])
    })

    it('tell nothing of a tag that is refused', async () => {
      const { manager } = await createNode()
      const events = record(manager, 'peer:tag')
      expect(() => { manager.tag(stubPeerId(), '', 5) }).to.throw(InvalidOptionError)

      expect(events).to.deep.equal([])
    })

    it('tell of protection that begins and ends, once', async () => {
      const { manager } = await createNode()
      const events = record(manager, 'peer:protect', 'peer:unprotect')
      const peerId = stubPeerId()
      manager.protect(peerId, 'a')
      manager.protect(peerId, 'a')
      manager.protect(peerId, 'b')
      manager.unprotect(peerId, 'a')
      manager.unprotect(peerId, 'a')
      manager.unprotect(peerId, 'b')

      expect(events.map(([type, { tag, isProtected }]) => [type, tag, isProtected])).to.deep.equal([
        ['peer:protect', 'a', true],
        ['peer:protect', 'b', true],
        ['peer:unprotect', 'a', true],
        ['peer:unprotect', 'b', false]
      ])
    })

    it('tell of peers that are discouraged', async () => {
      const { manager } = await createNode()
      const discouraged = next(manager, 'peer:discourage')
      const peerId = stubPeerId()
      await manager.reportMisbehaviour(peerId, { persistent: 60 })

      expect((await discouraged).equals(peerId)).to.equal(true)
    })
  })

  describe('of watermarks', () => {
    it('tell when there are more connections than a watermark, and no longer', () => {
      const crossings: WatermarkCrossing[] = []
      const watch = new WatermarkCrossings(() => ({ lowWater: 2, highWater: 3 }), crossing => { crossings.push(crossing) });

      [1, 2, 3, 2, 3, 4, 5, 4, 2, 1, 0].forEach(connections => { watch.update(connections) })

      expect(crossings.map(({ watermark, direction, connections }) => [watermark, direction, connections])).to.deep.equal([
        ['low', 'up', 3],
        ['low', 'down', 2],
        ['low', 'up', 3],
        ['high', 'up', 4],
        ['low', 'down', 2],
        ['high', 'down', 2]
      ])
    })

    it('come from a node', async () => {
      const { node, manager } = await createNode({ lowWater: 1, highWater: 1, maxConnections: 4, gracePeriod: 60_000 })
      const events = record(manager, 'watermark:cross')
      await connect(node)
      await connect(node)

      expect(events.map(([, { watermark, direction, level, connections }]) => [watermark, direction, level, connections])).to.deep.equal([['low', 'up', 1, 2], ['high', 'up', 1, 2]])
    })
  })

  it('cost nothing while nobody listens', async () => {
    const { manager } = await createNode()
    const dispatched: string[] = []
    const dispatch = manager.dispatchEvent.bind(manager)
    manager.dispatchEvent = event => {
      dispatched.push(event.type)

      return dispatch(event)
    }
    manager.tag(stubPeerId(), 'useful', 5)
    manager.protect(stubPeerId(), 'kept')

    // the decision log listens to what is decided
    expect(dispatched).to.deep.equal(['peer:protect'])
  })
})
