import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { createLibp2p, dnsaddrResolver } from 'libp2p'
import { connectionManager } from '../src/index.ts'
import { takeOverOptions } from '../src/node-options.ts'
import { NodeGroup } from './fixtures/node-group.ts'
import { createPlainNode, memoryNodeOptions } from './fixtures/nodes.ts'
import { RecordedLogs } from './fixtures/recorded-logs.ts'
import type { ConnectionManagerInit } from '../src/index.ts'
import type { ConfiguredComponents, TakenOver } from '../src/node-options.ts'
import type { Libp2pOptions } from 'libp2p'

type ManagerOptions = NonNullable<Libp2pOptions['connectionManager']>
type MonitorOptions = NonNullable<Libp2pOptions['connectionMonitor']>

/**
 * Options of libp2p's own manager, with a value that is not the default
 */
const MANAGER: Required<ManagerOptions> = {
  maxConnections: 7,
  maxIncomingPendingConnections: 3,
  inboundConnectionThreshold: 9,
  allow: ['/ip4/192.0.2.0/ipcidr/24', '/ip6/2001:db8::/ipcidr/32'],
  deny: ['/ip4/198.51.100.7/ipcidr/32'],
  addressSorter: () => 0,
  maxParallelDials: 11,
  maxDialQueueLength: 13,
  maxPeerAddrsToDial: 4,
  dialTimeout: 1_234,
  addressDialTimeout: 567,
  resolvers: {},
  reconnectRetries: 2,
  reconnectRetryInterval: 89,
  reconnectBackoffFactor: 3,
  maxParallelReconnects: 1,
  inboundUpgradeTimeout: 1_001,
  inboundStreamProtocolNegotiationTimeout: 1_002,
  outboundStreamProtocolNegotiationTimeout: 1_003,
  connectionCloseTimeout: 1_004
}

/**
 * Options of libp2p's monitor, and what they are among those of liveness
 */
const MONITOR: Array<[option: string, given: MonitorOptions, liveness: object]> = [
  ['pingInterval', { pingInterval: 5_000 }, { interval: 5_000, minSilence: 10_000 }],
  ['a long pingInterval', { pingInterval: 90_000 }, { interval: 90_000, minSilence: 60_000 }],
  ['abortConnectionOnPingFailure', { abortConnectionOnPingFailure: false }, { maxMisses: Infinity }],
  ['protocolPrefix', { protocolPrefix: 'chain' }, { protocolPrefix: 'chain' }],
  ['pingTimeout.minTimeout', { pingTimeout: { minTimeout: 700 } }, { minPingTimeout: 700 }],
  ['pingTimeout.maxTimeout', { pingTimeout: { maxTimeout: 800 } }, { maxPingTimeout: 800 }]
]

