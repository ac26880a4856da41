import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { MANAGERS, OURS, UPSTREAM, idsOf, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Libp2p } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

const A = '/memory/joining-a'
const B = '/memory/joining-b'

describe('drop-in: dials that join each other', () => {
  const nodes = new NodeGroup()
  let network: ScriptedNetwork
  let remote: Libp2p
  let node: Libp2p
  let manager: ConnectionManager
  let a: Multiaddr
  let b: Multiaddr

  beforeEach(async () => {
    network = new ScriptedNetwork()
    remote = await nodes.add(createPlainNode())
    a = network.route(A, remote)
    b = network.route(B, remote)
    network.hold(A)
  })

  afterEach(async () => nodes.stop())

  async function start ({ create }: ManagerUnderTest, init: ConnectionManagerInit = {}): Promise<void> {
    node = await nodes.add(create(init, { transports: [network.transport()] }))
    manager = managerOf(node)
  }

  MANAGERS.forEach(specify)

  function specify (underTest: ManagerUnderTest): void {
    describe(underTest.name, () => {
      it('dials of the same peer share one attempt', async () => {
        await start(underTest)
        const first = manager.openConnection(a)
        await network.untilDialed(A)
        const others = [manager.openConnection(remote.peerId), manager.openConnection(b), manager.openConnection([a, b])]

        expect(manager.getDialQueue()).to.have.lengthOf(1)
        network.release(A)

        const connection = await first
        expect(idsOf(...await Promise.all(others))).to.deep.equal(idsOf(connection, connection, connection))
        expect(network.dialed).to.deep.equal([A])
      })

      it('dials of the same address that wait share one attempt where the peer is not known', async () => {
        await start(underTest, { maxParallelDials: 1 })
        const running = manager.openConnection(a)
        await network.untilDialed(A)
        const other = await nodes.add(createPlainNode())
        network.route(B, other)
        const dials = [manager.openConnection(multiaddr(B)), manager.openConnection(multiaddr(B))]

        expect(manager.getDialQueue()).to.have.lengthOf(2)
        network.release(A)
        await running

        expect((await dials[1]).id).to.equal((await dials[0]).id)
        expect(network.dialed).to.deep.equal([A, B])
      })

      it('dials of different addresses do not where the peer is not known', async () => {
        await start(underTest)
        const other = await nodes.add(createPlainNode())
        network.route(B, other)
        const first = manager.openConnection(multiaddr(A))
        await network.untilDialed(A)
        const second = await manager.openConnection(multiaddr(B))

        expect(second.remotePeer.equals(other.peerId)).to.be.true()
        network.release(A)
        expect((await first).remotePeer.equals(remote.peerId)).to.be.true()
      })

      it('the addresses of a dial that joins are tried as well', async () => {
        await start(underTest)
        network.fail(A)
        const first = manager.openConnection(a)
        await network.untilDialed(A)
        const second = manager.openConnection(b)
        network.release(A)

        expect((await first).remoteAddr.equals(b)).to.be.true()
        expect((await second).id).to.equal((await first).id)
        expect(network.dialed).to.deep.equal([A, B])
      })

      it('the first caller can abort without the second noticing', async () => {
        await start(underTest)
        const controller = new AbortController()
        const first = manager.openConnection(a, { signal: controller.signal })
        await network.untilDialed(A)
        const second = manager.openConnection(remote.peerId)

        controller.abort()
        await expect(first).to.eventually.be.rejected.with.property('name', 'AbortError')
        network.release(A)

        expect((await second).status).to.equal('open')
      })

      it('the second caller can abort without the first noticing', async () => {
        await start(underTest)
        const controller = new AbortController()
        const first = manager.openConnection(a)
        await network.untilDialed(A)
        const second = manager.openConnection(remote.peerId, { signal: controller.signal })

        controller.abort()
        await expect(second).to.eventually.be.rejected.with.property('name', 'AbortError')
        network.release(A)

        expect((await first).status).to.equal('open')
      })

      it('the attempt ends when every caller has aborted', async () => {
        await start(underTest)
        const controllers = [new AbortController(), new AbortController()]
        const dials = controllers.map(async ({ signal }) => manager.openConnection(a, { signal }))
        await network.untilDialed(A)

        controllers.forEach(controller => { controller.abort() })
        const results = await Promise.allSettled(dials)

        expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
        expect(manager.getDialQueue()).to.be.empty()

        // nothing of the old attempt is joined
        network.release(A)
        expect((await manager.openConnection(a)).status).to.equal('open')
        expect(network.dialed).to.deep.equal([A, A])
      })

      it('all of them fail when the attempt does', async () => {
        await start(underTest)
        network.fail(A)
        const dials = [manager.openConnection(a), manager.openConnection(a)]
        await network.untilDialed(A)
        network.release(A)

        for (const dial of dials) {
          await expect(dial).to.eventually.be.rejected.with.property('name', 'ConnectionFailedError')
        }

        expect(network.dialed).to.deep.equal([A])
      })
    })
  }

  const SHARED = [
    { underTest: OURS, dialed: [A] },
    // a dial that runs is found by its peer only
    { underTest: UPSTREAM, dialed: [A, A] }
  ]

  SHARED.forEach(({ underTest, dialed }) => {
    it(`${underTest.name} dials the same address ${dialed.length} times for two callers that do not know the peer`, async () => {
      await start(underTest)
      const first = manager.openConnection([multiaddr(A), multiaddr(B)])
      await network.untilDialed(A)
      const second = manager.openConnection(multiaddr(A))

      // whatever was to be dialled is being dialled by now
      await manager.isDialable(a)
      network.release(A)

      expect((await second).status).to.equal('open')
      expect((await first).status).to.equal('open')
      // the first one may have gone on to its other address by now
      expect(network.dialed.filter(address => address === A)).to.deep.equal(dialed)
    })
  })

  const FORCED = [
    { underTest: OURS, connections: 3 },
    // a forced dial joins the one that runs
    { underTest: UPSTREAM, connections: 1 }
  ]

  FORCED.forEach(({ underTest, connections }) => {
    it(`${underTest.name} opens ${connections} connection(s) for one dial and two forced dials`, async () => {
      await start(underTest)
      await node.peerStore.merge(remote.peerId, { multiaddrs: [a] })
      const dials = [manager.openConnection(a), manager.openConnection(a, { force: true }), manager.openConnection(remote.peerId, { force: true })]
      await network.untilDialed(A, connections)
      network.release(A)

      expect(new Set(await Promise.all(dials)).size).to.equal(connections)
    })
  })

  it('a forced dial is not joined either', async () => {
    await start(OURS)
    const forced = manager.openConnection(a, { force: true })
    await network.untilDialed(A)
    const other = manager.openConnection(b)

    // the forced dial still waits
    expect((await other).remoteAddr.equals(b)).to.be.true()
    network.release(A)
    expect((await forced).id).to.not.equal((await other).id)
  })

  it('the caller of a dial that waits can abort without the second noticing', async () => {
    await start(OURS, { maxParallelDials: 1 })
    const other = await nodes.add(createPlainNode())
    const controller = new AbortController()
    const running = manager.openConnection(a)
    await network.untilDialed(A)

    const first = manager.openConnection(other.getMultiaddrs(), { signal: controller.signal })
    const second = manager.openConnection(other.getMultiaddrs())
    controller.abort()
    await expect(first).to.eventually.be.rejected.with.property('name', 'AbortError')
    network.release(A)
    await running

    expect((await second).remotePeer.equals(other.peerId)).to.be.true()
  })
})
