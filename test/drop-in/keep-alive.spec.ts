import { KEEP_ALIVE } from '@libp2p/interface'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { recordEvents } from '../fixtures/events.ts'
import { MANAGERS, OURS, UPSTREAM, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ConnectionManagerEvents, ConnectionManagerInit, ConnectionManagerService } from '../../src/index.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const A = '/memory/keep-alive-a'
const B = '/memory/keep-alive-b'

/**
 * Do not wait between attempts
 */
const AT_ONCE: ConnectionManagerInit = { reconnectRetryInterval: 0, reconnectBackoffFactor: 1 }

describe('drop-in: peers with keep-alive tags', () => {
  const nodes = new NodeGroup()
  let network: ScriptedNetwork
  let node: Libp2p
  let remote: Libp2p
  let target: Multiaddr

  beforeEach(async () => {
    network = new ScriptedNetwork()
    remote = await nodes.add(createPlainNode())
    target = network.route(A, remote)
  })

  afterEach(async () => nodes.stop())

  async function start ({ create }: ManagerUnderTest, init: ConnectionManagerInit = {}): Promise<void> {
    node = await nodes.add(create({ ...AT_ONCE, ...init }, { transports: [network.transport()], start: false }))
  }

  async function keepAlive (tag: string = KEEP_ALIVE, peer: Libp2p = remote, address: Multiaddr = target): Promise<void> {
    await node.peerStore.merge(peer.peerId, { multiaddrs: [address], tags: { [tag]: { value: 1 }, other: { value: 1 } } })
  }

  async function tagsOf (peer: Libp2p = remote): Promise<string[]> {
    return [...(await node.peerStore.get(peer.peerId)).tags.keys()]
  }

  async function connected (peer: Libp2p = remote): Promise<void> {
    await pEvent<'peer:connect', CustomEvent<PeerId>>(node, 'peer:connect', { filter: ({ detail }) => detail.equals(peer.peerId) })
  }

  MANAGERS.forEach(specify)

  function specify (underTest: ManagerUnderTest): void {
    describe(underTest.name, () => {
      it('are dialled when the node starts', async () => {
        await start(underTest)
        await keepAlive()
        const reconnected = connected()
        await node.start()
        await reconnected

        expect(node.getConnections(remote.peerId)).to.have.lengthOf(1)
      })

      it('are dialled when they disconnect, each time', async () => {
        await start(underTest)
        await node.start()
        await keepAlive()
        await node.dial(remote.peerId)

        for (let i = 0; i < 3; i++) {
          const reconnected = connected()
          await remote.hangUp(node.peerId)
          await reconnected
        }

        expect(network.dialed).to.deep.equal([A, A, A, A])
      })

      it('are those with any tag that begins with keep-alive', async () => {
        await start(underTest)
        await node.start()
        await keepAlive('keep-alive-circuit-relay')
        const reconnected = connected()
        await node.dial(remote.peerId)
        await reconnected
        const again = connected()
        await remote.hangUp(node.peerId)
        await again
      })

      it('are not those without one', async () => {
        await start(underTest)
        await node.start()
        const kept = await nodes.add(createPlainNode())
        await keepAlive('not-keep-alive')
        await keepAlive(KEEP_ALIVE, kept, network.route(B, kept))
        await node.dial(remote.peerId)
        await node.dial(kept.peerId)

        // the one is gone before the other
        const disconnected = pEvent(node, 'peer:disconnect')
        await remote.hangUp(node.peerId)
        await disconnected
        const reconnected = connected(kept)
        await kept.hangUp(node.peerId)
        await reconnected

        expect(network.dialed).to.deep.equal([A, B, B])
      })

      it('are dialled reconnectRetries times more when the first attempt fails', async () => {
        await start(underTest, { reconnectRetries: 2 })
        await node.start()
        await keepAlive()
        await node.dial(remote.peerId)
        network.fail(A)
        const failed = pEvent<'peer:reconnect-failure', CustomEvent<PeerId>>(node, 'peer:reconnect-failure')
        await remote.hangUp(node.peerId)

        expect((await failed).detail.equals(remote.peerId)).to.be.true()
        expect(network.dialed).to.deep.equal([A, A, A, A])
      })

      it('lose these tags, and only these, when all attempts have failed', async () => {
        await start(underTest, { reconnectRetries: 0 })
        await node.start()
        await keepAlive()
        await keepAlive('keep-alive-kad-dht')
        await node.dial(remote.peerId)
        network.fail(A)
        const tags = new Promise<string[]>((resolve, reject) => {
          node.addEventListener('peer:reconnect-failure', () => { tagsOf().then(resolve, reject) })
        })
        await remote.hangUp(node.peerId)

        expect(await tags).to.deep.equal(['other'])
      })

      it('keep them when an attempt succeeds', async () => {
        await start(underTest, { reconnectRetries: 3 })
        await node.start()
        await keepAlive()
        await node.dial(remote.peerId)
        const events = recordEvents(node)
        network.fail(A)
        network.hold(A)
        const reconnected = connected()
        await remote.hangUp(node.peerId)
        await network.untilDialed(A, 2)
        // the second attempt waits until the peer is back
        network.release(A)
        network.hold(A)
        await network.untilDialed(A, 3)
        network.route(A, remote)
        network.release(A)
        await reconnected

        expect(await tagsOf()).to.include(KEEP_ALIVE)
        expect(events.map(({ type }) => type)).to.not.include('peer:reconnect-failure')
      })

      it('are dialled maxParallelReconnects at a time', async () => {
        await start(underTest, { maxParallelReconnects: 1 })
        await node.start()
        const second = await nodes.add(createPlainNode())
        await keepAlive()
        await keepAlive(KEEP_ALIVE, second, network.route(B, second))
        await node.dial(remote.peerId)
        await node.dial(second.peerId)
        network.mostAtOnce = 0
        network.hold(A)
        network.hold(B)
        const gone = pEvent(node, 'peer:disconnect')
        const back = Promise.all([connected(remote), connected(second)])
        await remote.hangUp(node.peerId)
        await gone
        await network.untilDialed(A, 2)
        const bothGone = pEvent(node, 'peer:disconnect')
        await second.hangUp(node.peerId)
        await bothGone
        // enough for its tags to be read
        await node.peerStore.all()
        await node.peerStore.all()
        network.release(A)
        await network.untilDialed(B, 2)
        network.release(B)
        await back

        expect(network.mostAtOnce).to.equal(1)
      })

      it('are not dialled because the node stops', async () => {
        await start(underTest)
        await node.start()
        await keepAlive()
        await node.dial(remote.peerId)
        const events = recordEvents(node)
        await node.stop()

        expect(events.map(({ type }) => type)).to.deep.equal(['connection:close'])
        expect(network.dialed).to.deep.equal([A])
        expect(await tagsOf()).to.include(KEEP_ALIVE)
      })
    })
  }

  it('are dialled again after the node was stopped and started', async () => {
    await start(OURS)
    await keepAlive()

    for (let i = 0; i < 2; i++) {
      const reconnected = connected()
      await node.start()
      await reconnected
      const again = connected()
      await remote.hangUp(node.peerId)
      await again
      await node.stop()
    }

    expect(network.dialed).to.have.lengthOf(4)
    expect(await tagsOf()).to.include(KEEP_ALIVE)
  })

  it('beyond the watermarks are trimmed once, parked, and dialled when there is room', async () => {
    await start(OURS, { lowWater: 3, highWater: 4, gracePeriod: 0, silencePeriod: 0 })
    await node.start()
    const manager = managerOf(node) as ConnectionManagerService
    const remotes = [remote]

    for (const i of [1, 2, 3, 4]) {
      const other = await nodes.add(createPlainNode())
      remotes.push(other)
      await keepAlive('keep-alive-kad-dht', other, network.route(`/memory/keep-alive-${i}`, other))
    }

    await keepAlive()
    const trimmed = pEvent<'connection:trim', ConnectionManagerEvents['connection:trim']>(manager, 'connection:trim')
    await Promise.all(remotes.map(async ({ peerId }) => node.dial(peerId)))
    const { closed } = (await trimmed).detail
    const dials = network.dialed.length
    // enough for whoever wants to dial them again
    await new Promise(resolve => { setTimeout(resolve, 200) })

    expect(network.dialed).to.have.lengthOf(dials)
    expect(node.getConnections()).to.have.lengthOf(3)
    expect(closed).to.have.lengthOf(2)

    for (const { peerId } of closed) {
      const { parked, summary } = await manager.explain(peerId)
      expect(parked).to.have.property('reason', 'trim')
      expect(summary).to.include('It is parked: it was trimmed')
    }

    const kept = remotes.filter(({ peerId }) => closed.every(({ peerId: other }) => !other.equals(peerId)))
    const back = pEvent<'peer:connect', CustomEvent<PeerId>>(node, 'peer:connect')
    const [{ peerId }] = kept
    await node.hangUp(peerId)
    const { detail } = await back

    expect(closed.map(({ peerId }) => peerId.toString())).to.include(detail.toString())
    expect((await manager.explain(detail)).parked).to.equal(undefined)
    expect(node.getConnections()).to.have.lengthOf(3)
  })

  it('that their realm has no room for are parked, though the node has', async () => {
    await start(OURS, { gracePeriod: 0, silencePeriod: 0, realmOf: () => 'chain', realmSettings: { chain: { lowWater: 1, highWater: 2 } } })
    await node.start()
    const manager = managerOf(node) as ConnectionManagerService
    const remotes = [remote]

    for (const i of [1, 2]) {
      const other = await nodes.add(createPlainNode())
      remotes.push(other)
      await keepAlive(KEEP_ALIVE, other, network.route(`/memory/keep-alive-realm-${i}`, other))
    }

    await keepAlive()
    const trimmed = pEvent<'connection:trim', ConnectionManagerEvents['connection:trim']>(manager, 'connection:trim')
    await Promise.all(remotes.map(async ({ peerId }) => node.dial(peerId)))
    const { closed } = (await trimmed).detail
    // enough for whoever wants to dial them again
    await new Promise(resolve => { setTimeout(resolve, 200) })

    expect(closed).to.have.lengthOf(2)
    expect(network.dialed).to.have.lengthOf(3)
    expect((await manager.explain(closed[0].peerId)).parked).to.have.property('reason', 'trim')

    const back = pEvent(node, 'peer:connect')
    await node.hangUp(node.getConnections()[0].remotePeer)
    await back
  })

  it('are dialled when the node starts no more than the high watermark allows', async () => {
    await start(OURS, { lowWater: 1, highWater: 2 })
    await keepAlive()

    for (const i of [1, 2]) {
      const other = await nodes.add(createPlainNode())
      await keepAlive(KEEP_ALIVE, other, network.route(`/memory/keep-alive-start-${i}`, other))
    }

    await node.start()
    await network.untilDialed(A)
    await new Promise(resolve => { setTimeout(resolve, 200) })

    expect(network.dialed).to.have.lengthOf(2)
  })

  it('go after others of equal value in a trim', async () => {
    await start(OURS, { lowWater: 1, highWater: 10, gracePeriod: 0 })
    await node.start()
    const manager = managerOf(node) as ConnectionManagerService
    const other = await nodes.add(createPlainNode())
    // newer, and so the first to go if it were worth as much
    await node.dial(network.route(B, other))
    manager.tag(other.peerId, 'useful', 2)
    await keepAlive()
    await node.dial(remote.peerId)
    const { closed } = await manager.trim()

    expect(closed.map(({ peerId }) => peerId.toString())).to.deep.equal([other.peerId.toString()])
  })

  const HANG_UPS = [
    { underTest: OURS, dialed: [A, B] },
    // dialled again at once
    { underTest: UPSTREAM, dialed: [A, A, B] }
  ]

  HANG_UPS.forEach(({ underTest, dialed }) => {
    it(`that the user hung up are dialled ${dialed.length - 2} times by ${underTest.name}`, async () => {
      await start(underTest)
      await node.start()
      const other = await nodes.add(createPlainNode())
      await keepAlive()
      await node.dial(remote.peerId)
      await node.hangUp(remote.peerId)

      // what was to be dialled is being dialled when a peer is that disconnected later
      await keepAlive(KEEP_ALIVE, other, network.route(B, other))
      await other.dial(node.getMultiaddrs())
      const reconnected = connected(other)
      await other.hangUp(node.peerId)
      await reconnected

      expect(network.dialed).to.deep.equal(dialed)
      expect(await tagsOf()).to.include(KEEP_ALIVE)
    })
  })

  const STOPS = [
    { underTest: OURS, tags: [KEEP_ALIVE, 'other'], failures: 0 },
    // a peer is given up because the node stopped
    { underTest: UPSTREAM, tags: ['other'], failures: 1 }
  ]

  STOPS.forEach(({ underTest, tags, failures }) => {
    it(`that are being dialled when the node stops keep [${tags.join(', ')}] with ${underTest.name}`, async () => {
      await start(underTest)
      await node.start()
      await keepAlive()
      await node.dial(remote.peerId)
      network.hold(A)
      const events = recordEvents(node)
      await remote.hangUp(node.peerId)
      await network.untilDialed(A, 2)
      await node.stop()

      expect(await tagsOf()).to.have.members(tags)
      expect(events.filter(({ type }) => type === 'peer:reconnect-failure')).to.have.lengthOf(failures)
    })
  })
})
