import { peerIdFromString } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import { TypedEventEmitter } from 'main-event'
import { pEvent } from 'p-event'
import { ConnectionManagerService, linear } from '../../src/index.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { ConnectionManagerComponents, ConnectionManagerEvents, ConnectionManagerInit } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

type Node = Libp2p<{ connectionManager: ConnectionManagerService }>

describe('wiring/explain', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  async function createNode (init: ConnectionManagerInit = {}): Promise<{ node: Node, manager: ConnectionManagerService }> {
    const node = await nodes.add(createManagedNode(init))

    return { node, manager: node.services.connectionManager }
  }

  async function connect (node: Libp2p): Promise<Libp2p> {
    const remote = await nodes.add(createPlainNode())
    await node.dial(remote.getMultiaddrs())

    return remote
  }

  it('has nothing to say about an unknown peer', async () => {
    const { manager } = await createNode()
    const explanation = await manager.explain(stubPeerId())

    expect(explanation).to.include({ known: false, value: 0, graceRemaining: 0, misbehaviour: 0, discouraged: false, flapping: false, static: false, keepAlive: false, summary: 'Nothing is known of this peer.' })
    expect(explanation.connections).to.deep.equal([])
    expect(explanation.trimRank).to.equal(undefined)
  })

  it('takes the text of an id as well', async () => {
    const { manager } = await createNode()
    const peerId = stubPeerId()
    manager.tag(peerId, 'useful', 5)

    expect(await manager.explain(peerId.toString())).to.deep.equal(await manager.explain(peerId))
  })

  for (const nonsense of [undefined, null, '', 'not a peer', 5, {}, [], { toString: () => { throw new Error('no') } }, 'Q'.repeat(1_000_000)]) {
    it(`refuses ${typeof nonsense === 'string' ? `"${nonsense.slice(0, 10)}"` : Object.prototype.toString.call(nonsense)} plainly`, async () => {
      const { manager } = await createNode()

      await expect(manager.explain(nonsense as unknown as string)).to.eventually.be.rejectedWith('"peerId" must be').with.property('name', 'InvalidParametersError')
    })
  }

  it('tells what a peer is worth, and why', async () => {
    const { node, manager } = await createNode()
    const peerId = stubPeerId()
    manager.tag(peerId, 'useful', 5)
    manager.tag(peerId, 'sinking', 10, { decay: linear(0.5), interval: 3_600_000 })
    await node.peerStore.merge(peerId, { tags: { 'keep-alive-friend': { value: 20 } } })

    expect(await manager.explain(peerId)).to.deep.include({
      known: true,
      value: 35,
      tags: { useful: 5, sinking: 10, 'keep-alive-friend': 20 },
      keepAlive: true
    })
  })

  it('tells who is protected, and by what', async () => {
    const { node, manager } = await createNode()
    const { peerId } = await connect(node)
    manager.protect(peerId, 'validator')
    manager.protect(peerId, 'friend')
    const { protectedBy, summary, trimRank } = await manager.explain(peerId)

    expect(protectedBy).to.deep.equal(['validator', 'friend'])
    expect(trimRank).to.equal(undefined)
    expect(summary).to.include('protected by validator, friend')
  })

  it('tells how long a newcomer is not trimmed', async () => {
    const { node, manager } = await createNode({ gracePeriod: 60_000 })
    const { peerId } = await connect(node)
    const { graceRemaining, trimRank } = await manager.explain(peerId)

    expect(graceRemaining).to.be.within(1, 60_000)
    expect(trimRank).to.equal(undefined)
  })

  it('tells whose turn it is in a trim, in the order in which a trim takes them', async () => {
    const { node, manager } = await createNode({ gracePeriod: 0 })
    const remotes = [await connect(node), await connect(node), await connect(node)]
    remotes.forEach(({ peerId }, i) => { manager.tag(peerId, 'worth', [20, 5, 10][i]) })

    expect(await Promise.all(remotes.map(async ({ peerId }) => (await manager.explain(peerId)).trimRank))).to.deep.equal([
      { position: 3, of: 3 },
      { position: 1, of: 3 },
      { position: 2, of: 3 }
    ])

    const { closed } = await manager.trimConnections(1)
    expect(closed[0].peerId.equals(remotes[1].peerId)).to.equal(true)
  })

  it('does not guess whom a function of the user would choose', async () => {
    const { node, manager } = await createNode({ gracePeriod: 0, selectVictims: candidates => candidates.slice(0, 1) })
    const { peerId } = await connect(node)

    expect((await manager.explain(peerId)).trimRank).to.equal(undefined)
  })

  it('describes connections', async () => {
    const { node, manager } = await createNode()
    const remote = await connect(node)
    await remote.handle('/app/1.0.0', () => {})
    await node.dialProtocol(remote.peerId, '/app/1.0.0')
    const [connection] = node.getConnections(remote.peerId)
    const { connections } = await manager.explain(remote.peerId)

    expect(connections).to.have.lengthOf(1)
    expect(connections[0]).to.deep.include({
      id: connection.id,
      direction: 'outbound',
      address: connection.remoteAddr.toString(),
      path: 'direct',
      limited: false,
      draining: false,
      selected: true,
      streams: 1,
      protocols: ['/app/1.0.0'],
      misses: 0
    })
    expect(connections[0].age).to.be.at.least(0)
  })

  it('tells the realm of a peer, and all that it is in', async () => {
    const { node, manager } = await createNode({ limits: { realms: { chain: { connections: 8 } } } })
    const { peerId } = await connect(node)
    manager.realms.assign(peerId, 'chain')
    manager.tag(peerId, 'realm:chat', 1)

    const { connections, realm, realms } = await manager.explain(peerId)
    expect(realm).to.equal('chain')
    expect(realms).to.deep.equal(['chain', 'chat'])
    expect(connections[0].realm).to.equal('chain')
  })

  it('tells of bans and what led to them', async () => {
    const { manager } = await createNode()
    const [banned, forever, shady] = [stubPeerId(), stubPeerId(), stubPeerId()]
    await manager.bans.ban(banned, { for: 60_000, reason: 'spam' })
    await manager.bans.ban(forever, { for: Infinity })
    await manager.reportMisbehaviour(shady, { persistent: 60 })

    expect((await manager.explain(banned)).bans[0]).to.include({ target: banned.toString(), reason: 'spam' })
    expect((await manager.explain(banned)).summary).to.match(/It is banned \(spam\) for another \d+ s/)
    expect((await manager.explain(forever)).bans[0]).to.not.have.property('expires')
    expect(await manager.explain(shady)).to.include({ misbehaviour: 60, discouraged: true })
    expect((await manager.explain(shady)).decisions.map(({ kind }) => kind)).to.deep.equal(['discourage'])
  })

  it('tells why a peer could not be dialled', async () => {
    const { node, manager } = await createNode()
    const peerId = peerIdFromString('12D3KooWKAZ4wK7hpj5nBVkcxYoYq7gTxfhgaQnvnUmB4pqsXJnN')
    await expect(node.dial(peerId)).to.eventually.be.rejected()

    const { decisions, known, lastDialError } = await manager.explain(peerId)
    expect(known).to.equal(true)
    expect(lastDialError).to.include('Could not connect to').and.to.include('no address')
    expect(decisions.map(({ kind, reason }) => [kind, reason])).to.deep.equal([['dial', 'failed']])
  })

  it('tells of static peers', async () => {
    const { manager } = await createNode()
    const peerId = stubPeerId()
    manager.staticPeers.add(peerId)

    expect(await manager.explain(peerId)).to.deep.include({ static: true, protectedBy: ['static'] })
  })

  it('tells what was decided about a peer lately', async () => {
    const { node, manager } = await createNode({ gracePeriod: 0 })
    const { peerId } = await connect(node)
    await connect(node)
    await manager.trimConnections(2)
    manager.protect(peerId, 'late')

    expect((await manager.explain(peerId)).decisions.map(({ kind, reason }) => [kind, reason])).to.deep.equal([['close', 'trim'], ['trimmed', 'count'], ['protect', 'late']])
    expect(manager.decisions({ kind: 'trim' })).to.have.lengthOf(1)
    expect(manager.decisions({ peer: peerId, kind: 'trimmed' })[0].details).to.include({ value: 0, duplicate: false })
  })

  it('tells of connections that were refused', async () => {
    const { node, manager } = await createNode({ maxConnections: 1 })
    await connect(node)
    const remote = await nodes.add(createPlainNode())
    const refused = pEvent(manager, 'connection:refuse')
    await expect(remote.dial(node.getMultiaddrs())).to.eventually.be.rejected()
    await refused

    const [decision] = manager.decisions({ kind: 'refuse' })
    expect(decision).to.include({ reason: 'max-connections' })
    expect(decision.details).to.include({ limit: 1 })
  })

  it('tells that a peer was refused whose realm is full', async () => {
    const { node, manager } = await createNode({ limits: { realms: { chain: { connections: 0 } } } })
    const remote = await nodes.add(createPlainNode())
    manager.realms.assign(remote.peerId, 'chain')
    const refused = pEvent(manager, 'connection:refuse')
    await remote.dial(node.getMultiaddrs()).catch(() => {})
    await refused

    const [{ details, kind }] = (await manager.explain(remote.peerId)).decisions.filter(({ kind }) => kind === 'refuse')
    expect({ kind, ...details }).to.include({ kind: 'refuse', scope: 'realm:chain', limit: 0 })
  })

  describe('as time goes by', () => {
    let clock: VirtualClock

    async function createNodeWithClock (init: ConnectionManagerInit): Promise<{ node: Libp2p, manager: ConnectionManagerService }> {
      clock = new VirtualClock()
      const node = await nodes.add(createPlainNode({
        services: {
          connectionManager: (components: ConnectionManagerComponents) => new ConnectionManagerService(components, init, clock)
        }
      }))

      return { node, manager: node.services.connectionManager }
    }

    it('tells the rest of the grace period, and then the turn', async () => {
      const { node, manager } = await createNodeWithClock({ gracePeriod: 60_000 })
      const { peerId } = await connect(node)
      await clock.advance(20_000)
      expect(await manager.explain(peerId)).to.include({ graceRemaining: 40_000, trimRank: undefined })
      expect((await manager.explain(peerId)).summary).to.include('not trimmed for another 40 s')

      await clock.advance(40_000)
      expect(await manager.explain(peerId)).to.deep.include({ graceRemaining: 0, trimRank: { position: 1, of: 1 } })
      expect((await manager.explain(peerId)).connections[0]).to.include({ age: 60_000 })
    })

    it('tells values as they have decayed', async () => {
      const { manager } = await createNodeWithClock({})
      const peerId = stubPeerId()
      manager.tag(peerId, 'sinking', 8, { decay: linear(0.5), interval: 60_000 })
      await clock.advance(120_000)

      expect(await manager.explain(peerId)).to.deep.include({ value: 2, tags: { sinking: 2 } })
    })

    it('tells when decisions were made, and for how long a connection was open', async () => {
      const { node, manager } = await createNodeWithClock({ gracePeriod: 0 })
      const { peerId } = await connect(node)
      const start = clock.now()
      await clock.advance(5_000)
      const closed = pEvent<'connection:close', ConnectionManagerEvents['connection:close']>(manager, 'connection:close')
      await manager.trimConnections(1)

      expect((await closed).detail).to.include({ reason: 'trim', duration: 5_000 })
      expect(manager.decisions({ peer: peerId, since: start + 5_000 }).map(({ kind, time }) => [kind, time])).to.deep.equal([['close', start + 5_000], ['trimmed', start + 5_000]])
      expect(manager.decisions({ since: start + 5_001 })).to.deep.equal([])
    })
  })

  it('can be turned to JSON', async () => {
    const { node, manager } = await createNode({ gracePeriod: 0 })
    const { peerId } = await connect(node)
    await manager.bans.ban(stubPeerId(), { for: Infinity })
    const explanation = await manager.explain(peerId)

    expect(JSON.parse(JSON.stringify(explanation))).to.deep.include({ peer: peerId.toString(), known: true, trimRank: { position: 1, of: 1 } })
  })

  it('needs no more than what the manager passes to it', async () => {
    const { manager } = await createNode()
    const { explain, decisions } = manager

    expect((await explain(stubPeerId())).known).to.equal(false)
    expect(decisions()).to.deep.equal([])
    expect(manager).to.be.an.instanceOf(TypedEventEmitter)
  })
})
