import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import pWaitFor from 'p-wait-for'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode, memoryAddress } from '../fixtures/nodes.ts'
import { RecordedLogs } from '../fixtures/recorded-logs.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../../src/index.ts'
import type { ConnectionGater, Libp2p, MultiaddrResolver } from '@libp2p/interface'

type Managed = Libp2p<{ connectionManager: ConnectionManagerService }>

const MESSAGE = 'The function of the user is broken'

function broken (): never {
  throw new Error(MESSAGE)
}

const resolver = (broken: Partial<MultiaddrResolver>): ConnectionManagerInit => ({ resolvers: { broken: { canResolve: () => true, resolve: async () => [], ...broken } } })

/**
 * Every function that the connection manager calls for the user
 */
const FUNCTIONS: Record<string, ConnectionManagerInit> = {
  beforeConnect: { beforeConnect: [broken] },
  afterConnect: { afterConnect: [broken] },
  realmOf: { realmOf: broken },
  serviceOf: { serviceOf: broken },
  valueOf: { valueOf: broken },
  selectVictims: { selectVictims: broken },
  selectConnection: { selectConnection: broken, closeDuplicates: false },
  dialRanker: { dialRanker: broken },
  addressSorter: { addressSorter: broken },
  'resolvers.canResolve': resolver({ canResolve: broken }),
  'resolvers.resolve': resolver({ resolve: broken }),
  groupOf: { groupOf: broken, outbound: { target: 3 } },
  'liveness.timesOf': { liveness: { timesOf: broken } },
  'outbound.sources': { outbound: { target: 3, sources: [broken] } },
  'outbound.sources, later': { outbound: { target: 3, sources: [{ [Symbol.asyncIterator]: () => ({ next: async () => broken() }) }] } },
  'outbound.retryChance': { outbound: { target: 3, retryChance: broken } }
}

const GATER_HOOKS: Array<keyof ConnectionGater> = [
  'denyDialPeer', 'denyDialMultiaddr', 'denyOutboundConnection', 'denyOutboundEncryptedConnection', 'denyOutboundUpgradedConnection',
  'denyInboundConnection', 'denyInboundEncryptedConnection', 'denyInboundUpgradedConnection'
]

