import { autoNATv2 } from '@libp2p/autonat-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { dcutr } from '@libp2p/dcutr'
import { gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import { kadDHT } from '@libp2p/kad-dht'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'
import { connectionManager } from '../../src/index.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import type { ConnectionManagerService } from '../../src/index.ts'
import type { Message, GossipSub, MeshPeer } from '@libp2p/gossipsub'
import type { Connection, Libp2p, Libp2pEvents, PeerId } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import type { Ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions, ServiceFactoryMap } from 'libp2p'

const TOPIC = 'test-topic'

interface Services extends Record<string, unknown> {
  connectionManager: ConnectionManagerService
  identify: unknown
  identifyPush: unknown
  ping: Ping
  dht: KadDHT
  pubsub: GossipSub
  dcutr: unknown
  autonat: unknown
}

type ServiceNode = Libp2p<Services>

function services (managerIsLast: boolean): ServiceFactoryMap<Services> {
  const manager = { connectionManager: connectionManager() }
  const others = {
    identify: identify(),
    identifyPush: identifyPush({ debounce: 1 }),
    ping: ping(),
    dht: kadDHT({
      clientMode: false,
      initialQuerySelfInterval: 0,
      // loopback addresses are as good as any other here
      peerInfoMapper: peer => peer
    }),
    pubsub: gossipsub({ heartbeatInterval: 100, allowPublishToZeroTopicPeers: true }),
    dcutr: dcutr(),
    autonat: autoNATv2()
  }

  return managerIsLast ? { ...others, ...manager } : { ...manager, ...others }
}

/**
 * How the nodes of the suite reach each other
 */
export interface ServicesNetwork {
  /**
   * The options of a node. Called after `setUp`.
   */
  options(): Libp2pOptions

  /**
   * Does a connection run over what is tested?
   */
  matches(address: Multiaddr): boolean

  /**
   * List our manager after the other services, which have kept the one that is
   * discarded then
   */
  managerIsLast?: boolean

  setUp?(): Promise<void>
  tearDown?(): Promise<void>
}

/**
 * The services that libp2p nodes commonly run, on three nodes that have our
 * connection manager and are connected in a line
 */
export function describeServices (name: string, network: ServicesNetwork): void {
  describe(`services over ${name}`, () => {
    const nodes = new NodeGroup()
    let line: ServiceNode[]
    let connections: Connection[]

    before(async () => {
      await network.setUp?.()
      line = await Promise.all([createNode(), createNode(), createNode()])
      const identified = [identifies(line[0], line[1]), identifies(line[1], line[0]), identifies(line[1], line[2]), identifies(line[2], line[1])]
      connections = [
        await line[0].dial(dialable(line[1])),
        await line[1].dial(dialable(line[2]))
      ]
      await Promise.all(identified)

      // what has only introduced them is closed soon
      await pWaitFor(() => [[0, 1], [1, 0], [1, 2], [2, 1]].every(([from, to]) => line[from].getConnections(line[to].peerId).length === 1))
    })

    after(async () => {
      await nodes.stop()
      await network.tearDown?.()
    })

    async function createNode (): Promise<ServiceNode> {
      return nodes.add(createLibp2p<Services>({
        ...network.options(),
        services: services(network.managerIsLast === true)
      }))
    }

    function dialable (node: ServiceNode): Multiaddr[] {
      return node.getMultiaddrs().filter(address => network.matches(address))
    }

    it('hold the connections that they run on', async () => {
      const [first, second, third] = line

      for (const connection of connections) {
        expect(network.matches(connection.remoteAddr)).to.be.true(connection.remoteAddr.toString())
      }

      expect(first.services.connectionManager.getConnections(second.peerId)).to.deep.equal([connections[0]])
      expect(second.services.connectionManager.getConnections(third.peerId)).to.deep.equal([connections[1]])
      expect(third.services.connectionManager.getConnections(second.peerId)).to.have.lengthOf(1)
    })

    it('identify tells what the other side speaks', async () => {
      for (const [node, other] of [[line[0], line[1]], [line[1], line[2]], [line[2], line[1]]]) {
        const { protocols } = await node.peerStore.get(other.peerId)

        expect(protocols).to.include.members([
          '/ipfs/id/1.0.0',
          '/ipfs/id/push/1.0.0',
          '/ipfs/ping/1.0.0',
          '/ipfs/kad/1.0.0',
          '/meshsub/1.2.0',
          '/libp2p/dcutr',
          '/libp2p/autonat/2/dial-request',
          '/libp2p/autonat/2/dial-back'
        ])
      }
    })

    it('identify push tells what has changed', async () => {
      const [first, second] = line
      let added = 0
      const told = pEvent<'peer:update', Libp2pEvents['peer:update']>(first, 'peer:update', {
        filter: ({ detail }) => detail.peer.id.equals(second.peerId) && detail.peer.protocols.some(protocol => protocol.startsWith('/added/'))
      })

      // a push that comes while another one does is refused, and not made again
      await pWaitFor(async () => {
        await second.handle(`/added/${added++}`, async stream => { await stream.close() })

        return Promise.race([told.then(() => true), new Promise<boolean>(resolve => { setTimeout(() => { resolve(false) }, 1_000) })])
      }, { interval: 0 })
    })

    it('ping gets an answer', async () => {
      const [first, second] = line

      expect(await first.services.ping.ping(second.peerId)).to.be.at.least(0)
      expect(await second.services.ping.ping(first.peerId)).to.be.at.least(0)
    })

    it('kad-dht finds a peer and what it provides through another one', async () => {
      const [first, , third] = line
      // the DHT takes the hash of what is provided for a CID, so it has to be a SHA-256
      const content = peerIdFromPrivateKey(await generateKeyPair('RSA', 2048)).toCID()
      const signal = AbortSignal.timeout(50_000)
      await third.contentRouting.provide(content, { signal })

      const providers: PeerId[] = []

      for await (const provider of first.contentRouting.findProviders(content, { signal })) {
        providers.push(provider.id)
      }

      expect(providers.map(String)).to.include(third.peerId.toString())
      expect((await first.peerRouting.findPeer(third.peerId, { signal })).id.equals(third.peerId)).to.be.true()
    })

    it('gossipsub delivers over a mesh, and its tags are what a peer is worth', async () => {
      const meshed = [meshes(line[0], line[1]), meshes(line[1], line[0]), meshes(line[1], line[2]), meshes(line[2], line[1])]
      const tagged = line.map(async node => tagsPeers(node, line))

      for (const { services } of line) {
        services.pubsub.subscribe(TOPIC)
      }

      await Promise.all([...meshed, ...tagged])

      const [first, second, third] = line
      const received = pEvent<'message', CustomEvent<Message>>(third.services.pubsub, 'message')
      await first.services.pubsub.publish(TOPIC, Uint8Array.from([1, 2, 3]))
      expect((await received).detail.data).to.equalBytes([1, 2, 3])

      for (const peer of [first, third]) {
        const info = second.services.connectionManager.getTagInfo(peer.peerId)

        // the tag has the name of the topic, and others may have tagged the peer as well
        expect(info?.tags.get(TOPIC)).to.equal(100)
        expect(info?.value).to.be.at.least(100)
      }

      const untagged = pEvent<'peer:update', Libp2pEvents['peer:update']>(second, 'peer:update', {
        filter: ({ detail }) => detail.peer.id.equals(third.peerId) && !detail.peer.tags.has(TOPIC)
      })
      third.services.pubsub.unsubscribe(TOPIC)
      await untagged
      expect(second.services.connectionManager.getTagInfo(third.peerId)?.tags.has(TOPIC)).to.be.false()
    })
  })
}

async function identifies (node: ServiceNode, other: ServiceNode): Promise<void> {
  await pEvent<'peer:identify', Libp2pEvents['peer:identify']>(node, 'peer:identify', {
    filter: ({ detail }) => detail.peerId.equals(other.peerId)
  })
}

/**
 * The mesh of a node for the topic has another one
 */
async function meshes (node: ServiceNode, other: ServiceNode): Promise<void> {
  await pEvent<'gossipsub:graft', CustomEvent<MeshPeer>>(node.services.pubsub, 'gossipsub:graft', {
    filter: ({ detail }) => detail.topic === TOPIC && detail.peerId === other.peerId.toString()
  })
}

/**
 * The peer store of a node has the tags of all those in the mesh that it is
 * connected to
 */
async function tagsPeers (node: ServiceNode, mesh: ServiceNode[]): Promise<void> {
  const neighbours = new Set(mesh.filter(({ peerId }) => node.getConnections(peerId).length > 0).map(({ peerId }) => peerId.toString()))

  await pEvent<'peer:update', Libp2pEvents['peer:update']>(node, 'peer:update', {
    filter: ({ detail }) => {
      if (detail.peer.tags.has(TOPIC)) {
        neighbours.delete(detail.peer.id.toString())
      }

      return neighbours.size === 0
    }
  })
}
