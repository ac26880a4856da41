import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { CODE_DNS, multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { MemoryDatastore } from 'datastore-core'
import { LevelDatastore } from 'datastore-level'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'
import { systemClock } from '../../src/clock.ts'
import { createGater } from '../../src/gating/index.ts'
import { createClient, createServer } from '../fixtures/loopback.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import type { ConnectionGaterInit } from '../../src/gating/index.ts'
import type { Ban, ConnectionManagerInit, EndedBan } from '../../src/index.ts'
import type { LoopbackServices } from '../fixtures/loopback.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'

type Client = Libp2p<{ ping: Ping }>

describe('bans on real nodes', () => {
  const nodes = new NodeGroup()
  let server: Libp2p<LoopbackServices>

  afterEach(async () => nodes.stop())

  async function serve (init?: ConnectionManagerInit, options?: Libp2pOptions): Promise<Libp2p<LoopbackServices>> {
    server = await nodes.add(createServer(init, options))

    return server
  }

  async function connect (client: Client, to = server): Promise<Client> {
    await client.dial(to.getMultiaddrs())
    await client.services.ping.ping(to.peerId)

    return client
  }

  async function clientAt (address: string): Promise<Client> {
    return connect(await nodes.add(createClient(address)))
  }

  /**
   * Resolves when none of the peers is connected any more
   */
  async function left (...peers: Client[]): Promise<void> {
    await pWaitFor(() => peers.every(({ peerId }) => server.getConnections(peerId).length === 0))
  }

  it('close what is open to the peer, and nothing else, not before the caller goes on', async () => {
    await serve()
    const banned = await clientAt('127.0.0.1')
    const other = await clientAt('127.0.0.1')
    const { bans } = server.services.connectionManager
    let wasOpen: boolean | undefined
    server.services.connectionManager.addEventListener('peer:ban', () => {
      wasOpen = server.getConnections(banned.peerId)[0]?.status === 'open'
    })

    await bans.ban(banned.peerId, { reason: 'spam' })
    expect(wasOpen).to.be.true()
    await left(banned)
    expect(server.getConnections(other.peerId)).to.have.lengthOf(1)
  })

  it('close what is open from an IP address', async () => {
    await serve()
    const banned = [await clientAt('127.1.2.3'), await clientAt('127.1.2.3')]
    const other = await clientAt('127.1.2.4')

    await server.services.connectionManager.bans.ban('127.1.2.3')
    await left(...banned)
    expect(server.getConnections(other.peerId)).to.have.lengthOf(1)
  })

  it('close what is open from a range, whatever protects it', async () => {
    await serve({ allow: ['/ip4/127.1.2.3'] })
    const banned = [await clientAt('127.1.2.3'), await clientAt('127.1.99.1')]
    const other = await clientAt('127.2.0.1')
    server.services.connectionManager.protect(banned[1].peerId, 'friend')

    await server.services.connectionManager.bans.ban('127.1.0.0/16')
    await left(...banned)
    expect(server.getConnections(other.peerId)).to.have.lengthOf(1)
  })

  it('close what was dialled by a name when its IP address is banned', async () => {
    await serve({}, { addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] }, transports: [tcp(), webSockets()] })

    for (const address of server.getMultiaddrs()) {
      const client = await nodes.add(createServer({}, { addresses: {}, transports: [tcp(), webSockets()] }))
      const connection = await client.dial(byName(address, 'localhost'))
      const { connectionManager } = client.services

      await connectionManager.bans.ban('127.0.0.0/8')
      await pWaitFor(() => connection.status !== 'open')
      await expect(client.dial(byName(address, 'localhost'))).to.eventually.be.rejected().with.property('name', 'DialDeniedError')
    }
  })

  it('are not evaded by a name of the address, nor by a number in disguise', async () => {
    await serve({}, { addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] }, transports: [tcp(), webSockets()] })
    const gated = await nodes.add(createServer({}, { addresses: {}, transports: [tcp(), webSockets()] }))
    await gated.services.connectionManager.bans.ban('127.0.0.0/16')

    for (const address of server.getMultiaddrs()) {
      for (const name of ['localhost', 'LOCALHOST', '127.0.0.1', '127.1', '0x7f.0.0.1', '0177.0.0.1', '2130706433', '１２７.0.0.1', '::ffff:127.0.0.1']) {
        const dialled = byName(address, name)

        await expect(gated.dial(dialled), dialled.toString()).to.eventually.be.rejected().with.property('name', 'DialDeniedError')
      }
    }
  })

  it('hold where a name leads elsewhere than the look-up said', async () => {
    await serve({}, { addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] }, transports: [tcp(), webSockets()] })
    const rules: ConnectionGaterInit[] = [{ deny: ['127.0.0.0/8'] }, { netRestrict: ['8.8.8.8'] }, { denyPrivateDials: true }]

    for (const init of rules) {
      const rebound = createGater(init, { clock: systemClock, lookUp: async () => ['8.8.8.8'] })
      const node = await nodes.add(createServer({}, {
        addresses: {},
        transports: [tcp(), webSockets()],
        // without a certificate there are no WebSockets that are not private dials
        connectionGater: init.denyPrivateDials === true ? { ...rebound, denyDialMultiaddr: () => false } : rebound
      }))

      for (const address of server.getMultiaddrs()) {
        await expect(node.dial(byName(address, 'localhost')), address.toString()).to.eventually.be.rejected()
        expect(node.getConnections(), JSON.stringify(init)).to.be.empty()
      }
    }
  })

  it('keep who is banned out in both directions until they end', async () => {
    await serve()
    const client = await nodes.add(createClient('127.3.0.1', { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } }))
    const { connectionManager } = server.services
    const refused = pEvent<'connection:refuse', CustomEvent<{ reason: string, scope: string }>>(connectionManager, 'connection:refuse')
    const ban = await connectionManager.bans.ban(client.peerId)

    await expect(connect(client)).to.eventually.be.rejected()
    expect((await refused).detail).to.include({ reason: 'banned', scope: `peer:${client.peerId.toString()}` })
    await expect(server.dial(client.getMultiaddrs())).to.eventually.be.rejected().with.property('name', 'DialDeniedError')

    const unbanned = pEvent<'peer:unban', CustomEvent<EndedBan>>(connectionManager, 'peer:unban')
    expect(await connectionManager.bans.unban(client.peerId)).to.be.true()
    expect((await unbanned).detail).to.deep.equal({ ban, cause: 'removed' })
    await connect(client)
  })

  it('end when they expire', async () => {
    await serve({ bans: { refreshInterval: 20 } })
    const client = await clientAt('127.3.0.1')
    const { connectionManager } = server.services
    const unbanned = pEvent<'peer:unban', CustomEvent<EndedBan>>(connectionManager, 'peer:unban')

    await connectionManager.bans.ban(client.peerId, { for: 200 })
    await left(client)
    expect((await unbanned).detail).to.have.property('cause', 'expired')
    await connect(client)
  })

  it('follow from misbehaviour', async () => {
    await serve({ misbehaviour: { banThreshold: 100 } })
    const client = await clientAt('127.3.0.1')
    const { connectionManager } = server.services
    const banned = pEvent<'peer:ban', CustomEvent<Ban>>(connectionManager, 'peer:ban')

    expect(await connectionManager.reportMisbehaviour(client.peerId, { transient: 40 })).to.include({ outcome: 'noted' })
    expect(await connectionManager.reportMisbehaviour(client.peerId, { persistent: 80 }, 'invalid block')).to.include({ outcome: 'banned' })
    expect((await banned).detail).to.include({ kind: 'peer', target: client.peerId.toString(), reason: 'invalid block' })
    await left(client)
  })

  it('of nobody, or in the past, are an error, and nothing is stored', async () => {
    const datastore = new MemoryDatastore()
    await serve({}, { datastore })
    const { bans } = server.services.connectionManager

    await expect(bans.ban('10.0.0.0/33')).to.eventually.be.rejected().with.property('name', 'InvalidParametersError')
    await expect(bans.ban('')).to.eventually.be.rejected().with.property('name', 'InvalidParametersError')
    await expect(bans.ban('127.0.0.1', { until: 1 })).to.eventually.be.rejected().with.property('name', 'InvalidParametersError')
    expect(bans.list()).to.be.empty()
    expect(await keysOf(datastore)).to.be.empty()
  })

  describe('in a LevelDB datastore', () => {
    let directory: string

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'libp2p-connmgr-'))
    })

    afterEach(async () => {
      await nodes.stop()
      await rm(directory, { recursive: true, force: true })
    })

    it('survive a restart of the node', async () => {
      const privateKey = await generateKeyPair('Ed25519')
      const client = await nodes.add(createClient('127.3.0.1'))
      const first = new LevelDatastore(directory)
      await first.open()
      await serve({}, { datastore: first, privateKey })
      const { bans } = server.services.connectionManager
      const made = [
        await bans.ban(client.peerId, { for: 3_600_000, reason: 'spam' }),
        await bans.ban('198.51.100.0/24', { for: Infinity }),
        await bans.ban('2001:db8::1')
      ]
      await bans.ban('203.0.113.1', { for: 1 })
      await bans.ban('203.0.113.2')
      await bans.unban('203.0.113.2')
      await server.stop()
      await first.close()

      const second = new LevelDatastore(directory)
      await second.open()
      await serve({}, { datastore: second, privateKey })
      expect(server.services.connectionManager.bans.list()).to.have.deep.members(made)
      await expect(connect(client)).to.eventually.be.rejected()
      await nodes.stop()
      await second.close()
    })
  })

  it('are shared by nodes that share a datastore', async () => {
    const datastore = new MemoryDatastore()
    const one = await serve({ bans: { refreshInterval: 20 } }, { datastore })
    const other = await serve({ bans: { refreshInterval: 20 } }, { datastore, privateKey: await generateKeyPair('Ed25519') })
    const client = await clientAt('127.3.0.1')

    const banned = pEvent<'peer:ban', CustomEvent<Ban>>(other.services.connectionManager, 'peer:ban')
    const ban = await one.services.connectionManager.bans.ban(client.peerId, { reason: 'spam' })
    expect((await banned).detail).to.deep.equal(ban)
    await left(client)

    const unbanned = pEvent<'peer:unban', CustomEvent<EndedBan>>(one.services.connectionManager, 'peer:unban')
    await other.services.connectionManager.bans.unban(client.peerId)
    expect((await unbanned).detail).to.deep.equal({ ban, cause: 'removed' })
  })
})

/**
 * The address with a name in the place of its IP address
 */
function byName (address: Multiaddr, name: string): Multiaddr {
  return multiaddr([{ code: CODE_DNS, name: 'dns', value: name }, ...address.getComponents().slice(1)])
}

async function keysOf (datastore: MemoryDatastore): Promise<string[]> {
  const keys: string[] = []

  for await (const key of datastore.queryKeys({ prefix: '/libp2p-connmgr' })) {
    keys.push(key.toString())
  }

  return keys
}