describe('faults: a function of the user that throws is logged with its stack', () => {
  const nodes = new NodeGroup()
  let logs: RecordedLogs
  let remotes: Libp2p[]

  beforeEach(async () => {
    logs = new RecordedLogs()
    remotes = [await nodes.add(createPlainNode()), await nodes.add(createPlainNode())]
    await remotes[0].handle('/test', () => {})
  })

  afterEach(async () => nodes.stop())

  async function start (init: ConnectionManagerInit, connectionGater: ConnectionGater = {}): Promise<Managed> {
    const node: Managed = await nodes.add(createManagedNode({ gracePeriod: 0, ...init }, { logger: logs, connectionGater, start: false }))
    await node.peerStore.merge(remotes[1].peerId, { multiaddrs: remotes[1].getMultiaddrs() })
    await node.start()

    return node
  }

  /**
   * What makes the manager ask: dials in both directions, streams, two paths to a peer, a
   * trim, and an outbound target where there is one
   */
  async function use (node: Managed): Promise<void> {
    const manager = node.services.connectionManager
    const settled = async (action: Promise<unknown>): Promise<void> => { await action.catch(() => {}) }

    // a sorter needs two addresses
    await settled(node.dial([...remotes[0].getMultiaddrs(), multiaddr(`/memory/nobody/p2p/${remotes[0].peerId}`)]))
    await settled(remotes[0].dial(node.getMultiaddrs(), { force: true }))
    await settled(node.dialProtocol(remotes[0].peerId, '/test'))
    await settled(manager.explain(remotes[0].peerId))
    await settled(manager.trimConnections(1))
  }

  async function expectLogged (): Promise<void> {
    // an automatic dial comes by itself
    await pWaitFor(() => logs.errors.some(text => text.includes(MESSAGE)))
    expect(logs.errors.find(text => text.includes(MESSAGE))).to.match(new RegExp(`Error: ${MESSAGE}\\n\\s+at `))
  }

  Object.entries(FUNCTIONS).forEach(([name, init]) => {
    it(name, async () => {
      await use(await start(init))
      await expectLogged()
    })
  })

  GATER_HOOKS.forEach(hook => {
    it(`connectionGater.${hook}, at once and later`, async () => {
      await use(await start({}, { [hook]: broken }))
      await expectLogged()

      logs = new RecordedLogs()
      await use(await start({}, { [hook]: async () => broken() }))
      await expectLogged()
    })
  })

  it('decay', async () => {
    const node = await start({})
    const manager = node.services.connectionManager
    let calls = 0
    manager.tag(remotes[0].peerId, 'decaying', 5, { interval: 1, decay: value => calls++ === 0 ? value : broken() })
    await pWaitFor(() => manager.getTagInfo(remotes[0].peerId) == null)

    await expectLogged()
  })

  Object.entries({ beforeConnect: { beforeConnect: [broken] }, afterConnect: { afterConnect: [broken] } }).forEach(([name, init]) => {
    it(`and is the reason why a dial fails: ${name}`, async () => {
      const node = await start(init)
      const manager = node.services.connectionManager
      await expect(node.dial(remotes[0].getMultiaddrs())).to.eventually.be.rejected()
        .with.property('message', `A ${name} hook failed: ${MESSAGE}`)

      expect(manager.decisions({ kind: 'dial', peer: remotes[0].peerId })).to.have.nested.property('[0].details.message').that.contains(MESSAGE)
      expect(await manager.explain(remotes[0].peerId)).to.have.property('lastDialError').that.contains(MESSAGE)
    })
  })

  const INBOUND: Array<[name: string, init: ConnectionManagerInit, gater: ConnectionGater, reason: string]> = [
    ['afterConnect', { afterConnect: [broken] }, {}, 'hook'],
    ['denyInboundConnection', {}, { denyInboundConnection: broken }, 'gater'],
    ['denyInboundEncryptedConnection', {}, { denyInboundEncryptedConnection: broken }, 'gater'],
    ['denyInboundUpgradedConnection', {}, { denyInboundUpgradedConnection: async () => broken() }, 'gater']
  ]

  INBOUND.forEach(([name, init, gater, reason]) => {
    it(`and is the reason why a connection is refused: ${name}`, async () => {
      const node = await start(init, gater)
      await remotes[0].dial(node.getMultiaddrs()).catch(() => {})
      const manager = node.services.connectionManager
      await pWaitFor(() => manager.decisions({ kind: 'refuse' }).length > 0)
      const [decision] = manager.decisions({ kind: 'refuse' })

      expect(decision).to.include({ reason })
      expect(decision.details).to.include({ error: 'Error', message: MESSAGE })

      if (name !== 'denyInboundConnection') {
        expect((await manager.explain(remotes[0].peerId)).summary).to.contain(MESSAGE)
      }
    })
  })

  it('but not what a hook denies by saying so', async () => {
    const node = await start({ beforeConnect: [() => false] }, { denyInboundConnection: () => true })
    await use(node)

    expect(logs.errors).to.be.empty()
    expect(node.services.connectionManager.decisions({ kind: 'refuse' })).to.have.nested.property('[0].reason', 'gater')
  })

  it('beforeConnect is asked about an address that does not tell its peer', async () => {
    const asked: string[] = []
    const node = await start({
      beforeConnect: [(peerId, multiaddr) => {
        asked.push(`${peerId} ${multiaddr}`)

        return false
      }]
    })
    const listener = memoryAddress()
    const remote = await nodes.add(createPlainNode({ addresses: { listen: [listener] } }))
    const [full] = remote.getMultiaddrs()

    await expect(node.dial(full.decapsulateCode(CODE_P2P))).to.eventually.be.rejected.with.property('name', 'DialDeniedError')
    await expect(node.dial(full)).to.eventually.be.rejected.with.property('name', 'DialDeniedError')
    expect(asked).to.deep.equal([`undefined ${listener}`, `${remote.peerId} undefined`])
  })
})
