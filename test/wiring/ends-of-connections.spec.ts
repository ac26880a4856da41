import { expect } from 'aegir/chai'
import pWaitFor from 'p-wait-for'
import { reportOpen, stubConnection } from '../fixtures/connections.ts'
import { componentOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../../src/index.ts'
import type { Connection, Libp2p, Libp2pEvents } from '@libp2p/interface'
import type { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { TypedEventTarget } from 'main-event'

type Managed = Libp2p<{ connectionManager: ConnectionManagerService }>

interface Scene {
  node: Managed
  manager: ConnectionManagerService
  remote: Libp2p

  /**
   * A peer that is worth more than all others connects
   */
  connectAnother(): Promise<void>
}

interface End {
  init?: ConnectionManagerInit

  /**
   * Ends the only connection of `remote`
   */
  act(scene: Scene): Promise<unknown>

  /**
   * What is told
   */
  kind?: 'refuse'
  reason: string
  cause?: string

  /**
   * What the summary says
   */
  summary: string
}

const ENDS: Record<string, End> = {
  'closed for being idle': { init: { idleTimeout: 50 }, act: async () => {}, reason: 'idle', summary: 'no application used it' },
  'closed by a ban of the peer': { act: async ({ manager, remote }) => manager.bans.ban(remote.peerId, { reason: 'scanner' }), reason: 'ban', cause: ': scanner', summary: 'it is banned (' },
  'closed by the user': { act: async ({ node, remote }) => node.hangUp(remote.peerId), reason: 'hang-up', summary: 'the user hung up' },
  'closed by the remote': { act: async ({ remote }) => remote.stop(), reason: 'remote', summary: 'closed by the remote' },
  'ended by an error': { act: async ({ node }) => { node.getConnections()[0].abort(new Error('The cable broke')) }, reason: 'error', summary: 'has failed (The cable broke)' },
  'closed by the stop of the node': { act: async ({ node }) => node.stop(), reason: 'stop', summary: 'the node was stopped' },
  'closed by a trim that was asked for': { act: async ({ manager }) => manager.trimConnections(1), reason: 'trim', cause: 'count', summary: 'too many (count)' },
  'closed by a trim for the high watermark': { init: { lowWater: 1, highWater: 1, silencePeriod: 0 }, act: async ({ connectAnother }) => connectAnother(), reason: 'trim', cause: 'high-water', summary: 'too many (high-water)' },
  'closed by a lower maxConnections': {
    act: async ({ connectAnother, manager }) => {
      await connectAnother()
      manager.setMaxConnections(1)
    },
    reason: 'trim',
    cause: 'max-connections',
    summary: 'too many (max-connections)'
  },
  'closed by a trim of its realm': {
    init: { realmOf: () => 'chain', limits: { realms: { chain: { connections: 9 } } }, realmSettings: { chain: { lowWater: 1, highWater: 1 } }, silencePeriod: 0 },
    act: async ({ connectAnother }) => connectAnother(),
    reason: 'trim',
    cause: 'high-water of realm chain',
    summary: 'high-water of realm chain'
  },
  'closed for another one in its realm': {
    init: { realmOf: () => 'chain', limits: { realms: { chain: { connections: 1 } } } },
    act: async ({ connectAnother }) => connectAnother(),
    reason: 'evict',
    cause: 'realm chain, it was full',
    summary: 'another one needed its place (realm chain'
  },
  'closed for a realm whose limit was lowered': {
    init: { realmOf: () => 'chain', limits: { realms: { chain: { connections: 5 } } } },
    act: async ({ manager }) => { manager.realms.setLimit('chain', { connections: 0 }) },
    reason: 'evict',
    cause: 'realm chain, the limit was lowered',
    summary: 'the limit was lowered'
  },
  'closed to be replaced': {
    act: async ({ connectAnother, manager, remote }) => {
      await connectAnother()
      await manager.recycle(manager.getConnections(remote.peerId)[0], 'it stalls').catch(() => {})
    },
    reason: 'recycle',
    cause: 'it stalls',
    summary: 'to be replaced (it stalls)'
  },
  'given up as dead': {
    init: { liveness: { interval: 1, maxMisses: 1, minSilence: 0, maxPingTimeout: 20 } },
    act: async ({ remote }) => { silence(remote.getConnections()[0]) },
    reason: 'dead',
    cause: '1 pings in a row',
    summary: 'nothing was heard any more'
  }
}

/**
 * Nothing is sent on it any more
 */
function silence (connection: Connection): void {
  const maConn: AbstractMultiaddrConnection = Reflect.get(connection, 'maConn')
  maConn.sendData = data => ({ sentBytes: data.byteLength, canSendMore: true })
}

describe('wiring: the end of a connection', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  async function setUp (init: ConnectionManagerInit = {}): Promise<Scene> {
    const node: Managed = await nodes.add(createManagedNode({ gracePeriod: 0, ...init }, { connectionMonitor: {} }))
    const manager = node.services.connectionManager
    const remote = await nodes.add(createPlainNode({ connectionMonitor: { enabled: false } }))
    await remote.dial(node.getMultiaddrs())
    await pWaitFor(() => manager.getConnections(remote.peerId).length === 1)

    return {
      node,
      manager,
      remote,
      connectAnother: async () => {
        const another = await nodes.add(createPlainNode())
        manager.tag(another.peerId, 'worth', 100)
        await another.dial(node.getMultiaddrs())
      }
    }
  }

  Object.entries(ENDS).forEach(([name, { init, act, reason, cause, summary }]) => {
    it(`is told with its time and reason when it was ${name}`, async () => {
      const before = Date.now()
      const scene = await setUp(init)
      const { manager, remote } = scene
      await act(scene)
      await pWaitFor(() => manager.decisions({ kind: 'close', peer: remote.peerId }).length > 0)
      const [decision] = manager.decisions({ kind: 'close', peer: remote.peerId })
      const explanation = await manager.explain(remote.peerId)

      expect(decision).to.include({ kind: 'close', reason, peer: remote.peerId.toString() })
      expect(decision.time).to.be.within(before, Date.now())

      if (cause != null) {
        expect(decision.details.cause).to.be.a('string').that.contains(cause)
      }

      expect(explanation).to.have.property('known', true)
      expect(explanation.lastClosed).to.deep.equal(decision)
      expect(explanation.summary).to.contain(summary).and.contain(` ago, at ${new Date(decision.time).toISOString()}`)
    })
  })

  it('is told with the range when the address was banned', async () => {
    const node: Managed = await nodes.add(createManagedNode({ gracePeriod: 0 }))
    const manager = node.services.connectionManager
    const { remotePeer } = reportOpen(componentOf<TypedEventTarget<Libp2pEvents>>(node, 'events'), stubConnection({ remoteAddr: '/ip4/203.0.113.7/tcp/4001' }))
    await manager.bans.ban('203.0.113.0/24', { reason: 'scanner' })
    await pWaitFor(() => manager.decisions({ kind: 'close' }).length > 0)

    expect((await manager.explain(remotePeer)).summary).to.contain('it is banned (203.0.113.0/24: scanner)')
  })

  it('is told when the peer was refused because it is flapping, or banned', async () => {
    const { manager, node, remote } = await setUp({ flapping: { sessions: 1 } })
    await remote.hangUp(node.peerId)
    await pWaitFor(() => manager.getConnections().length === 0)
    await remote.dial(node.getMultiaddrs()).catch(() => {})
    await pWaitFor(() => manager.decisions({ kind: 'refuse' }).length > 0)
    expect((await manager.explain(remote.peerId)).summary).to.contain('It was refused (flapping').and.contain('closed by the remote')

    await manager.bans.ban(remote.peerId)
    await remote.dial(node.getMultiaddrs()).catch(() => {})
    await pWaitFor(() => manager.decisions({ kind: 'refuse' }).length > 1)
    expect((await manager.explain(remote.peerId)).summary).to.match(/It was refused \((banned|flapping)/)
  })

  it('is kept, however often others come and go as they like', async () => {
    const { manager, node, remote } = await setUp({ inboundConnectionThreshold: 10_000 })
    await node.hangUp(remote.peerId)
    const noisy = await nodes.add(createPlainNode())

    for (let i = 0; i < 510; i++) {
      const connection = await node.dial(noisy.getMultiaddrs())
      noisy.getConnections().forEach(other => { other.abort(new Error('Gone')) })
      await pWaitFor(() => connection.status !== 'open', { interval: 1 })
    }

    expect((await manager.explain(remote.peerId)).summary).to.contain('the user hung up')
  }).timeout(20_000)
})
