import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { resolveConfig } from '../../src/config.ts'
import { recordEvents } from '../fixtures/events.ts'
import { MANAGERS, OURS, UPSTREAM, componentOf, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Connection, Libp2p, Stream, StreamMuxer } from '@libp2p/interface'

const A = '/memory/options-a'
const PROTOCOL = '/options/1.0.0'

/**
 * The parts of the upgrader that are configured through the connection manager
 */
const UPGRADER_TIMEOUTS = ['inboundUpgradeTimeout', 'inboundStreamProtocolNegotiationTimeout', 'outboundStreamProtocolNegotiationTimeout', 'connectionCloseTimeout']

/**
 * Where libp2p's own connection manager keeps the value of an option
 */
const UPSTREAM_FIELDS: Record<string, string[]> = {
  maxConnections: ['maxConnections'],
  maxIncomingPendingConnections: ['maxIncomingPendingConnections'],
  inboundConnectionThreshold: ['inboundConnectionRateLimiter', 'points'],
  maxParallelDials: ['dialQueue', 'queue', 'concurrency'],
  maxDialQueueLength: ['dialQueue', 'maxDialQueueLength'],
  maxPeerAddrsToDial: ['dialQueue', 'maxPeerAddrsToDial'],
  dialTimeout: ['dialQueue', 'dialTimeout'],
  addressDialTimeout: ['dialQueue', 'addressDialTimeout'],
  reconnectRetries: ['reconnectQueue', 'retries'],
  maxParallelReconnects: ['reconnectQueue', 'queue', 'concurrency'],
  allow: ['allow'],
  deny: ['deny']
}

