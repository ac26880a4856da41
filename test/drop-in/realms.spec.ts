import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import type { ConnectionManagerInit, ConnectionManagerService, Eviction, RealmAssignment, RealmLimitReached, Refusal, TrimResult } from '../../src/index.ts'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

describe('drop-in: realms', () => {
  const nodes = new NodeGroup()
  let node: Libp2p<{ connectionManager: ConnectionManagerService }>
  let manager: ConnectionManagerService

  afterEach(async () => nodes.stop())

  async function start (init: ConnectionManagerInit = {}, options: Libp2pOptions = {}): Promise<void> {
    node = await nodes.add(createManagedNode({ gracePeriod: 0, ...init }, options))
    manager = node.services.connectionManager
  }

  /**
   * A peer that has connected. With a realm, it was assigned to it before.
   */
  async function arrive (realm?: string, options: Libp2pOptions = {}, value = 0): Promise<Libp2p> {
    const privateKey: PrivateKey = await generateKeyPair('Ed25519')

    if (realm != null) {
      manager.realms.assign(peerIdFromPrivateKey(privateKey), realm)
    }

    if (value !== 0) {
      manager.tag(peerIdFromPrivateKey(privateKey), 'value', value)
    }

    const peer = await nodes.add(createPlainNode({ privateKey, ...options }))
    await peer.dial(node.getMultiaddrs())

    return peer
  }

  async function arriveMany (count: number, realm?: string): Promise<Libp2p[]> {
    const peers: Libp2p[] = []

    while (peers.length < count) {
      peers.push(await arrive(realm))
    }

    return peers
  }

  function countIn (realm: string): number {
    return manager.resources.scopeStat(`realm:${realm}`)?.usage.connections ?? 0
  }

  function isConnected ({ peerId }: Libp2p): boolean {
    return node.getConnections(peerId).length > 0
  }

  it('that are full are told when they refuse a newcomer, or a dial of this node', async () => {
    await start({ gracePeriod: 60_000, limits: { realms: { chain: { connections: 1 } } } })
    await arrive('chain')
    const told: RealmLimitReached[] = []
    manager.addEventListener('realm:limit', ({ detail }) => { told.push(detail) })
    manager.realms.addEventListener('realm:limit', ({ detail }) => { told.push(detail) })

    const newcomer = await nodes.add(createPlainNode())
    manager.realms.assign(newcomer.peerId, 'chain')
    await newcomer.dial(node.getMultiaddrs()).catch(() => {})
    await pWaitFor(() => told.length > 0)
    await expect(node.dial(newcomer.getMultiaddrs())).to.eventually.be.rejected.with.property('name', 'ConnectionLimitError')

    expect(told.map(({ realm, peer, kept }) => [realm, peer?.toString(), kept])).to.deep.equal(Array(4).fill(['chain', newcomer.peerId.toString(), 0]))
    expect(manager.decisions({ kind: 'realm-limit', peer: newcomer.peerId })).to.have.lengthOf(2)
    expect(countIn('chain')).to.equal(1)
  })

  const tcpLimits = { peer: { fileDescriptors: 'unlimited' as const } }

  it('keep what is reserved for them when connections are trimmed', async () => {
    await start({ highWater: 12, lowWater: 4, limits: { ...tcpLimits, realms: { chain: { reserved: 3 } } } })
    const members = await arriveMany(3, 'chain')
    await arriveMany(9)
    members.forEach(({ peerId }) => { manager.tag(peerId, 'worthless', -100) })

    const result = await manager.trim()
    expect(result.closed).to.have.lengthOf(8)
    expect(manager.connectionCount()).to.equal(4)
    expect(members.every(isConnected)).to.be.true()
  })

  it('which have more than their share pay first when connections are trimmed', async () => {
    await start({ highWater: 20, lowWater: 6, limits: { realms: { small: {}, large: {} } } })
    const small = await arriveMany(2, 'small')
    await arriveMany(10, 'large')
    small.forEach(({ peerId }) => { manager.tag(peerId, 'worthless', -100) })

    await manager.trim()
    expect(small.every(isConnected)).to.be.true()
    expect(countIn('large')).to.equal(4)
  })

  it('keep their reserve from connections of others', async () => {
    await start({ limits: { system: { connections: 5 }, realms: { chain: { reserved: 2 } } } })
    await arriveMany(3)
    const stranger = await nodes.add(createPlainNode())
    // it may take the place of another stranger, and none that is kept
    await stranger.dial(node.getMultiaddrs()).catch(() => {})
    await pWaitFor(() => manager.connectionCount() <= 3)
    const [member] = await arriveMany(2, 'chain')
    expect(isConnected(member)).to.be.true()
    expect(manager.resources.stat().unusedReserve).to.equal(0)
  })

  it('which are full give the place of their least valuable connection to a better newcomer, and none of another realm', async () => {
    await start({ limits: { realms: { chain: { connections: 3 } } } })
    const members = await arriveMany(3, 'chain')
    const others = await arriveMany(2)
    members.forEach(({ peerId }, i) => { manager.tag(peerId, 'value', 10 - i) })
    others.forEach(({ peerId }) => { manager.tag(peerId, 'value', -10) })
    const evicted = pEvent<'connection:evict', CustomEvent<Eviction>>(manager, 'connection:evict')

    await expect(arrive('chain')).to.eventually.be.rejected()
    const newcomer = await arrive('chain', {}, 9)
    await pWaitFor(() => !isConnected(members[2]))
    expect((await evicted).detail).to.include({ realm: 'chain' })
    expect([newcomer, members[0], members[1], ...others].every(isConnected)).to.be.true()
    expect(countIn('chain')).to.equal(3)
    expect(manager.realms.connections('chain')).to.have.lengthOf(3)
  })

  it('which are full of peers that may not go refuse newcomers', async () => {
    await start({ limits: { realms: { chain: { connections: 2 } } } })
    const members = await arriveMany(2, 'chain')
    members.forEach(({ peerId }) => { manager.protect(peerId, 'validator') })
    const refused = pEvent<'connection:refuse', CustomEvent<Refusal>>(manager, 'connection:refuse')
    const privateKey = await generateKeyPair('Ed25519')
    manager.realms.assign(peerIdFromPrivateKey(privateKey), 'chain')
    const newcomer = await nodes.add(createPlainNode({ privateKey }))

    await expect(newcomer.dial(node.getMultiaddrs())).to.eventually.be.rejected()
    expect((await refused).detail).to.include({ reason: 'resources', scope: 'realm:chain', current: 2, limit: 2 })
    expect(members.every(isConnected)).to.be.true()

    const dialled = await nodes.add(createPlainNode())
    manager.realms.assign(dialled.peerId, 'chain')
    await expect(node.dial(dialled.getMultiaddrs())).to.eventually.be.rejected().with.property('name', 'ConnectionLimitError')
  })

  it('are told by the protocols of a peer, and one that does not fit is closed', async () => {
    const services = { identify: identify() }
    await start({ limits: { realms: { chain: { connections: 1 } } } }, { services })
    const speaks = async (): Promise<Libp2p> => {
      const peer = await nodes.add(createPlainNode({ services }))
      await peer.handle('/app/realm/chain/1.0.0', () => {})

      return peer
    }
    const first = await speaks()
    const assigned = pEvent<'realm:assign', CustomEvent<RealmAssignment>>(manager, 'realm:assign')
    await first.dial(node.getMultiaddrs())
    expect((await assigned).detail).to.include({ realm: 'chain', source: 'protocol', previous: undefined })
    manager.protect(first.peerId, 'validator')

    const second = await speaks()
    const limit = pEvent<'realm:limit', CustomEvent<RealmLimitReached>>(manager, 'realm:limit')
    const refused = pEvent<'connection:refuse', CustomEvent<Refusal>>(manager, 'connection:refuse')
    await second.dial(node.getMultiaddrs())
    expect((await limit).detail).to.include({ realm: 'chain', kept: 0 })
    expect((await refused).detail).to.include({ reason: 'resources', scope: 'realm:chain' })
    await pWaitFor(() => !isConnected(second))
    expect(isConnected(first)).to.be.true()
  })

  it('are told by the protocols of a peer that returns as well', async () => {
    const services = { identify: identify() }
    await start({ limits: { realms: { chain: {} } } }, { services })
    const peer = await nodes.add(createPlainNode({ services }))
    await peer.handle('/app/realm/chain/1.0.0', () => {})

    for (let i = 0; i < 2; i++) {
      const assigned = pEvent(manager, 'realm:assign')
      await peer.dial(node.getMultiaddrs())
      await assigned
      expect(countIn('chain')).to.equal(1)
      await node.hangUp(peer.peerId)
      await pWaitFor(() => !isConnected(peer))
    }
  })

  it('whose limit is lowered give what is above it at once, and tell what they could not', async () => {
    await start({ limits: { realms: { chain: { connections: 10 } } } })
    const members = await arriveMany(5, 'chain')
    const others = await arriveMany(2)
    members.slice(0, 3).forEach(({ peerId }) => { manager.protect(peerId, 'validator') })
    const limit = pEvent<'realm:limit', CustomEvent<RealmLimitReached>>(manager, 'realm:limit')

    manager.resources.setLimit('realm:chain', { connections: 2 })
    expect((await limit).detail).to.include({ realm: 'chain', kept: 1 })
    await pWaitFor(() => !members.slice(3).some(isConnected))
    expect([...members.slice(0, 3), ...others].every(isConnected)).to.be.true()
  })

  it('with watermarks of their own are trimmed by themselves', async () => {
    await start({ silencePeriod: 0, realmSettings: { chain: { highWater: 5, lowWater: 2 } } })
    const others = await arriveMany(3)
    others.forEach(({ peerId }) => { manager.tag(peerId, 'worthless', -100) })
    const members = await arriveMany(5, 'chain')
    members.forEach(({ peerId }, i) => { manager.tag(peerId, 'value', i) })
    expect(members.every(isConnected)).to.be.true()

    const trimmed = pEvent<'connection:trim', CustomEvent<TrimResult>>(manager, 'connection:trim')
    const last = await arrive('chain')
    manager.tag(last.peerId, 'value', 10)
    expect((await trimmed).detail).to.include({ realm: 'chain', reason: 'high-water', before: 6, wanted: 4, complete: true })
    expect([...others, members[4], last].every(isConnected)).to.be.true()
    expect(manager.connectionCount()).to.equal(5)
  })

  it('with a grace period of their own are spared for longer', async () => {
    await start({ realmSettings: { chain: { gracePeriod: 60_000 } } })
    const members = await arriveMany(2, 'chain')
    await arriveMany(3)

    const result = await manager.trimConnections(5)
    expect(result.closed).to.have.lengthOf(3)
    expect(result.kept).to.include({ inGrace: 2 })
    expect(members.every(isConnected)).to.be.true()
  })

  it('count a peer in one of them, and list it in all', async () => {
    await start({ realmOf: ({ peer, protocol }) => peer != null && protocol == null ? 'everybody' : undefined })
    const peer = await arrive('chain')

    expect(manager.realms.of(peer.peerId)).to.equal('chain')
    expect(manager.realms.memberships(peer.peerId)).to.deep.equal(['chain', 'everybody'])
    expect(manager.realms.connections('everybody')).to.have.lengthOf(1)
    expect(countIn('chain')).to.equal(1)
    expect(countIn('everybody')).to.equal(0)
    expect(manager.getStats().realms.find(({ realm }) => realm === 'chain')).to.include({ connections: 1, peers: 1, assigned: 1 })

    manager.realms.unassign(peer.peerId)
    expect(countIn('everybody')).to.equal(1)
  })
})
