import { identify } from '@libp2p/identify'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ConnectionManagerInit, ConnectionManagerService, Eviction, TrimResult } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

/**
 * Fewer connections than `maxConnections` would allow, and 4 of them for the realm
 */
const LIMITS = { system: { connections: 30 }, realms: { chain: { reserved: 4 } } }

describe('drop-in: limits of the system', () => {
  const nodes = new NodeGroup()
  let network: ScriptedNetwork
  let node: Libp2p<{ connectionManager: ConnectionManagerService }>
  let manager: ConnectionManagerService

  beforeEach(() => {
    network = new ScriptedNetwork()
  })

  afterEach(async () => nodes.stop())

  async function start (init: ConnectionManagerInit): Promise<void> {
    node = await createManagedNode({ load: false, maxIncomingPendingConnections: 100, ...init }, {
      transports: [network.transport()],
      connectionGater: { denyDialMultiaddr: () => false },
      services: { identify: identify() }
    })
    await nodes.add(Promise.resolve(node))
    manager = node.services.connectionManager
  }

  async function createPeer (from?: string): Promise<Libp2p> {
    return nodes.add(createPlainNode({ transports: [network.transport({ from })], services: { identify: identify() } }))
  }

  async function arrive (peer: Libp2p): Promise<Libp2p> {
    await peer.dial(node.getMultiaddrs())

    return peer
  }

  async function fill (count: number): Promise<Libp2p[]> {
    const peers: Libp2p[] = []

    while (peers.length < count) {
      peers.push(await arrive(await createPeer()))
    }

    return peers
  }

  function isConnected ({ peerId }: Libp2p): boolean {
    return node.getConnections(peerId).length > 0
  }

  it('give the watermarks that are not given, so that trims happen below them', async () => {
    await start({ gracePeriod: 0, limits: LIMITS })
    expect(manager.getStats()).to.include({ highWater: 26, lowWater: 20 })
    const trimmed = pEvent<'connection:trim', CustomEvent<TrimResult>>(manager, 'connection:trim')
    await fill(27)

    expect((await trimmed).detail).to.include({ reason: 'high-water', complete: true })
    expect(manager.connectionCount()).to.be.within(20, 26)
  })

  it('let the high watermark rise while a realm uses its reserve', async () => {
    await start({ limits: LIMITS })
    await fill(26)
    const member = await createPeer()
    manager.realms.assign(member.peerId, 'chain')
    await arrive(member)

    await pWaitFor(() => manager.connectionCount() === 27)
    expect(manager.getStats()).to.include({ highWater: 27, connections: 27 })
  })

  it('follow a limit that is lowered at run time', async () => {
    await start({ limits: LIMITS })
    manager.resources.setLimit('system', { connections: 14 })

    expect(manager.getStats()).to.include({ highWater: 10, lowWater: 8 })
  })

  it('do not keep out a protected peer, nor the dials of the node itself', async () => {
    await start({ limits: LIMITS })
    const strangers = await fill(26)
    strangers.forEach(({ peerId }, i) => { manager.tag(peerId, 'value', i) })
    const friend = await createPeer()
    manager.protect(friend.peerId, 'friend')
    const evicted = pEvent<'connection:evict', CustomEvent<Eviction>>(manager, 'connection:evict')
    await arrive(friend)

    expect((await evicted).detail.peerId.toString()).to.equal(strangers[0].peerId.toString())
    const other = await createPeer()
    await node.dial(other.getMultiaddrs())
    await pWaitFor(() => !isConnected(strangers[0]) && !isConnected(strangers[1]))
    expect([friend, other, ...strangers.slice(2)].every(isConnected)).to.be.true()
  })

  it('let a peer in that is worth more than another, and none that is worth less than all', async () => {
    await start({ limits: LIMITS })
    const strangers = await fill(26)
    strangers.forEach(({ peerId }, i) => { manager.tag(peerId, 'value', 10 + i) })
    const better = await createPeer()
    manager.tag(better.peerId, 'value', 11)
    await arrive(better)
    await pWaitFor(() => !isConnected(strangers[0]))

    await expect(arrive(await createPeer())).to.eventually.be.rejected()
    expect([better, ...strangers.slice(1)].every(isConnected)).to.be.true()
  })

  it('do not close connections of the node itself for other dials of it', async () => {
    await start({ limits: { system: { connections: 1 } } })
    const [first, second] = [await createPeer(), await createPeer()]
    await node.dial(first.getMultiaddrs())

    await expect(node.dial(second.getMultiaddrs())).to.eventually.be.rejected().with.property('name', 'ConnectionLimitError')
    expect(isConnected(first)).to.be.true()
  })

  it('replace inbound connections where only these are limited', async () => {
    await start({ limits: { system: { connectionsInbound: 26 } } })
    await fill(26)
    const evicted = pEvent(manager, 'connection:evict')
    const newcomer = await arrive(await createPeer())

    await evicted
    expect(isConnected(newcomer)).to.be.true()
  })

  it('keep the reserve of a realm where only maxConnections is reached', async () => {
    await start({ maxConnections: 8, limits: { realms: { chain: { reserved: 3 } } } })
    await fill(5)
    // it may take the place of another stranger, and none that is kept
    await arrive(await createPeer()).catch(() => {})
    await pWaitFor(() => manager.connectionCount() === 5)
    const members = [await createPeer(), await createPeer(), await createPeer()]

    for (const member of members) {
      manager.realms.assign(member.peerId, 'chain')
      await arrive(member)
    }

    expect(members.every(isConnected)).to.be.true()
    expect(manager.connectionCount()).to.equal(8)
    expect(() => { manager.setMaxConnections(2) }).to.throw().with.property('name', 'InvalidParametersError')
  })

  it('leave a realm to its members, whatever one host claims', async () => {
    await start({ gracePeriod: 0, limits: { realms: { chain: { connections: 3 } } } })
    await node.handle('/app/realm/chain/1.0.0', () => {})
    const claim = async (from: string): Promise<Libp2p> => {
      const peer = await createPeer(from)
      await peer.handle('/app/realm/chain/1.0.0', () => {})

      return arrive(peer)
    }
    const host: Libp2p[] = []

    for (let i = 0; i < 3; i++) {
      host.push(await claim('/ip4/77.1.1.1/tcp/4001'))
    }

    const inRealm = (): number => manager.resources.scopeStat('realm:chain')?.usage.connections ?? 0
    await pWaitFor(() => inRealm() === 3)
    // two of other networks are better than what the host has there beside one
    const honest = [await claim('/ip4/45.1.1.1/tcp/4001'), await claim('/ip4/62.1.1.1/tcp/4001')]
    await pWaitFor(() => host.filter(isConnected).length === 1 && inRealm() === 3)

    const refused = pEvent(manager, 'connection:refuse')
    await claim('/ip4/77.1.1.1/tcp/4001').catch(() => {})
    await refused
    expect(honest.every(isConnected)).to.be.true()
  })
})
