import { memory } from '@libp2p/memory'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode, memoryNodeOptions } from '../fixtures/nodes.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { createFaultyNode, expectNothingLeft, outcome } from './faulty-node.ts'
import type { FaultyNode } from './faulty-node.ts'
import type { Connection, DialTransportOptions, Libp2p, Transport } from '@libp2p/interface'
import type { MemoryTransportComponents } from '@libp2p/memory'
import type { Multiaddr } from '@multiformats/multiaddr'

type Dial = (multiaddr: Multiaddr, options: DialTransportOptions) => Promise<Connection>

/**
 * The memory transport, except that the test dials `/memory/faulty`
 */
function faultyTransport (dial: (inner: Transport) => Dial): (components: MemoryTransportComponents) => Transport {
  return components => {
    const inner = memory()(components)
    const faulty = dial(inner)

    return Object.create(inner, {
      // not async, so that it can throw at once
      dial: { value: (ma: Multiaddr, options: DialTransportOptions) => `${ma}`.startsWith('/memory/faulty') ? faulty(ma, options) : inner.dial(ma, options) }
    })
  }
}

const FAULTY = multiaddr('/memory/faulty')

describe('faults: transports', () => {
  const nodes = new NodeGroup()
  let clock: VirtualClock
  let node: FaultyNode
  let remote: Libp2p

  beforeEach(async () => {
    clock = new VirtualClock()
    remote = await nodes.add(createPlainNode(memoryNodeOptions()))
  })

  afterEach(async () => nodes.stop())

  async function start (dial: (inner: Transport) => Dial): Promise<void> {
    node = await nodes.add(createFaultyNode(clock, { backOff: false, maxParallelAddressDials: 2 }, { transports: [faultyTransport(dial)] }))
    await node.start()
  }

  async function expectToGoOn (): Promise<void> {
    expect((await outcome(node.dial(remote.getMultiaddrs()), clock)).status).to.equal('fulfilled')
    await node.stop()
    expectNothingLeft(node, clock)
  }

  const THROWN: Array<[string, unknown]> = [['an error', new Error('The transport is broken')], ['nothing', undefined], ['null', null], ['a text', 'broken'], ['an object', { code: 1 }]]

  THROWN.forEach(([name, thrown]) => {
    it(`that throw ${name} at once fail the dial with an error, and give back what it held`, async () => {
      await start(() => () => { throw thrown })
      const result = await outcome(node.dial(FAULTY), clock)

      expect(result).to.have.property('status', 'rejected')
      expect(result).to.have.property('reason').that.is.an.instanceOf(Error)
      expectNothingLeft(node)
      await expectToGoOn()
    })

    it(`that reject with ${name} fail the dial with an error, and give back what it held`, async () => {
      await start(() => async () => Promise.reject(thrown))
      const result = await outcome(node.dial(FAULTY), clock)

      expect(result).to.have.property('reason').that.is.an.instanceOf(Error)
      expectNothingLeft(node)
      await expectToGoOn()
    })
  })

  it('that resolve to what is no connection fail the dial, and give back what it held', async () => {
    for (const nonsense of [undefined, null, 'connection', {}]) {
      // the types of a transport do not allow it
      await start(() => async () => nonsense as unknown as Connection)

      expect((await outcome(node.dial(FAULTY), clock)).status).to.equal('rejected')
      expectNothingLeft(node)
      await expectToGoOn()
    }
  })

  it('that never settle and take no notice of their signal hold nothing for longer than a dial may take', async () => {
    await start(() => async () => new Promise<Connection>(() => {}))

    // more than may be dialled at the same time
    for (let i = 0; i < 5; i++) {
      const result = await outcome(node.services.connectionManager.openConnection(multiaddr(`/memory/faulty-${i}`)), clock)
      expect(result).to.have.property('reason').with.property('name', 'TimeoutError')
    }

    await clock.advance(1_000)
    expectNothingLeft(node)
    await expectToGoOn()
  })

  it('that never settle do not keep the node from stopping', async () => {
    await start(() => async () => new Promise<Connection>(() => {}))
    const dial = node.dial(FAULTY)
    dial.catch(() => {})
    await clock.advance(100)
    expect(node.services.connectionManager.resources.stat().system.usage.connections).to.equal(1)

    expect((await outcome(node.services.connectionManager.stop(), clock, 2_000)).status).to.equal('fulfilled')
    expect((await outcome(dial, clock)).status).to.equal('rejected')
    expectNothingLeft(node, clock)
  })

  it('that connect after the dial was given up have their connection closed', async () => {
    let connect = (): void => {}
    const { promise: late, resolve } = Promise.withResolvers<Connection>()
    await start(inner => async (_, options) => {
      await new Promise<void>(resolve => { connect = resolve })
      // with a signal of its own, as the other one has aborted
      const connection = await inner.dial(remote.getMultiaddrs()[0], { ...options, signal: new AbortController().signal })
      resolve(connection)

      return connection
    })

    const result = await outcome(node.services.connectionManager.openConnection(FAULTY), clock)
    expect(result.status).to.equal('rejected')
    await clock.advance(1_000)
    connect()
    await outcome((async () => {
      while ((await late).status !== 'closed') {
        await clock.advance(10)
      }
    })(), clock)
    expectNothingLeft(node)
    await expectToGoOn()
  })
})
