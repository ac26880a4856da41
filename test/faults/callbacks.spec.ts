import { expect } from 'aegir/chai'
import pWaitFor from 'p-wait-for'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { createFaultyNode, expectNothingLeft, outcome } from './faulty-node.ts'
import type { FaultyNode } from './faulty-node.ts'
import type { CandidateSourceInit, ConnectionManagerInit } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

/**
 * What a function of a user may do instead of its work
 */
const FAULTS: Record<string, (...args: unknown[]) => unknown> = {
  throws: () => { throw new Error('The function of the user is broken') },
  // eslint-disable-next-line prefer-promise-reject-errors
  'rejects with nothing': async () => Promise.reject(undefined),
  'never settles': async () => new Promise(() => {}),
  'returns undefined': () => undefined,
  'returns NaN': () => NaN,
  'returns a symbol': () => Symbol('nonsense'),
  'returns an object': () => ({ nonsense: true }),
  'returns a list of nothing': () => [undefined, null, NaN]
}

/**
 * The functions that a user may pass. What the types do not allow is what is tested.
 */
const CALLBACKS: Record<string, (callback: (...args: unknown[]) => unknown) => object> = {
  realmOf: realmOf => ({ realmOf }),
  serviceOf: serviceOf => ({ serviceOf }),
  valueOf: (callback: (...args: unknown[]) => unknown) => ({ valueOf: callback }),
  selectVictims: selectVictims => ({ selectVictims }),
  selectConnection: selectConnection => ({ selectConnection }),
  dialRanker: dialRanker => ({ dialRanker }),
  addressSorter: addressSorter => ({ addressSorter }),
  groupOf: groupOf => ({ groupOf }),
  'liveness.timesOf': timesOf => ({ liveness: { timesOf } }),
  beforeConnect: hook => ({ beforeConnect: [hook] }),
  afterConnect: hook => ({ afterConnect: [hook] }),
  'outbound.sources': candidates => ({ outbound: { target: 2, sources: [candidates as unknown as CandidateSourceInit] } })
}

describe('faults: a function of the user', () => {
  const nodes = new NodeGroup()
  let clock: VirtualClock
  let node: FaultyNode
  let remotes: Libp2p[]
  let asked: boolean

  /**
   * A hook of a gater
   */
  const hang = async (): Promise<boolean> => {
    asked = true
    return new Promise(() => {})
  }

  beforeEach(async () => {
    clock = new VirtualClock()
    asked = false
    remotes = [await nodes.add(createPlainNode()), await nodes.add(createPlainNode())]
  })

  afterEach(async () => nodes.stop())

  Object.entries(CALLBACKS).forEach(([name, init]) => {
    Object.entries(FAULTS).forEach(([fault, callback]) => {
      it(`${name} that ${fault} leaves nothing behind, keeps nobody waiting for ever, and throws nowhere else`, async () => {
        node = await nodes.add(createFaultyNode(clock, { gracePeriod: 0, ...init(callback) as ConnectionManagerInit }))
        await node.start()

        // with an error, if not with a connection
        const dialled = await outcome(node.services.connectionManager.openConnection(remotes[0].getMultiaddrs()), clock)
        expect(dialled.status === 'rejected' ? dialled.reason : new Error()).to.be.an.instanceOf(Error)
        const arrived = await outcome(remotes[1].dial(node.getMultiaddrs(), { signal: AbortSignal.timeout(500) }), clock, 120_000)
        expect(arrived.status).to.be.oneOf(['fulfilled', 'rejected'])

        const manager = node.services.connectionManager
        const [connection] = manager.getConnections()
        await manager.explain(remotes[0].peerId)
        await outcome(manager.trimConnections(1), clock)

        if (connection?.status === 'open') {
          connection.abort(new Error('It is not needed any more'))
        }

        expect((await outcome(manager.stop(), clock)).status).to.equal('fulfilled')
        // hooks have 5 s
        await clock.advance(6_000)
        await outcome(Promise.resolve(), clock)
        expectNothingLeft(node)
        await node.stop()
      })
    })
  })

  const INBOUND = ['denyInboundConnection', 'denyInboundEncryptedConnection', 'denyInboundUpgradedConnection'] as const
  const OUTBOUND = ['denyDialPeer', 'denyDialMultiaddr', 'denyOutboundConnection', 'denyOutboundEncryptedConnection', 'denyOutboundUpgradedConnection'] as const

  INBOUND.forEach(hook => {
    it(`${hook} that never settles denies after 5 s, and leaves nothing behind`, async () => {
      // libp2p's own limit may not be what ends it
      node = await nodes.add(createFaultyNode(clock, { inboundUpgradeTimeout: 600_000 }, { connectionGater: { [hook]: hang } }))
      await node.start()
      const arrived = remotes[0].dial(node.getMultiaddrs()).catch(() => {})
      await pWaitFor(() => asked)
      const { connectionManager } = node.services
      expect(connectionManager.getStats().inboundPending).to.equal(1)
      await clock.advance(4_900)
      expect(connectionManager.getStats().inboundPending).to.equal(1)
      await clock.advance(200)
      await outcome(arrived, clock, 1_000)
      await pWaitFor(() => connectionManager.getStats().inboundPending === 0)
      expect(connectionManager.getConnections()).to.be.empty()

      await outcome(connectionManager.stop(), clock)
      expectNothingLeft(node)
    })
  })

  OUTBOUND.forEach(hook => {
    it(`${hook} that never settles fails the dial after 5 s, and leaves nothing behind`, async () => {
      node = await nodes.add(createFaultyNode(clock, { dialTimeout: 600_000, addressDialTimeout: 600_000 }, { connectionGater: { [hook]: hang } }))
      await node.start()
      const { connectionManager } = node.services
      const begin = clock.now()
      const dialled = connectionManager.openConnection(remotes[0].getMultiaddrs())

      // what comes before the hook takes turns of the event loop, in which the clock goes on
      expect((await outcome(dialled, clock, 120_000)).status).to.equal('rejected')
      expect(asked).to.be.true()
      expect(clock.now() - begin).to.be.at.least(5_000)
      await outcome(connectionManager.stop(), clock)
      expectNothingLeft(node)
    })
  })

  it('onProgress that throws fails neither its own dial nor that of others, and is told no more', async () => {
    node = await nodes.add(createFaultyNode(clock))
    await node.start()
    const { connectionManager } = node.services
    let calls = 0
    const types: string[] = []
    const target = remotes[0].getMultiaddrs()
    const broken = connectionManager.openConnection(target, {
      onProgress: ({ type }) => {
        if (type === 'dial-queue:calculated-addresses') {
          calls++
          throw new Error('The listener is broken')
        }
      }
    })
    const other = connectionManager.openConnection(target, { onProgress: ({ type }) => { types.push(type) } })

    expect((await outcome(broken, clock)).status).to.equal('fulfilled')
    expect((await outcome(other, clock)).status).to.equal('fulfilled')
    expect(calls).to.equal(1)
    expect(types).to.include('dial-queue:calculated-addresses')
  })
})
