import { KEEP_ALIVE } from '@libp2p/interface'
import { expect } from 'aegir/chai'
import { MemoryDatastore } from 'datastore-core'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode, memoryAddress, memoryNodeOptions } from '../fixtures/nodes.ts'
import type { ConnectionManagerInit, ConnectionManagerService, NetworkChange } from '../../src/index.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'

type ManagedNode = Libp2p<{ connectionManager: ConnectionManagerService }>

/**
 * The group of an address is a part of its name
 */
function groupOf (multiaddr: Multiaddr): string | undefined {
  return multiaddr.toString().match(/group-\d+/)?.[0]
}

async function waitFor (condition: () => boolean | Promise<boolean>): Promise<void> {
  await pWaitFor(condition)
}

describe('drop-in: connections that nobody asks for', () => {
  const nodes = new NodeGroup()
  let lists = 0

  afterEach(async () => nodes.stop())

  async function managed (init: ConnectionManagerInit, options?: Libp2pOptions): Promise<ManagedNode> {
    return nodes.add(createManagedNode(init, options))
  }

  /**
   * Peers in groups, so many in each
   */
  async function peersInGroups (groups: number, each: number): Promise<Libp2p[]> {
    const list = lists++

    return Promise.all(Array.from({ length: groups * each }, async (_, i) => nodes.add(createPlainNode({
      addresses: { listen: [`/memory/group-${i % groups}-peer-${i}-of-${list}`] }
    }))))
  }

  async function introduce (node: Libp2p, peers: Libp2p[], tags = {}): Promise<void> {
    for (const peer of peers) {
      await node.peerStore.merge(peer.peerId, { multiaddrs: peer.getMultiaddrs(), tags })
    }
  }

  function connectedGroups (node: Libp2p): Set<string | undefined> {
    return new Set(node.getConnections().map(({ remoteAddr }) => groupOf(remoteAddr)))
  }

  it('there are none by default', async () => {
    const peers = await peersInGroups(3, 1)
    const node = await managed({})
    await introduce(node, peers)
    node.services.connectionManager.networkChanged()
    node.services.connectionManager.outbound.resume()
    await new Promise(resolve => setTimeout(resolve, 500))

    expect(node.getConnections()).to.be.empty()
    expect(node.getDialQueue()).to.be.empty()
    expect(node.services.connectionManager.outbound.stat).to.include({ target: 0, dialling: 0 })
  })

  it('there are as many as the target says, each in another group, and lost ones are replaced', async () => {
    const peers = await peersInGroups(10, 4)
    const node = await managed({ groupOf, outbound: { target: 8 } }, { start: false })
    await introduce(node, peers)
    await node.start()
    await waitFor(() => node.getConnections().length === 8 && node.services.connectionManager.outbound.stat.dialling === 0)

    expect(connectedGroups(node).size).to.equal(8)
    expect(node.getConnections().every(({ direction }) => direction === 'outbound')).to.be.true()

    const lost = node.getConnections().slice(0, 4).map(({ remotePeer }) => remotePeer)
    const isLost = (): boolean => lost.every(peerId => node.getConnections(peerId).length === 0)
    await Promise.all(peers.filter(({ peerId }) => lost.some(peer => peer.equals(peerId))).map(async peer => peer.stop()))
    await waitFor(() => isLost() && node.getConnections().length === 8 && node.services.connectionManager.outbound.stat.dialling === 0)

    expect(connectedGroups(node).size).to.equal(8)
    // none too many were opened, and none are opened later
    await new Promise(resolve => setTimeout(resolve, 1_500))
    expect(node.getConnections()).to.have.lengthOf(8)
  })

  it('come from sources of the user, too, and a source that hangs or throws costs nothing but itself', async () => {
    const [peer] = await peersInGroups(1, 1)
    const node = await managed({
      groupOf,
      outbound: {
        target: 1,
        sources: [
          () => { throw new Error('Broken') },
          () => ({ [Symbol.asyncIterator]: () => ({ next: async () => new Promise(() => {}) }) }),
          'peer-routing',
          () => peer.getMultiaddrs()
        ]
      }
    })
    await waitFor(() => node.getConnections().length === 1)

    expect(node.getConnections()[0].remotePeer.equals(peer.peerId)).to.be.true()
    await node.stop()
  })

  it('a peer that the user hung up on is not dialled, until the user dials it', async () => {
    const [peer] = await peersInGroups(1, 1)
    const node = await managed({ outbound: { target: 1, interval: 100 } })
    await introduce(node, [peer])
    await waitFor(() => node.getConnections().length === 1)
    await node.hangUp(peer.peerId)
    const { outbound } = node.services.connectionManager
    await waitFor(() => outbound.stat.skipped['hung-up'] > 0)

    expect(node.getConnections()).to.be.empty()
  })

  it('the ones that were there for longest are dialled first after every restart, until there are others', async () => {
    const datastore = new MemoryDatastore()
    const [peer] = await peersInGroups(1, 1)
    const init: ConnectionManagerInit = { outbound: { target: 1, sources: [() => first.splice(0)] } }
    const first = peer.getMultiaddrs()
    const node = await managed(init, { datastore })
    await waitFor(() => node.getConnections().length === 1)
    await node.stop()

    const again = await managed(init, { datastore })
    await waitFor(() => again.getConnections().length === 1)
    expect(again.getConnections()[0].remotePeer.equals(peer.peerId)).to.be.true()

    // as if the one before had crashed
    const crashed = await managed(init, { datastore })
    await waitFor(() => crashed.getConnections().length === 1)
    expect(crashed.getConnections()[0].remotePeer.equals(peer.peerId)).to.be.true()
  })

  it('bootstrap peers are released when there are others', async () => {
    const [bootstrap, ...others] = await peersInGroups(3, 1)
    const node = await managed({ groupOf, outbound: { target: 2, interval: 100 } }, { start: false })
    await introduce(node, [bootstrap], { bootstrap: { value: 50 } })
    await node.start()
    await waitFor(() => node.getConnections(bootstrap.peerId).length === 1)
    await introduce(node, others)
    await waitFor(() => node.getConnections().length === 2 && node.getConnections(bootstrap.peerId).length === 0)

    await waitFor(async () => !(await node.peerStore.get(bootstrap.peerId)).tags.has('bootstrap'))
  })

  it('pausing dials nobody, resuming goes on', async () => {
    const peers = await peersInGroups(2, 1)
    const node = await managed({ groupOf, outbound: { target: 1, interval: 50 }, staticPeers: peers[1].getMultiaddrs() }, { start: false })
    const { outbound } = node.services.connectionManager
    outbound.pause()
    await introduce(node, [peers[0]])
    await node.start()
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(node.getConnections()).to.be.empty()
    expect(outbound.isPaused).to.be.true()

    outbound.resume()
    await waitFor(() => node.getConnections(peers[1].peerId).length === 1)
  })

  describe('static peers', () => {
    const listen = memoryAddress()

    async function remoteAt (address: string, privateKey?: Libp2pOptions['privateKey']): Promise<Libp2p> {
      return nodes.add(createPlainNode({ addresses: { listen: [address] }, privateKey }))
    }

    it('come back after they were restarted', async () => {
      const remote = await remoteAt(listen)
      const node = await managed({ staticPeers: remote.getMultiaddrs().map(multiaddr => multiaddr.toString()) })
      const { staticPeers } = node.services.connectionManager
      await waitFor(() => node.getConnections(remote.peerId).length === 1)
      expect(staticPeers.list()[0].state).to.equal('connected')
      expect(node.services.connectionManager.isProtected(remote.peerId, 'static')).to.be.true()

      const disconnected = pEvent<'peer:disconnect', CustomEvent<PeerId>>(node, 'peer:disconnect')
      await remote.stop()
      await disconnected
      expect(staticPeers.list()[0].state).to.be.oneOf(['waiting', 'dialling'])

      await remote.start()
      await waitFor(() => node.getConnections(remote.peerId).length === 1)
    })

    it('stay away when the user has hung up, and come back when they are added again', async () => {
      const remote = await remoteAt(memoryAddress())
      const [address] = remote.getMultiaddrs()
      const node = await managed({ staticPeers: [address] })
      const { staticPeers } = node.services.connectionManager
      await waitFor(() => node.getConnections(remote.peerId).length === 1)
      await node.hangUp(remote.peerId)
      node.services.connectionManager.networkChanged()
      await new Promise(resolve => setTimeout(resolve, 1_500))
      expect(node.getConnections()).to.be.empty()
      expect(staticPeers.list()[0].state).to.equal('hung-up')

      staticPeers.add(address)
      await waitFor(() => node.getConnections(remote.peerId).length === 1)
    })

    it('can be added and removed while the node runs', async () => {
      const remote = await remoteAt(memoryAddress())
      const node = await managed({})
      const { staticPeers } = node.services.connectionManager
      staticPeers.add(remote.getMultiaddrs()[0])
      await waitFor(() => node.getConnections(remote.peerId).length === 1)

      expect(staticPeers.remove(remote.peerId)).to.be.true()
      expect(staticPeers.list()).to.be.empty()
      expect(node.services.connectionManager.isProtected(remote.peerId)).to.be.false()
      expect(node.getConnections()).to.have.lengthOf(1)
    })

    it('are found by peer routing if only their id is known', async () => {
      const remote = await remoteAt(memoryAddress())
      const node = await managed({ staticPeers: [remote.peerId] }, {
        start: false,
        peerRouters: [() => ({
          findPeer: async () => ({ id: remote.peerId, multiaddrs: remote.getMultiaddrs() }),
          getClosestPeers: async function * () {}
        })]
      })
      await node.start()
      await waitFor(() => node.getConnections(remote.peerId).length === 1)
    })
  })

  it('trusted peers are protected, and are not banned for misbehaviour', async () => {
    const [peer] = await peersInGroups(1, 1)
    const node = await managed({ trustedPeers: [peer.peerId.toString()] })
    const manager = node.services.connectionManager

    expect(manager.isProtected(peer.peerId, 'trusted')).to.be.true()
    expect(await manager.reportMisbehaviour(peer.peerId, { persistent: 1_000 })).to.include({ outcome: 'exempt' })

    manager.discouraged.addPeer(peer.peerId)
    const connection = await peer.dial(node.getMultiaddrs())
    expect(connection.status).to.equal('open')
  })

  it('keep-alive peers that the user hung up on stay away when the network changes', async () => {
    const [peer] = await peersInGroups(1, 1)
    const node = await managed({})
    await introduce(node, [peer], { [KEEP_ALIVE]: { value: 1 } })
    await node.dial(peer.peerId)
    await node.hangUp(peer.peerId)
    node.services.connectionManager.networkChanged()
    await new Promise(resolve => setTimeout(resolve, 300))

    expect(node.getConnections()).to.be.empty()
  })

  it('keep-alive peers that were given up come back when the network does', async () => {
    const [peer] = await peersInGroups(1, 1)
    const node = await managed({ reconnectRetries: 0 })
    await introduce(node, [peer], { [KEEP_ALIVE]: { value: 1 } })
    await node.dial(peer.peerId)
    const givenUp = pEvent(node, 'peer:reconnect-failure')
    await peer.stop()
    await givenUp
    expect([...(await node.peerStore.get(peer.peerId)).tags.keys()]).to.be.empty()

    await peer.start()
    node.services.connectionManager.networkChanged()
    await waitFor(() => node.getConnections(peer.peerId).length === 1)
    expect([...(await node.peerStore.get(peer.peerId)).tags.keys()]).to.include(KEEP_ALIVE)
  })

  it('a peer that comes by itself is not left alone any longer for having failed before', async () => {
    const [peer] = await peersInGroups(1, 1)
    const [address] = peer.getMultiaddrs()
    const node = await managed({})
    const { history } = node.services.connectionManager.dialQueue
    await peer.stop()
    await expect(node.dial(address)).to.eventually.be.rejected()
    expect(history.doubt(peer.peerId, address)).to.equal('back-off')

    await peer.start()
    const connected = pEvent(node, 'connection:open')
    await peer.dial(node.getMultiaddrs())
    await connected
    expect(history.doubt(peer.peerId, address)).to.equal(undefined)
  })

  it('what failed before is forgotten when the network changes, which is told', async () => {
    const [peer, other] = await peersInGroups(2, 1)
    const [address] = peer.getMultiaddrs()
    const node = await managed({ staticPeers: [address] })
    const manager = node.services.connectionManager
    await waitFor(() => node.getConnections().length === 1)
    await node.dial(other.getMultiaddrs())
    await peer.stop()
    await waitFor(() => manager.dialQueue.history.doubt(peer.peerId, address) === 'back-off')

    const told = pEvent<'network:change', CustomEvent<NetworkChange>>(manager, 'network:change')
    const change = manager.networkChanged()
    expect(change).to.deep.equal({ backOff: 1, blackHoles: [], redialled: 1, probed: 1 })
    expect((await told).detail).to.equal(change)
    expect(manager.dialQueue.history.doubt(peer.peerId, address)).to.equal(undefined)
  })

  it('options that are not usable are refused by name', async () => {
    const cases: Array<[ConnectionManagerInit | object, string]> = [
      [{ staticPeers: ['/ip4/127.0.0.1/tcp/1'] }, 'staticPeers[0]'],
      [{ staticPeers: 'nobody' }, 'staticPeers'],
      [{ trustedPeers: ['/ip4/127.0.0.1/tcp/1'] }, 'trustedPeers[0]'],
      [{ outbound: 8 }, 'outbound'],
      [{ outbound: { target: -1 } }, 'outbound.target'],
      [{ outbound: { target: 1.5 } }, 'outbound.target'],
      [{ outbound: { ratio: 2 } }, 'outbound.ratio'],
      [{ outbound: { sources: ['dht'] } }, 'outbound.sources'],
      [{ outbound: { protocols: '/a' } }, 'outbound.protocols'],
      [{ outbound: { groupLimit: 0 } }, 'outbound.groupLimit'],
      [{ outbound: { maxParallel: 0 } }, 'outbound.maxParallel'],
      [{ outbound: { rate: { perSecond: 0 } } }, 'outbound.rate.perSecond'],
      [{ outbound: { rate: { burst: 0 } } }, 'outbound.rate.burst'],
      [{ outbound: { retryChance: 0.5 } }, 'outbound.retryChance'],
      [{ outbound: { anchors: -1 } }, 'outbound.anchors'],
      [{ outbound: { interval: 0 } }, 'outbound.interval'],
      [{ outbound: { releaseBootstrap: 1 } }, 'outbound.releaseBootstrap'],
      [{ outbound: { churn: true } }, 'outbound.churn'],
      [{ outbound: { churn: { interval: [2, 1] } } }, 'outbound.churn.interval'],
      [{ outbound: { churn: { fraction: 2 } } }, 'outbound.churn.fraction'],
      [{ outbound: { feelers: { interval: 0 } } }, 'outbound.feelers.interval'],
      [{ outbound: { tarket: 8 } }, 'outbound.tarket']
    ]

    for (const [init, option] of cases) {
      await expect(createManagedNode(init, memoryNodeOptions({ start: false })), option).to.eventually.be.rejected().with.property('option', option)
    }
  })
})
