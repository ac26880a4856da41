import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { MANAGERS, OURS, UPSTREAM, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

const BUSY = '/memory/queue-busy'
const A = '/memory/queue-a'
const B = '/memory/queue-b'
const C = '/memory/queue-c'

describe('drop-in: the dial queue', () => {
  const nodes = new NodeGroup()
  let network: ScriptedNetwork
  let node: Libp2p
  let manager: ConnectionManager

  beforeEach(() => {
    network = new ScriptedNetwork()
  })

  afterEach(async () => nodes.stop())

  async function start ({ create }: ManagerUnderTest, init: ConnectionManagerInit = {}): Promise<void> {
    node = await nodes.add(create(init, { transports: [network.transport()] }))
    manager = managerOf(node)
  }

  /**
   * Another peer at the address
   */
  async function peerAt (address: string): Promise<Multiaddr> {
    return network.route(address, await nodes.add(createPlainNode()))
  }

  MANAGERS.forEach(specify)

  function specify (underTest: ManagerUnderTest): void {
    describe(underTest.name, () => {
      it('no more than maxParallelDials peers are dialled at the same time, the more urgent first', async () => {
        await start(underTest, { maxParallelDials: 1 })
        const [busy, a, b, c] = [await peerAt(BUSY), await peerAt(A), await peerAt(B), await peerAt(C)]
        network.hold(BUSY)
        const first = manager.openConnection(busy)
        await network.untilDialed(BUSY)

        const dials = [
          manager.openConnection(a, { priority: 10 }),
          // the default is 50
          manager.openConnection(b),
          // a dial of the user has 75
          node.dial(c)
        ]
        expect(manager.getDialQueue().map(({ status }) => status)).to.have.members(['active', 'queued', 'queued', 'queued'])

        network.release(BUSY)
        await Promise.all([first, ...dials])

        expect(network.dialed).to.deep.equal([BUSY, C, B, A])
        expect(network.mostAtOnce).to.equal(1)
      })

      it('dials of the same priority are made in the order in which they were asked for', async () => {
        await start(underTest, { maxParallelDials: 1 })
        const targets = [await peerAt(BUSY), await peerAt(A), await peerAt(B), await peerAt(C)]
        await Promise.all(targets.map(async target => manager.openConnection(target)))

        expect(network.dialed).to.deep.equal([BUSY, A, B, C])
      })

      it('several peers are dialled at the same time', async () => {
        await start(underTest, { maxParallelDials: 2 })
        const targets = [await peerAt(A), await peerAt(B)]
        network.hold(A)
        network.hold(B)
        const dials = targets.map(async target => manager.openConnection(target))
        await Promise.all([network.untilDialed(A), network.untilDialed(B)])
        network.release(A)
        network.release(B)
        await Promise.all(dials)

        expect(network.mostAtOnce).to.equal(2)
      })

      it('fails at once when maxDialQueueLength dials run and wait', async () => {
        await start(underTest, { maxParallelDials: 1, maxDialQueueLength: 2 })
        const [busy, a, b] = [await peerAt(BUSY), await peerAt(A), await peerAt(B)]
        network.hold(BUSY)
        const dials = [manager.openConnection(busy), manager.openConnection(a)]
        await network.untilDialed(BUSY)

        const error = await manager.openConnection(b).catch(err => err)
        expect(error).to.have.property('name', 'DialError')
        expect(error).to.have.property('message').that.includes('Dial queue is full')

        // there is always room for those who join
        const joined = manager.openConnection(a)
        network.release(BUSY)
        const [, connection] = await Promise.all(dials)

        expect((await joined).id).to.equal(connection.id)
        expect((await manager.openConnection(b)).status).to.equal('open')
      })

      it('a dial that waits can be aborted', async () => {
        await start(underTest, { maxParallelDials: 1 })
        const [busy, a] = [await peerAt(BUSY), await peerAt(A)]
        network.hold(BUSY)
        const controller = new AbortController()
        const running = manager.openConnection(busy)
        await network.untilDialed(BUSY)
        const waiting = manager.openConnection(a, { signal: controller.signal })

        controller.abort()
        await expect(waiting).to.eventually.be.rejected.with.property('name', 'AbortError')
        expect(manager.getDialQueue()).to.have.lengthOf(1)

        network.release(BUSY)
        await running
        expect(network.dialed).to.deep.equal([BUSY])
      })

      it('takes no dials before the node is started and after it was stopped', async () => {
        node = await nodes.add(underTest.create({}, { transports: [network.transport()], start: false }))
        manager = managerOf(node)
        const a = await peerAt(A)

        if (underTest === OURS) {
          await expect(manager.openConnection(a)).to.eventually.be.rejected.with.property('name', 'NotStartedError')
        }

        await node.start()
        expect((await manager.openConnection(a)).status).to.equal('open')

        await node.stop()

        if (underTest === OURS) {
          await expect(manager.openConnection(a)).to.eventually.be.rejected.with.property('name', 'NotStartedError')
        }
      })

      it('a dial that runs ends when the node is stopped', async () => {
        await start(underTest)
        const a = await peerAt(A)
        network.hold(A)
        const failed = expect(manager.openConnection(a)).to.eventually.be.rejected.with.property('name', 'AbortError')
        await network.untilDialed(A)
        await node.stop()

        await failed
        expect(manager.getDialQueue()).to.be.empty()
      })

      it('dials again after the node was stopped and started', async () => {
        await start(underTest)
        const a = await peerAt(A)
        await manager.openConnection(a)
        await node.stop()
        await node.start()

        expect((await manager.openConnection(a)).status).to.equal('open')
        expect(node.getConnections()).to.have.lengthOf(1)
      })
    })
  }

  it('a dial that waits ends when the node is stopped, not when its time is over', async () => {
    await start(OURS, { maxParallelDials: 1 })
    const [a, b] = [await peerAt(A), await peerAt(B)]
    network.hold(A)
    const dials = [manager.openConnection(a), manager.openConnection(b, { signal: new AbortController().signal })]
    const failed = dials.map(async dial => expect(dial).to.eventually.be.rejected.with.property('name', 'AbortError'))
    await network.untilDialed(A)
    await node.stop()

    await Promise.all(failed)
    expect(network.dialed).to.deep.equal([A])
  })

  const LATE = [
    { underTest: OURS, outcome: 'closed' },
    // the connection that nobody knows of stays open
    { underTest: UPSTREAM, outcome: 'open' }
  ]

  LATE.forEach(({ underTest, outcome }) => {
    it(`a connection that opens when the node has stopped is ${outcome} with ${underTest.name}`, async () => {
      const handshake = Promise.withResolvers<void>()
      const reached = Promise.withResolvers<void>()
      const remote = await nodes.add(createPlainNode())
      node = await nodes.add(underTest.create({}, {
        connectionGater: {
          denyOutboundUpgradedConnection: async () => {
            reached.resolve()
            await handshake.promise

            return false
          }
        }
      }))
      manager = managerOf(node)
      const dial = manager.openConnection(remote.getMultiaddrs())
      const failed = expect(dial).to.eventually.be.rejected()
      await reached.promise
      const opened = pEvent<'connection:open', CustomEvent<Connection>>(node, 'connection:open')
      const closed = pEvent<'connection:close', CustomEvent<Connection>>(node, 'connection:close')
      await node.stop()
      await failed

      handshake.resolve()
      const { detail: connection } = await opened

      if (outcome === 'closed') {
        expect((await closed).detail.id).to.equal(connection.id)
      } else {
        await connection.close()
      }

      expect(node.getConnections()).to.be.empty()
    })
  })
})
