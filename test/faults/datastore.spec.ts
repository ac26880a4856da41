import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { MemoryDatastore } from 'datastore-core'
import { BanList } from '../../src/gating/index.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { createFaultyNode, expectNothingLeft, listenerCounts, outcome } from './faulty-node.ts'
import type { FaultyNode } from './faulty-node.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Batch, Key, Pair, Query } from 'interface-datastore'

type Operation = 'has' | 'get' | 'put' | 'delete' | 'commit' | 'query'

/**
 * - `rejects` with an error
 * - `throws` an error at once
 * - `hangs` and never settles, whatever its signal says
 */
type Fault = 'rejects' | 'throws' | 'hangs'

const OPERATIONS: Operation[] = ['has', 'get', 'put', 'delete', 'commit', 'query']
const FAULTS: Fault[] = ['rejects', 'throws', 'hangs']

/**
 * A datastore whose operations fail from when they are told to, for the records of some
 * keys
 */
class FaultyDatastore extends MemoryDatastore {
  readonly faults = new Map<Operation, Fault>()
  prefix = '/libp2p-connmgr'

  has (...args: Parameters<MemoryDatastore['has']>): ReturnType<MemoryDatastore['has']> {
    return this.run('has', args[0], () => super.has(...args))
  }

  get (...args: Parameters<MemoryDatastore['get']>): ReturnType<MemoryDatastore['get']> {
    return this.run('get', args[0], () => super.get(...args))
  }

  put (...args: Parameters<MemoryDatastore['put']>): ReturnType<MemoryDatastore['put']> {
    return this.run('put', args[0], () => super.put(...args))
  }

  delete (...args: Parameters<MemoryDatastore['delete']>): ReturnType<MemoryDatastore['delete']> {
    return this.run('delete', args[0], () => super.delete(...args))
  }

  batch (): Batch {
    const batch = super.batch()

    return { ...batch, commit: async () => this.run('commit', undefined, async () => { await batch.commit() }) }
  }

  async * query (query: Query): AsyncGenerator<Pair> {
    if (query.prefix?.startsWith(this.prefix) === true) {
      await this.run('query', undefined, async () => {})
    }

    yield * super.query(query)
  }

  private run <T> (operation: Operation, key: Key | undefined, task: () => T): T {
    const fault = key == null || key.toString().startsWith(this.prefix) ? this.faults.get(operation) : undefined

    switch (fault) {
      case 'throws':
        throw new Error('The disk is gone')
      case 'rejects':
        return Promise.reject(new Error('The disk is gone')) as T
      case 'hangs':
        return new Promise(() => {}) as T
      default:
        return task()
    }
  }
}

describe('faults: a datastore', () => {
  const nodes = new NodeGroup()
  let clock: VirtualClock
  let datastore: FaultyDatastore
  let node: FaultyNode
  let remote: Libp2p

  beforeEach(async () => {
    clock = new VirtualClock()
    datastore = new FaultyDatastore()
    node = await nodes.add(createFaultyNode(clock, { outbound: { target: 1, anchors: 2 } }, { datastore }))
    remote = await nodes.add(createPlainNode())
  })

  afterEach(async () => {
    datastore.faults.clear()
    await nodes.stop()
  })

  function breakDown (fault: Fault, operations: Operation[]): void {
    operations.forEach(operation => { datastore.faults.set(operation, fault) })
  }

  FAULTS.forEach(fault => {
    OPERATIONS.forEach(operation => {
      it(`whose ${operation} ${fault} harms nobody who bans, dials, stops and starts for longer than a while`, async () => {
        const manager = node.services.connectionManager
        await node.start()
        const before = listenerCounts(node)
        await manager.bans.ban('192.0.2.1')
        breakDown(fault, [operation])

        const ban = await outcome(manager.bans.ban('192.0.2.2'), clock, 20_000)
        const failed = await outcome(node.dial(multiaddr('/memory/nobody')), clock)
        const dialled = await outcome(node.dial(remote.getMultiaddrs()), clock)
        expect([failed.status, dialled.status]).to.deep.equal(['rejected', 'fulfilled'])

        // what is said to be in force is stored
        expect(ban.status === 'fulfilled').to.equal(manager.bans.list().length === 2)

        if (ban.status === 'rejected') {
          expect(ban.reason).to.be.an.instanceOf(Error)
        }

        expect((await outcome(node.stop(), clock, 20_000)).status).to.equal('fulfilled')
        expectNothingLeft(node, clock)

        datastore.faults.clear()
        expect((await outcome(node.start(), clock)).status).to.equal('fulfilled')
        expect(listenerCounts(node)).to.deep.equal(before)
        expect((await outcome(node.dial(remote.getMultiaddrs()), clock)).status).to.equal('fulfilled')
        expect((await outcome(manager.bans.ban('192.0.2.3'), clock)).status).to.equal('fulfilled')
      })
    })

    it(`that ${fault} when the bans are to be read keeps the node from starting, says so in time, and not for ever`, async () => {
      const idle = listenerCounts(node)
      breakDown(fault, OPERATIONS)
      const started = await outcome(node.start(), clock, 10_000)

      // who would be let in is not known
      expect(started).to.have.property('reason').that.is.an.instanceOf(Error).with.property('message').that.matches(/ms|disk/)
      expect(node.status).to.equal('stopped')
      expectNothingLeft(node, clock)
      expect(listenerCounts(node)).to.deep.equal(idle)

      datastore.faults.clear()
      expect((await outcome(node.start(), clock)).status).to.equal('fulfilled')
      expect((await outcome(node.dial(remote.getMultiaddrs()), clock)).status).to.equal('fulfilled')
    })

    it(`that ${fault} for everything but the bans does not keep the node from starting`, async () => {
      datastore.prefix = '/libp2p-connmgr/anchors'
      breakDown(fault, ['has', 'get', 'put', 'delete'])
      expect((await outcome(node.start(), clock, 20_000)).status).to.equal('fulfilled')

      datastore.prefix = '/libp2p-connmgr/dial-back-off'
      expect((await outcome(node.stop(), clock, 20_000)).status).to.equal('fulfilled')
      expect((await outcome(node.start(), clock, 20_000)).status).to.equal('fulfilled')
      expect((await outcome(node.dial(remote.getMultiaddrs()), clock)).status).to.equal('fulfilled')
    })

    it(`of the peer store that ${fault} does not keep a connection from whoever waits for it`, async () => {
      await node.start()
      datastore.prefix = '/peers'
      breakDown(fault, ['put', 'get', 'has'])
      const dialled = await outcome(node.services.connectionManager.openConnection(remote.getMultiaddrs()), clock, 8_000)

      expect(dialled.status).to.equal('fulfilled')
      datastore.faults.clear()
    })
  })

  it('whose bans hang lets the others be made when it is itself again', async () => {
    await node.start()
    const { bans } = node.services.connectionManager
    breakDown('hangs', ['put'])
    const lost = bans.ban('192.0.2.1')
    lost.catch(() => {})
    await clock.advance(100)
    datastore.faults.clear()
    const next = bans.ban('192.0.2.2')

    expect((await outcome(lost, clock)).status).to.equal('rejected')
    expect((await outcome(next, clock)).status).to.equal('fulfilled')
    expect(bans.list().map(({ target }) => target)).to.deep.equal(['192.0.2.2'])
  })

  it('hands on what it fails with to the list of bans', async () => {
    breakDown('throws', ['query'])
    const bans = new BanList({ clock, logger: defaultLogger(), datastore })

    await expect(bans.start()).to.eventually.be.rejectedWith('The disk is gone')
    await bans.stop()
  })
})
