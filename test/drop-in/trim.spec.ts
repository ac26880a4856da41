import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { recordEvents } from '../fixtures/events.ts'
import { OURS, UPSTREAM, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../../src/index.ts'
import type { Connection, Libp2p } from '@libp2p/interface'

const PROTOCOL = '/busy/1.0.0'

describe('drop-in: trimming on real nodes', () => {
  const nodes = new NodeGroup()
  let network: ScriptedNetwork
  let node: Libp2p<{ connectionManager: ConnectionManagerService }>
  let manager: ConnectionManagerService

  beforeEach(() => {
    network = new ScriptedNetwork()
  })

  afterEach(async () => nodes.stop())

  async function start (init: ConnectionManagerInit = {}): Promise<void> {
    // ours has this service, which the type of the group does not tell
    node = await createManagedNode({ gracePeriod: 0, silencePeriod: 0, ...init }, {
      transports: [network.transport()],
      connectionGater: { denyDialMultiaddr: () => false }
    })
    await nodes.add(Promise.resolve(node))
    manager = node.services.connectionManager
  }

  async function peers (count: number, from?: string): Promise<Libp2p[]> {
    return Promise.all(Array.from({ length: count }, async () => {
      const peer = await nodes.add(createPlainNode({ transports: [network.transport({ from })] }))
      await peer.handle(PROTOCOL, () => {}, { runOnLimitedConnection: true })

      return peer
    }))
  }

  /**
   * The peers connect, and the connections are closed that are too many
   */
  async function connectUntilPruned (dialers: Libp2p[]): Promise<Connection[]> {
    const pruned = pEvent<'connection:prune', CustomEvent<Connection[]>>(node, 'connection:prune')
    await Promise.all(dialers.map(async dialer => dialer.dial(node.getMultiaddrs())))

    return (await pruned).detail
  }

  function names (list: Array<Libp2p | Connection>): string[] {
    return list.map(item => ('remotePeer' in item ? item.remotePeer : item.peerId).toString()).sort()
  }

  it('begins above the high watermark and ends at the low one', async () => {
    await start({ lowWater: 2, highWater: 4 })
    const dialers = await peers(5)
    const events = recordEvents(node)
    await Promise.all(dialers.slice(0, 4).map(async dialer => dialer.dial(node.getMultiaddrs())))
    expect(node.getConnections()).to.have.lengthOf(4)

    const closed = await connectUntilPruned(dialers.slice(4))
    expect(closed).to.have.lengthOf(3)
    expect(node.getConnections()).to.have.lengthOf(2)
    expect(events.filter(({ type }) => type === 'connection:prune')).to.have.lengthOf(1)
  })

  it('closes the peers with the least tags', async () => {
    await start({ lowWater: 2, highWater: 4 })
    const dialers = await peers(5)
    const [stored, tagged, ...others] = dialers
    await node.peerStore.merge(stored.peerId, { tags: { useful: { value: 50 } } })
    manager.tag(tagged.peerId, 'useful', 40)
    manager.tag(others[0].peerId, 'useful', 10)

    const closed = await connectUntilPruned(dialers)
    expect(names(closed)).to.deep.equal(names(others))
    expect(names(node.getConnections())).to.deep.equal(names([stored, tagged]))
  })

  it('closes no protected peer', async () => {
    await start({ lowWater: 1, highWater: 3 })
    const [first, second, ...others] = await peers(4)
    manager.protect(first.peerId, 'validator')
    manager.protect(second.peerId, 'validator')
    manager.tag(others[0].peerId, 'useful', 100)
    manager.tag(others[1].peerId, 'useful', 100)

    const closed = await connectUntilPruned([first, second, ...others])
    expect(names(closed)).to.deep.equal(names(others))
    expect(names(node.getConnections())).to.deep.equal(names([first, second]))
  })

  it('closes nobody within the grace period, and tells so', async () => {
    await start({ lowWater: 1, highWater: 2, gracePeriod: 60_000 })
    const dialers = await peers(3)
    const events = recordEvents(node)
    const trimmed = pEvent(manager, 'connection:trim')
    await Promise.all(dialers.map(async dialer => dialer.dial(node.getMultiaddrs())))

    expect((await trimmed).detail).to.have.property('complete', false)
    expect((await trimmed).detail).to.have.nested.property('kept.inGrace', 3)
    expect(events.map(({ type }) => type)).to.not.include('connection:prune')
    expect(node.getConnections()).to.have.lengthOf(3)
  })

  it('closes no connection from the allow list', async () => {
    await start({ lowWater: 1, highWater: 3, allow: ['/ip4/8.8.8.8'] })
    const allowed = await peers(2, '/ip4/8.8.8.8/tcp/4001')
    const others = await peers(2, '/ip4/8.8.4.4/tcp/4001')

    const closed = await connectUntilPruned([...allowed, ...others])
    expect(names(closed)).to.deep.equal(names(others))
    expect(names(node.getConnections())).to.deep.equal(names(allowed))
  })

  it('closes that connection of a peer with two that it does not open streams on, before the only one of another', async () => {
    await start({ lowWater: 2, highWater: 2 })
    const [twice, once] = await peers(2)
    manager.tag(twice.peerId, 'useful', 100)
    const first = await twice.dial(node.getMultiaddrs())
    expect(manager.getConnection(twice.peerId)).to.equal(node.getConnections(twice.peerId)[0])
    await once.dial(node.getMultiaddrs())
    const pruned = pEvent<'connection:prune', CustomEvent<Connection[]>>(node, 'connection:prune')
    await twice.dial(node.getMultiaddrs(), { force: true })

    expect(names((await pruned).detail)).to.deep.equal(names([twice]))
    expect(names(node.getConnections())).to.deep.equal(names([twice, once]))
    expect(first.status).to.equal('open')
  })

  it('closes busy connections only after idle ones, but it does', async () => {
    await start({ lowWater: 1, highWater: 4 })
    const [busy, ...idle] = await peers(4)
    const other = await peers(1)

    for (const peer of [busy, ...idle]) {
      await peer.dial(node.getMultiaddrs())
    }

    await node.dialProtocol(busy.peerId, PROTOCOL)
    const closed = await connectUntilPruned(other)

    expect(names(closed)).to.deep.equal(names([...idle, ...other]))
    expect(names(node.getConnections())).to.deep.equal(names([busy]))

    // nobody else is left
    await manager.trimConnections(1)
    expect(node.getConnections()).to.be.empty()
  })

  it('takes a connection for idle that has nothing but streams which are declared to be housekeeping', async () => {
    await start({ lowWater: 1, highWater: 2, housekeepingProtocols: [PROTOCOL] })
    const [idle, other] = await peers(2)
    await idle.dial(node.getMultiaddrs())
    await other.dial(node.getMultiaddrs())
    await node.dialProtocol(other.peerId, PROTOCOL)
    const { closed } = await manager.trim()

    // the newer one goes first
    expect(names(closed.map(({ connection }) => connection))).to.deep.equal(names([other]))
    expect(closed[0].streams).to.equal(0)
  })

  const BUSY = [
    { underTest: OURS, open: 0, left: 1 },
    // connections with streams are told to be closed and are not
    { underTest: UPSTREAM, open: 2, left: 3 }
  ]

  BUSY.forEach(({ underTest, open, left }) => {
    it(`of the busy connections that ${underTest.name} tells to have closed ${open} are open`, async () => {
      const node = await nodes.add(underTest.create({ maxConnections: 10 }))
      const remotes = await peers(3)

      for (const remote of remotes) {
        await node.dialProtocol(remote.getMultiaddrs(), PROTOCOL)
      }

      const pruned = pEvent<'connection:prune', CustomEvent<Connection[]>>(node, 'connection:prune')
      managerOf(node).setMaxConnections(1)
      const { detail: connections } = await pruned

      expect(connections).to.have.lengthOf(2)
      expect(connections.filter(({ status }) => status === 'open')).to.have.lengthOf(open)
      expect(node.getConnections()).to.have.lengthOf(left)
      node.getConnections().forEach(connection => { connection.abort(new Error('The test is over')) })
    })
  })

  it('lists only connections that have closed, although one of them could not', async () => {
    await start({ lowWater: 1, highWater: 10, connectionCloseTimeout: 20 })
    const dialers = await peers(3)
    await Promise.all(dialers.map(async dialer => dialer.dial(node.getMultiaddrs())))
    const [stuck] = node.getConnections()
    stuck.close = async () => new Promise(() => {})
    stuck.abort = () => {}
    const pruned = pEvent<'connection:prune', CustomEvent<Connection[]>>(node, 'connection:prune')
    // whatever is not closed is not protected either
    await manager.trimConnections(3)

    const { detail: connections } = await pruned
    expect(connections).to.have.lengthOf(2)
    expect(connections).to.not.include(stuck)
    expect(connections.every(({ status }) => status === 'closed')).to.be.true()
  })
})
