import { autoNATv2 } from '@libp2p/autonat-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { ConnectionManagerService } from '../../src/index.ts'
import { componentOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { mapPublicAddress, publicTCP } from '../fixtures/public-tcp.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { Clock } from '../../src/clock.ts'
import type { ConnectionManagerInit, Refusal, TrimResult } from '../../src/index.ts'
import type { Identify } from '@libp2p/identify'
import type { Connection, Libp2p, Libp2pEvents } from '@libp2p/interface'
import type { AddressManager, NodeAddress } from '@libp2p/interface-internal'
import type { Ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'

const HIGH_WATER = 4
const GRACE_PERIOD = 60_000

interface Services extends Record<string, unknown> {
  connectionManager: ConnectionManagerService
  identify: Identify
  autonat: unknown
  ping: Ping
}

describe('AutoNAT v2', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  async function createNode (init: ConnectionManagerInit = {}, clock?: Clock): Promise<Libp2p<Services>> {
    return nodes.add(createLibp2p<Services>({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [publicTCP()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: {
        connectionManager: components => new ConnectionManagerService(components, init, clock),
        identify: identify(),
        autonat: autoNATv2(),
        ping: ping()
      }
    }))
  }

  /**
   * A node that has a public address it does not know to be one, and as many
   * connections to peers that cannot verify it
   */
  async function createClient (init: ConnectionManagerInit, connections: number): Promise<{ client: Libp2p<Services>, address: Multiaddr }> {
    const client = await createNode(init)
    const address = mapPublicAddress(client, componentOf<AddressManager>(client, 'addressManager'))

    await connectToOthers(client, connections)

    expect(client.getConnections()).to.have.lengthOf(connections)
    expect(status(client, address).verified).to.be.false()

    return { client, address }
  }

  async function connectToOthers (node: Libp2p, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const peer = await nodes.add(createLibp2p({
        addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
        transports: [publicTCP()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()]
      }))
      await node.dial(peer.getMultiaddrs())
    }
  }

  it('verifies an address while a node is at its high watermark', async () => {
    const { client, address } = await createClient({ lowWater: 1, highWater: HIGH_WATER }, HIGH_WATER - 1)
    const server = await createNode()
    const opened = dialBack(client, server)
    const verified = advertises(client, address)
    const connection = await client.dial(server.getMultiaddrs())
    expect(client.getConnections()).to.have.lengthOf(HIGH_WATER)

    // the dial-back makes one more than the high watermark
    const extra = await opened
    expect(extra).to.not.equal(connection)
    expect(client.getConnections()).to.have.lengthOf(HIGH_WATER + 1)
    await pEvent(extra, 'close')

    await verified
    expect(status(client, address).verified).to.be.true()
    expect(client.getConnections(server.peerId)).to.deep.equal([connection])
    expect(client.getConnections()).to.have.lengthOf(HIGH_WATER)
  })

  it('lets the dial-back in that was asked for while its host may not connect, and nobody else from there', async () => {
    // the host of all of them has a connection to the client all the time
    const { client, address } = await createClient({ inboundConnectionThreshold: 0 }, 1)
    const refused = pEvent<'connection:refuse', CustomEvent<Refusal>>(client.services.connectionManager, 'connection:refuse')
    const server = await createNode()
    const opened = dialBack(client, server)
    const verified = advertises(client, address)
    await client.dial(server.getMultiaddrs())
    await opened
    await verified
    expect(status(client, address).verified).to.be.true()

    const other = await createNode()
    await expect(other.dial(client.getMultiaddrs())).to.eventually.be.rejected()
    expect((await refused).detail.reason).to.equal('rate')
  })

  it('has its dial-back spared by the trim that it causes, and the connection it was asked over', async () => {
    const clock = new VirtualClock()
    const client = await createNode({ lowWater: 2, highWater: HIGH_WATER, silencePeriod: 0 }, clock)
    const server = await createNode()
    const manager = client.services.connectionManager
    const connection = await client.dial(server.getMultiaddrs())
    manager.tag(server.peerId, 'test', 100)
    await connectToOthers(client, HIGH_WATER - 1)
    await clock.advance(GRACE_PERIOD + 1)

    const address = mapPublicAddress(client, componentOf<AddressManager>(client, 'addressManager'))
    const opened = dialBack(client, server)
    const trimmed = pEvent<'connection:trim', CustomEvent<TrimResult>>(manager, 'connection:trim')
    const verified = advertises(client, address)
    await client.services.identify.identify(connection)
    await opened
    await clock.advance(1)

    const { closed } = (await trimmed).detail
    // down to the low watermark, in which the dial-back does not count as it is new
    expect(closed).to.have.lengthOf(HIGH_WATER - 2)
    expect(closed.map(({ peerId }) => peerId.toString())).to.not.include(server.peerId.toString())

    await verified
    expect(connection.status).to.equal('open')
  })

  it('is not asked close to the maximum, where a dial-back would be refused', async () => {
    const { client, address } = await createClient({ maxConnections: HIGH_WATER + 1 }, HIGH_WATER - 1)
    const [early, late] = [await createNode(), await createNode()]
    const dialBacks: Connection[] = []
    client.addEventListener('connection:open', ({ detail }) => {
      if (detail.direction === 'inbound') {
        dialBacks.push(detail)
      }
    })

    const identified = identifies(client, early)
    await client.dial(early.getMultiaddrs())
    await identified
    await client.services.ping.ping(early.peerId)

    // 5 of 100 is far from it
    const verified = advertises(client, address)
    client.services.connectionManager.setMaxConnections(100)
    await client.dial(late.getMultiaddrs())
    await verified

    expect(dialBacks.map(({ remotePeer }) => remotePeer.toString())).to.deep.equal([late.peerId.toString()])
  })

  it('never counts as close to a maximum that is infinite', async () => {
    const { client, address } = await createClient({ maxConnections: Infinity }, HIGH_WATER)
    const verified = advertises(client, address)
    expect(client.services.connectionManager.getMaxConnections()).to.equal(Infinity)

    const server = await createNode()
    await client.dial(server.getMultiaddrs())
    await verified
  })
})

/**
 * What a node knows of one of its addresses
 */
function status (node: Libp2p, address: Multiaddr): NodeAddress {
  const found = componentOf<AddressManager>(node, 'addressManager')
    .getAddressesWithMetadata()
    .find(({ multiaddr }) => address.toString().startsWith(multiaddr.toString()))

  if (found == null) {
    throw new Error(`${address} is not an address of the node`)
  }

  return found
}

/**
 * A node advertises only addresses that were verified
 */
async function advertises (node: Libp2p, address: Multiaddr): Promise<void> {
  await pEvent<'self:peer:update', Libp2pEvents['self:peer:update']>(node, 'self:peer:update', {
    filter: () => node.getMultiaddrs().some(own => own.equals(address))
  })
}

async function dialBack (node: Libp2p, server: Libp2p): Promise<Connection> {
  const { detail } = await pEvent<'connection:open', Libp2pEvents['connection:open']>(node, 'connection:open', {
    filter: ({ detail }) => detail.remotePeer.equals(server.peerId) && detail.direction === 'inbound'
  })

  return detail
}

async function identifies (node: Libp2p, remote: Libp2p): Promise<void> {
  await pEvent<'peer:identify', Libp2pEvents['peer:identify']>(node, 'peer:identify', {
    filter: ({ detail }) => detail.peerId.equals(remote.peerId)
  })
}