describe('drop-in: the options of libp2p\'s own connection manager', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  function fieldOf (start: unknown, path: string[]): unknown {
    return path.reduce((value, name) => Reflect.get(Object(value), name), start)
  }

  Object.entries(UPSTREAM_FIELDS).forEach(([name, path]) => {
    it(`${name} has the same default`, async () => {
      const node = await nodes.add(UPSTREAM.create({}, { start: false }))
      const expected = fieldOf(managerOf(node), path)

      expect(expected).to.be.ok()
      // how many handshakes a machine can do at the same time depends on it
      if (name === 'maxIncomingPendingConnections') {
        expect(resolveConfig()).to.have.property(name).that.is.at.least(Number(expected))
      } else {
        expect(resolveConfig()).to.have.property(name).that.deep.equals(expected)
      }
    })
  })

  UPGRADER_TIMEOUTS.forEach(name => {
    it(`${name} has the same default, and reaches the upgrader`, async () => {
      const values: unknown[] = []

      for (const init of [{}, { [name]: 1_234 }]) {
        for (const { create } of MANAGERS) {
          const node = await nodes.add(create(init, { start: false }))
          values.push(fieldOf(componentOf(node, 'upgrader'), [name]))
        }
      }

      expect(values[0]).to.be.a('number')
      expect(values).to.deep.equal([values[1], values[1], 1_234, 1_234])
    })
  })

  it('the options can be passed as they are', () => {
    const init: ConnectionManagerInit = {
      maxConnections: 100,
      addressSorter: () => 0,
      maxParallelDials: 10,
      maxDialQueueLength: 50,
      maxPeerAddrsToDial: 5,
      dialTimeout: 1_000,
      addressDialTimeout: 500,
      connectionCloseTimeout: 100,
      inboundUpgradeTimeout: 100,
      outboundStreamProtocolNegotiationTimeout: 100,
      inboundStreamProtocolNegotiationTimeout: 100,
      resolvers: {},
      allow: ['/ip4/8.8.8.8'],
      deny: ['/ip4/10.0.0.0/ipcidr/8'],
      inboundConnectionThreshold: 10,
      maxIncomingPendingConnections: 20,
      reconnectRetries: 1,
      reconnectRetryInterval: 100,
      reconnectBackoffFactor: 3,
      maxParallelReconnects: 2
    }

    expect(() => resolveConfig({ ...init, strict: true })).to.not.throw()
  })

  MANAGERS.forEach(specify)

  function specify (underTest: ManagerUnderTest): void {
    describe(underTest.name, () => {
      let network: ScriptedNetwork
      let node: Libp2p
      let remote: Libp2p

      beforeEach(async () => {
        network = new ScriptedNetwork()
        remote = await nodes.add(createPlainNode())
        await remote.handle(PROTOCOL, () => {})
      })

      async function start (init: ConnectionManagerInit): Promise<void> {
        node = await nodes.add(underTest.create(init, { transports: [network.transport()] }))
      }

      it('reconnectRetryInterval and reconnectBackoffFactor space out the attempts', async () => {
        await start({ reconnectRetries: 3, reconnectRetryInterval: 7, reconnectBackoffFactor: 3 })
        await node.peerStore.merge(remote.peerId, { multiaddrs: [network.route(A, remote)], tags: { 'keep-alive': {} } })
        await node.dial(remote.peerId)
        network.fail(A)
        const failed = pEvent(node, 'peer:reconnect-failure')
        const delays = await timersDuring(async () => {
          await remote.hangUp(node.peerId)
          await failed
        })

        expect(delays.filter(delay => [7, 21, 63].includes(delay))).to.deep.equal([7, 21, 63])
      })

      it('connectionCloseTimeout is how long a connection may take to close', async () => {
        await start({ connectionCloseTimeout: 20 })
        const connection = await node.dial(remote.getMultiaddrs())
        muxerOf(connection).close = async ({ signal } = {}) => new Promise((resolve, reject) => {
          signal?.addEventListener('abort', () => { reject(signal.reason) })
        })

        await expect(connection.close()).to.eventually.be.rejected.with.property('name', 'TimeoutError')
        connection.abort(new Error('The test is over'))
      })

      it('outboundStreamProtocolNegotiationTimeout is how long opening a stream may take', async () => {
        await start({ outboundStreamProtocolNegotiationTimeout: 20 })
        const opened = pEvent<'connection:open', CustomEvent<Connection>>(remote, 'connection:open')
        const connection = await node.dial(remote.getMultiaddrs())
        silence((await opened).detail)

        await expect(connection.newStream(PROTOCOL)).to.eventually.be.rejected()
        connection.abort(new Error('The test is over'))
      })

      it('inboundStreamProtocolNegotiationTimeout is how long a remote may take to choose a protocol', async () => {
        await start({ inboundStreamProtocolNegotiationTimeout: 20 })
        await node.handle(PROTOCOL, () => {})
        const connection = await remote.dial(node.getMultiaddrs())
        const stream: Stream = await muxerOf(connection).createStream()
        await pEvent(stream, 'close')

        expect(stream.status).to.equal('reset')
        connection.abort(new Error('The test is over'))
      })

      it('setMaxConnections closes what is too many, at once and with an event', async () => {
        await start({ maxConnections: 10 })
        const peers = await Promise.all(Array.from({ length: 4 }, async () => nodes.add(createPlainNode())))
        await Promise.all(peers.map(async peer => node.dial(peer.getMultiaddrs())))
        const pruned = pEvent<'connection:prune', CustomEvent<Connection[]>>(node, 'connection:prune')
        managerOf(node).setMaxConnections(2)

        const { detail: connections } = await pruned
        expect(connections).to.have.lengthOf(2)
        expect(connections.map(({ status }) => status)).to.deep.equal(['closed', 'closed'])
        expect(node.getConnections()).to.have.lengthOf(2)
      })

      it('setMaxConnections closes nothing when there is room for all', async () => {
        await start({ maxConnections: 2 })
        await node.dial(remote.getMultiaddrs())
        const events = recordEvents(node)
        managerOf(node).setMaxConnections(5)
        managerOf(node).setMaxConnections(1)
        await node.dial(remote.getMultiaddrs())

        expect(events).to.be.empty()
        expect(node.getConnections()).to.have.lengthOf(1)
      })

      it('maxConnections does not keep the user from dialling', async () => {
        await start({ maxConnections: 1 })
        const other = await nodes.add(createPlainNode())
        await node.dial(remote.getMultiaddrs())

        expect((await node.dial(other.getMultiaddrs())).remotePeer.equals(other.peerId)).to.be.true()
      })

      it('maxConnections is at least one', async () => {
        for (const maxConnections of [0, -1]) {
          await expect(underTest.create({ maxConnections })).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
        }
      })
    })
  }

  const UNUSED = [
    { underTest: OURS, outcome: 'can be used' },
    // the youngest connection without streams is closed first
    { underTest: UPSTREAM, outcome: 'is closed' }
  ]

  UNUSED.forEach(({ underTest, outcome }) => {
    it(`at maxConnections a connection that the user has just dialled ${outcome} with ${underTest.name}`, async () => {
      const node = await nodes.add(underTest.create({ maxConnections: 1 }))
      const [first, second] = [await nodes.add(createPlainNode()), await nodes.add(createPlainNode())]
      await second.handle(PROTOCOL, () => {})
      await node.dial(first.getMultiaddrs())
      const connection = await node.dial(second.getMultiaddrs())
      const stream = connection.newStream(PROTOCOL)

      if (outcome === 'can be used') {
        expect(await stream).to.have.property('protocol', PROTOCOL)
        connection.abort(new Error('The test is over'))
      } else {
        await expect(stream).to.eventually.be.rejected()
      }
    })
  })
})

/**
 * The delays of the timers that are started meanwhile
 */
async function timersDuring (action: () => Promise<void>): Promise<number[]> {
  const { setTimeout } = globalThis
  const delays: number[] = []

  Object.assign(globalThis, {
    setTimeout: (callback: () => void, delay = 0) => {
      delays.push(delay)

      return setTimeout(callback, delay)
    }
  })

  try {
    await action()
  } finally {
    Object.assign(globalThis, { setTimeout })
  }

  return delays
}

/**
 * What creates the streams of a connection
 */
function muxerOf (connection: Connection): StreamMuxer {
  return Reflect.get(connection, 'muxer')
}

/**
 * The remote end takes no notice of new streams
 */
function silence (connection: Connection): void {
  muxerOf(connection).removeEventListener('stream', Reflect.get(connection, 'onIncomingStream'))
}
