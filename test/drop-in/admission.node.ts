import { expect } from 'aegir/chai'
import pRetry from 'p-retry'
import pWaitFor from 'p-wait-for'
import { Attacker, createClient, createServer, portOf } from '../fixtures/loopback.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import type { ConnectionManagerInit, Refusal } from '../../src/index.ts'
import type { LoopbackServices } from '../fixtures/loopback.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'

/**
 * By default all of the loopback interface is exempt
 */
const NO_EXEMPTIONS = { networks: [], rates: { ipv4: [{ prefix: 32, perSecond: 0.2, burst: 4 }], networks: [] } }

describe('admission on real sockets', () => {
  const nodes = new NodeGroup()
  let attacker: Attacker
  let server: Libp2p<LoopbackServices>
  let refusals: Refusal[]

  beforeEach(() => {
    attacker = new Attacker()
    refusals = []
  })

  afterEach(async () => {
    attacker.stop()
    await nodes.stop()
  })

  async function serve (init: ConnectionManagerInit): Promise<void> {
    server = await nodes.add(createServer(init))
    server.services.connectionManager.addEventListener('connection:refuse', ({ detail }) => { refusals.push(detail) })
  }

  async function dialFrom (address: string): Promise<Libp2p<{ ping: Ping }>> {
    const client = await nodes.add(createClient(address))
    await dial(client)

    return client
  }

  /**
   * A client has its end of a connection before the server may have refused it
   */
  async function dial (client: Libp2p<{ ping: Ping }>): Promise<void> {
    await client.dial(server.getMultiaddrs())
    await client.services.ping.ping(server.peerId)
  }

  /**
   * Each end has one stream for pings, of which a busy one may not have let go yet
   */
  async function ping (client: Libp2p<{ ping: Ping }>): Promise<number> {
    return pRetry(async () => client.services.ping.ping(server.peerId, { signal: AbortSignal.timeout(30_000) }), { minTimeout: 100, factor: 1 })
  }

  /**
   * Resolves when the server has hung up on all but so many
   */
  async function attackersLeft (count: number): Promise<void> {
    await pWaitFor(() => attacker.size <= count)
  }

  function reasons (): Record<string, number> {
    const counts: Record<string, number> = {}
    refusals.forEach(({ reason }) => { counts[reason] = (counts[reason] ?? 0) + 1 })

    return counts
  }

  it('serves the pings of 50 peers during a flood of 2 000 connections from 200 addresses', async function () {
    this.timeout(120_000)
    await serve({ maxConnections: 100, inboundUpgradeTimeout: 1_000, limits: { subnets: { ipv4: [{ prefix: 32, connections: 2 }], ...NO_EXEMPTIONS } } })

    const honest: Array<Libp2p<{ ping: Ping }>> = []

    for (let i = 0; i < 50; i++) {
      honest.push(await dialFrom(`127.${i + 1}.0.1`))
    }

    const addresses = Array.from({ length: 200 }, (_, i) => `127.0.${100 + Math.floor(i / 100)}.${i % 100 + 1}`)
    const rtts: number[] = []
    const flood = new AbortController()
    const start = Date.now()

    const pinging = (async () => {
      for (let i = 0; !flood.signal.aborted || i < honest.length; i++) {
        rtts.push(await ping(honest[i % honest.length]))
      }
    })()

    for (let round = 0; round < 10; round++) {
      await attacker.connect(portOf(server), addresses)
      // what the server does not come to see is dropped by the system, and tells nothing
      await attackersLeft(addresses.length - 1)
    }

    flood.abort()
    await pinging

    expect(rtts.length).to.be.at.least(50)
    expect(server.getPeers()).to.have.lengthOf(50)
    expect(honest.every(({ peerId }) => server.getConnections(peerId).length === 1)).to.be.true()

    // each attempt was refused, or waited for a handshake that never began: each address has
    // four tokens, and gets one in five seconds
    await attackersLeft(0)
    await pWaitFor(() => server.services.connectionManager.getStats().inboundPending === 0)
    expect(2_000 - refusals.length).to.be.at.most(200 * (4 + Math.ceil((Date.now() - start) / 5_000)))
    expect(Object.keys(reasons())).to.have.members(['rate', 'subnet', 'subnet-pending', 'pending'].filter(reason => reasons()[reason] > 0))
    expect(server.services.connectionManager.resources.stat().system.usage.connections).to.equal(50)
    expect(server.services.connectionManager.resources.stat().transient.usage.connections).to.equal(0)
  })

  it('lets an honest peer in while slow handshakes of one network are under way', async () => {
    await serve({ maxIncomingPendingConnections: 10, inboundUpgradeTimeout: 60_000, limits: { subnets: { networks: [], rates: { ipv4: [], networks: [] } } } })

    await attacker.connect(portOf(server), Array.from({ length: 50 }, (_, i) => `127.0.66.${i + 1}`))
    await pWaitFor(() => refusals.length > 40 - 1)
    expect(reasons()).to.have.keys(['subnet-pending'])
    expect(refusals[0]).to.have.property('scope', 'subnet:127.0.66.0/24')

    const honest = await dialFrom('127.77.0.1')
    expect(server.getConnections(honest.peerId)).to.have.lengthOf(1)
    expect(attacker.size).to.be.above(0)
  })

  it('lets an honest peer in while slow handshakes from everywhere have taken all places', async () => {
    const client = await nodes.add(createClient('127.77.0.1'))
    await serve({ maxIncomingPendingConnections: 5, inboundUpgradeTimeout: 60_000, limits: { subnets: { networks: [], rates: { ipv4: [], networks: [] } } } })
    const { connectionManager } = server.services

    await attacker.connect(portOf(server), Array.from({ length: 5 }, (_, i) => `127.${i + 1}.66.1`))
    await pWaitFor(() => connectionManager.getStats().inboundPending === 5)

    // each has had its time after a second
    await pRetry(async () => dial(client), { retries: 20, minTimeout: 100, factor: 1 })
    expect(Object.keys(reasons()).every(reason => reason === 'pending')).to.be.true()
    expect(connectionManager.connectionCount()).to.equal(1)
    await attackersLeft(4)
    await pWaitFor(() => connectionManager.getStats().inboundPending === attacker.size)
    expect(connectionManager.resources.stat().transient.usage.connections).to.equal(attacker.size)
  })

  it('closes nobody for connections that never finish their handshake, however many there are', async () => {
    await serve({ maxConnections: 5, limits: { subnets: { networks: [], rates: { ipv4: [], networks: [] } } } })
    const { connectionManager } = server.services
    const evicted: unknown[] = []
    connectionManager.addEventListener('connection:evict', ({ detail }) => { evicted.push(detail) })

    for (let i = 0; i < 5; i++) {
      await dialFrom(`127.${i + 1}.0.1`)
    }

    await attacker.connect(portOf(server), Array.from({ length: 60 }, (_, i) => `127.${100 + i}.66.1`))
    await pWaitFor(() => connectionManager.getStats().inboundPending === 60)
    expect([connectionManager.connectionCount(), evicted.length]).to.deep.equal([5, 0])

    await dialFrom('127.77.0.2')
    await pWaitFor(() => connectionManager.connectionCount() === 5)
    expect(evicted).to.have.lengthOf(1)
  })

  it('lets an honest newcomer in when peers of one /16 have taken all places', async function () {
    this.timeout(60_000)
    await serve({ maxConnections: 40, limits: { subnets: { networks: [], rates: { ipv4: [], networks: [] } } } })
    const { connectionManager } = server.services
    const honest = [await dialFrom('127.1.0.1'), await dialFrom('127.2.0.1')]
    const sybils = new Set<string>()

    while (connectionManager.connectionCount() < 40) {
      sybils.add((await dialFrom(`127.66.${sybils.size % 8}.${sybils.size + 1}`)).peerId.toString())
    }

    const evicted: string[] = []
    connectionManager.addEventListener('connection:evict', ({ detail }) => { evicted.push(detail.peerId.toString()) })

    for (let i = 3; i < 8; i++) {
      honest.push(await dialFrom(`127.${i}.0.1`))
    }

    await pWaitFor(() => connectionManager.connectionCount() === 40)
    expect(honest.every(({ peerId }) => server.getConnections(peerId).length === 1)).to.be.true()
    expect(evicted).to.have.lengthOf(5)
    expect(evicted.every(peer => sybils.has(peer))).to.be.true()
  })

  it('lets peers on the allow list in when there is no room, and nobody else who shares their address', async () => {
    const friend = await nodes.add(createClient('127.9.0.1'))
    const stranger = await nodes.add(createClient('127.9.0.1'))
    await serve({ maxConnections: 1, allow: [`/ip4/127.9.0.1/p2p/${friend.peerId.toString()}`] })
    server.services.connectionManager.protect((await dialFrom('127.1.0.1')).peerId, 'test')

    await dial(friend)
    expect(server.getConnections(friend.peerId)).to.have.lengthOf(1)

    await expect(dial(stranger)).to.eventually.be.rejected()
    await pWaitFor(() => refusals.length > 0)
    expect(refusals[0]).to.include({ reason: 'max-connections', scope: 'system', limit: 1 })
  })

  it('lets in only networks that it is restricted to', async () => {
    await serve({ netRestrict: ['127.5.0.0/16'] })

    await dialFrom('127.5.1.1')
    await expect(dialFrom('127.6.1.1')).to.eventually.be.rejected()
    expect(reasons()).to.deep.equal({ 'net-restrict': 1 })
  })

  it('lets in discouraged peers while there is room, and not in the last place', async () => {
    await serve({ maxConnections: 3 })
    const { connectionManager } = server.services
    const client = await dialFrom('127.3.0.1')
    expect(await connectionManager.reportMisbehaviour(client.peerId, { persistent: 60 }, 'invalid blocks')).to.include({ outcome: 'discouraged' })
    expect(connectionManager.discouraged.hasPeer(client.peerId)).to.be.true()

    await client.hangUp(server.peerId)
    await dial(client)
    await client.hangUp(server.peerId)
    await dialFrom('127.1.0.1')
    await dialFrom('127.2.0.1')
    await pWaitFor(() => connectionManager.connectionCount() === 2)

    await expect(dial(client)).to.eventually.be.rejected()
    expect(reasons()).to.deep.equal({ discouraged: 1 })
    await dialFrom('127.4.0.1')
  })

  it('holds changed limits of subnets at once', async () => {
    await serve({ limits: { subnets: { networks: [], rates: { ipv4: [], networks: [] } } } })
    const { resources } = server.services.connectionManager
    await dialFrom('127.1.0.1')
    await dialFrom('127.1.0.2')

    resources.setSubnetLimits({ ipv4: [{ prefix: 16, connections: 2 }] })
    await expect(dialFrom('127.1.0.3')).to.eventually.be.rejected()
    await dialFrom('127.2.0.1')
    expect(refusals).to.have.lengthOf(1)
    expect(refusals[0]).to.include({ reason: 'subnet', scope: 'subnet:127.1.0.0/16', current: 2, limit: 2 })

    resources.setSubnetLimits({ ipv4: [], rates: { ipv4: [{ prefix: 8, perSecond: 0, burst: 1 }] } })
    await dialFrom('127.1.0.3')
    await expect(dialFrom('127.1.0.4')).to.eventually.be.rejected()
    expect(reasons()).to.deep.equal({ subnet: 1, rate: 1 })
    expect(() => { resources.setSubnetLimits({ ipv4: [{ prefix: 33, connections: 1 }] }) }).to.throw().with.property('message').that.includes('limits.subnets.ipv4[0].prefix')
  })
})