describe('node options', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  /**
   * What is taken over where the node is configured in this way
   */
  async function takeOver (options: Pick<Libp2pOptions, 'connectionManager' | 'connectionMonitor'>, init: ConnectionManagerInit = {}): Promise<TakenOver> {
    let found: TakenOver | undefined

    await createLibp2p({
      ...memoryNodeOptions(),
      ...options,
      start: false,
      services: {
        probe: (components: ConfiguredComponents) => {
          found = takeOverOptions(init, components)

          return {}
        }
      }
    })

    return found ?? expect.fail('no service was made')
  }

  it('of which none was given are not taken over', async () => {
    expect(await takeOver({})).to.deep.equal({ init: {}, taken: [], warnings: [] })
    expect(await takeOver({ connectionManager: { resolvers: { dnsaddr: dnsaddrResolver } } })).to.deep.equal({ init: {}, taken: [], warnings: [] })
  })

  Object.entries(MANAGER).forEach(([name, value]) => {
    it(`of the discarded manager are taken over where ours are not given: ${name}`, async () => {
      expect(await takeOver({ connectionManager: { [name]: value } })).to.deep.equal({ init: { [name]: value }, taken: [`connectionManager.${name}`], warnings: [] })
    })
  })

  it('of the discarded manager are told where ours were given and differ', async () => {
    const { init, taken, warnings } = await takeOver({ connectionManager: { dialTimeout: 1_234, maxParallelDials: 4, deny: ['/ip4/192.0.2.1'] } }, { dialTimeout: 99, maxParallelDials: 4, deny: ['/ip4/192.0.2.1'] })

    expect(init).to.deep.equal({ dialTimeout: 99, maxParallelDials: 4, deny: ['/ip4/192.0.2.1'] })
    expect(taken).to.be.empty()
    expect(warnings).to.deep.equal(['"connectionManager.dialTimeout" of the node has no effect, as "dialTimeout" was given to connectionManager()'])
  })

  it('do not lower maxConnections below the watermarks that were given, and say so', async () => {
    const { init, warnings } = await takeOver({ connectionManager: { maxConnections: 10 } }, { highWater: 20 })

    expect(init).to.deep.equal({ highWater: 20 })
    expect(warnings).to.have.lengthOf(1).with.nested.property('[0]').that.contain('connectionManager.maxConnections').and.contains('watermarks')
  })

  MONITOR.forEach(([name, given, liveness]) => {
    it(`of the discarded monitor are heeded where ours are not given: ${name}`, async () => {
      expect(await takeOver({ connectionMonitor: given })).to.have.deep.property('init', { liveness })
      expect(await takeOver({ connectionMonitor: given }, { liveness: { maxMisses: 9 } })).to.have.nested.property('init.liveness.maxMisses', 9)
    })
  })

  it('of the discarded monitor are told where they have no counterpart, or ours were given', async () => {
    const { init, warnings } = await takeOver({ connectionMonitor: { pingInterval: 5_000, pingTimeout: { timeoutMultiplier: 3, failureMultiplier: 4, interval: 9_000 } } }, { liveness: { interval: 7_000 } })

    expect(init).to.deep.equal({ liveness: { interval: 7_000 } })
    expect(warnings).to.deep.equal([
      '"connectionMonitor.pingInterval" of the node has no effect, as "liveness.interval" was given to connectionManager()',
      ...['timeoutMultiplier', 'failureMultiplier', 'interval'].map(name => `"connectionMonitor.pingTimeout.${name}" of the node has no effect, as there is no such option here`)
    ])
  })

  it('of the monitor are left to it where it is not replaced', async () => {
    expect(await takeOver({ connectionMonitor: { pingInterval: 5_000 } }, { liveness: false })).to.deep.equal({ init: { liveness: false }, taken: [], warnings: [] })
    expect(await takeOver({ connectionMonitor: { enabled: false, pingInterval: 5_000 } })).to.deep.equal({ init: {}, taken: [], warnings: [] })
  })

  it('hold for the connection manager of the node', async () => {
    const node = await nodes.add(createLibp2p({
      ...memoryNodeOptions(),
      connectionManager: { maxConnections: 7 },
      services: { connectionManager: connectionManager() }
    }))

    expect(node.services.connectionManager.getMaxConnections()).to.equal(7)
  })

  it('that are not usable are refused by their names', async () => {
    await expect(createLibp2p({
      ...memoryNodeOptions(),
      connectionMonitor: { pingInterval: -1 },
      services: { connectionManager: connectionManager() }
    })).to.eventually.be.rejected.with.property('message').that.contain('liveness.interval')
  })

  it('that have no effect are told in one warning when the node starts', async () => {
    const logs = new RecordedLogs()
    const node = await nodes.add(createLibp2p({
      ...memoryNodeOptions(),
      logger: logs,
      start: false,
      connectionManager: { dialTimeout: 1_234 },
      connectionMonitor: { pingInterval: 5_000 },
      // @ts-expect-error there is no such option
      services: { connectionManager: connectionManager({ dialTimeout: 99, liveness: { interval: 7_000 }, highWatermark: 5 }) }
    }))

    expect(logs.errors).to.be.empty()
    await node.start()
    expect(logs.errors).to.have.lengthOf(1)
    expect(logs.errors[0]).to.contain('there is no option "highWatermark" (did you mean "highWater"?)')
      .and.contain('"connectionManager.dialTimeout"').and.contain('"connectionMonitor.pingInterval"')

    await node.stop()
    await node.start()
    expect(logs.errors).to.have.lengthOf(1)
  })

  it('protocolPrefix and pingInterval decide how and when connections are pinged', async () => {
    const { promise: pinged, resolve } = Promise.withResolvers<void>()
    const remote = await nodes.add(createPlainNode())
    await remote.handle('/chain/ping/1.0.0', stream => {
      resolve()
      stream.abort(new Error('Not answered'))
    })
    const node = await nodes.add(createLibp2p({
      ...memoryNodeOptions({ logger: defaultLogger() }),
      connectionMonitor: { pingInterval: 10, protocolPrefix: 'chain' },
      services: { connectionManager: connectionManager() }
    }))
    await node.dial(remote.getMultiaddrs())
    await pinged
  })
})
