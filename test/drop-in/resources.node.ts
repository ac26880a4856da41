import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { plaintext } from '@libp2p/plaintext'
import { tcp } from '@libp2p/tcp'
import { mockMuxer } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'
import { connectionManager, explainDialError } from '../../src/index.ts'
import { reportOpen, stubConnection } from '../fixtures/connections.ts'
import { Attacker, createClient, createServer, portOf } from '../fixtures/loopback.ts'
import { componentOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { ANY_LOAD } from '../fixtures/nodes.ts'
import type { ConnectionManagerInit, ConnectionManagerService, ResourceRefusal, ResourceStat } from '../../src/index.ts'
import type { Connection, Libp2p, Stream, StreamMuxer } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import type { Libp2pOptions } from 'libp2p'

const ECHO = '/test/echo/1.0.0'
const OTHER = '/test/other/1.0.0'

interface Services extends Record<string, unknown> {
  connectionManager: ConnectionManagerService
}

interface Stack {
  name: string
  options: Libp2pOptions
}

const STACKS: Stack[] = [{
  name: 'yamux over TCP',
  options: { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()], streamMuxers: [yamux()] }
}, {
  name: 'yamux over WebSockets',
  options: { addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] }, transports: [webSockets()], streamMuxers: [yamux()] }
}, {
  name: 'another muxer',
  options: { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()], streamMuxers: [() => mockMuxer()] }
}]

describe('resources of real nodes', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  /**
   * A node that keeps the streams that it is sent
   */
  async function createNode (stack: Stack, init: ConnectionManagerInit = {}): Promise<{ node: Libp2p<Services>, manager: ConnectionManagerService, streams: Stream[] }> {
    const streams: Stream[] = []
    const node = await nodes.add(createLibp2p<Services>({
      ...stack.options,
      connectionEncrypters: [noise()],
      services: { connectionManager: connectionManager({ ...ANY_LOAD, ...init }) }
    }))

    for (const protocol of [ECHO, OTHER]) {
      await node.handle(protocol, stream => { streams.push(stream) }, { maxInboundStreams: 100, maxOutboundStreams: 100 })
    }

    return { node, manager: node.services.connectionManager, streams }
  }

  STACKS.forEach(stack => {
    describe(`streams over ${stack.name}`, () => {
      it('are limited by protocol and by peer where they come in, and reset', async () => {
        const server = await createNode(stack, {
          limits: { protocols: { [ECHO]: { streamsInbound: 5 } }, protocolPeers: { [ECHO]: { streamsInbound: 3 } } }
        })
        const refusals = recordRefusals(server.manager)

        for (const expected of [3, 2, 0]) {
          const client = await createNode(stack)
          const before = server.streams.length
          const connection = await client.node.dial(server.node.getMultiaddrs())
          const streams = await openMany(connection, 4)
          await areReset(streams, 4 - expected)
          await receives(server, before + expected)

          // another protocol is none of its business
          await connection.newStream(OTHER)
        }

        expect(refusals).to.have.lengthOf(1 + 2 + 4)
        expect(refusals[0].error).to.include({ name: 'StreamLimitError', resource: 'streamsInbound', current: 3, requested: 1, limit: 3 })
        expect(refusals[0].error.scope).to.match(/^protocol:\/test\/echo\/1\.0\.0\.peer:12D3/)
        expect(refusals[6].error).to.include({ scope: `protocol:${ECHO}`, limit: 5 })
        expect(refusals[6].attempt).to.include({ kind: 'stream', direction: 'inbound', protocol: ECHO })
      })

      it('are limited where they are opened, with an error, and released when they close or are aborted', async () => {
        const server = await createNode(stack)
        const client = await createNode(stack, { limits: { protocolPeers: { [ECHO]: { streamsOutbound: 2 } } } })
        const connection = await client.node.dial(server.node.getMultiaddrs())
        const open = async (): Promise<Stream> => connection.newStream(ECHO)
        const [first, second] = [await open(), await open()]

        await expect(open()).to.eventually.be.rejected().with.property('name', 'StreamLimitError')
        first.abort(new Error('No longer needed'))
        const third = await open()
        await expect(open()).to.eventually.be.rejected().with.property('limit', 2)

        await receives(server, 3)
        await closeAll(server.streams)
        await Promise.all([second.close(), third.close()])
        await pWaitFor(() => client.manager.resources.stat().system.usage.streams === 0)
        await open()
      })

      it('are limited before they negotiate a protocol, and released when they are reset', async () => {
        const server = await createNode(stack, { limits: { transient: { streamsInbound: 4 } } })
        const client = await createNode(stack)
        const connection = await client.node.dial(server.node.getMultiaddrs())
        const raw = await openRaw(connection, 6)
        await areReset(raw, 2)
        expect(server.manager.resources.stat().transient.usage).to.include({ streamsInbound: 4 })
        expect(server.manager.resources.stat().peers[client.node.peerId.toString()].usage).to.include({ streamsInbound: 4 })
        expect(client.manager.resources.stat().transient.usage).to.include({ streamsOutbound: 4 })

        raw.forEach(stream => { stream.abort(new Error('No longer needed')) })
        await pWaitFor(() => server.manager.resources.stat().system.usage.streams === 0)
        expect(client.manager.resources.stat().system.usage.streams).to.equal(0)
      })

      it('are released when the connection is lost', async () => {
        const server = await createNode(stack)
        const client = await createNode(stack)
        const connection = await client.node.dial(server.node.getMultiaddrs())
        await openMany(connection, 10)
        await pWaitFor(() => server.manager.resources.stat().protocols[ECHO]?.usage.streams === 10)
        expect(client.manager.resources.stat().system.usage).to.include({ connections: 1, streamsOutbound: 10 })

        // not every transport tells the other end
        cut(server.node)
        cut(client.node)
        await pWaitFor(() => isEmpty(server.manager.resources.stat()) && isEmpty(client.manager.resources.stat()))
      })
    })
  })

  it('reset streams that a remote opens too fast, tell why, and change at run time', async () => {
    const server = await createNode(STACKS[0], { limits: { streamRates: { protocolPeer: { perSecond: 0.001, burst: 2 } } } })
    const client = await createNode(STACKS[0])
    const refusals = recordRefusals(server.manager)
    const connection = await client.node.dial(server.node.getMultiaddrs())
    await areReset(await openMany(connection, 4), 2)

    const { decisions, summary } = await server.manager.explain(client.node.peerId)
    expect(refusals.map(({ error }) => error.name)).to.deep.equal(['RateLimitError', 'RateLimitError'])
    expect(summary).to.include(`One of its streams was refused (rate: protocol:${ECHO}.peer:${client.node.peerId.toString()})`)
    expect(decisions.filter(({ kind }) => kind === 'resource').map(({ reason, details }) => [reason, details.protocol])).to.deep.equal([['rate', ECHO], ['rate', ECHO]])

    expect(() => { server.manager.resources.setStreamRates({ protocolPeers: { [ECHO]: { perSecond: -1, burst: 1 } } }) }).to.throw().with.property('option', 'limits.streamRates.protocolPeers.' + ECHO + '.perSecond')
    server.manager.resources.setStreamRates({ protocolPeers: { [ECHO]: { perSecond: 'unlimited', burst: 0 } } })
    await openMany(connection, 8)
    await receives(server, 2 + 8)
  })

  it('count the streams of protocols that share a service together', async () => {
    const server = await createNode(STACKS[0], {
      serviceOf: protocol => protocol.startsWith('/test/') ? 'test' : undefined,
      limits: { services: { test: { streams: 3 } }, servicePeers: { test: { streams: 2 } } }
    })
    const client = await createNode(STACKS[0])
    const refused = pEvent<'resource:refuse', CustomEvent<ResourceRefusal>>(server.manager, 'resource:refuse')
    const connection = await client.node.dial(server.node.getMultiaddrs())
    await connection.newStream(ECHO)
    await connection.newStream(OTHER)
    await connection.newStream(OTHER)

    expect((await refused).detail.error.scope).to.match(/^service:test\.peer:/)
    await pWaitFor(() => server.manager.resources.stat().services.test.usage.streams === 2)
  })

  it('count the streams of libp2p\'s own services under the names that limit files use', async () => {
    const server = await nodes.add(createServer())
    const client = await nodes.add(createServer())
    const connection = await client.dial(server.getMultiaddrs())
    await connection.newStream('/ipfs/ping/1.0.0')

    expect(client.services.connectionManager.resources.stat().services).to.have.nested.property('libp2p\\.ping.usage.streams', 1)
  })

  it('refuse a dial before it costs anything, with an error that is explained', async () => {
    const server = await createNode(STACKS[0])
    const other = await createNode(STACKS[0])
    const client = await createNode(STACKS[0], { limits: { system: { connectionsOutbound: 1 } } })
    await client.node.dial(server.node.getMultiaddrs())
    const refused = pEvent<'resource:refuse', CustomEvent<ResourceRefusal>>(client.manager, 'resource:refuse')

    const error: unknown = await client.node.dial(other.node.getMultiaddrs()).then(() => undefined, err => err)
    expect(error).to.include({ name: 'ConnectionLimitError', scope: 'system', resource: 'connectionsOutbound', current: 1, limit: 1 })
    expect(explainDialError(error)).to.include('a limit of this node').and.to.include('"system" has 1 of 1 connectionsOutbound in use')
    expect((await refused).detail.attempt).to.include({ kind: 'connection', direction: 'outbound' })
    expect(client.manager.resources.stat().system.usage.connections).to.equal(1)

    await client.node.hangUp(server.node.peerId)
    await client.node.dial(other.node.getMultiaddrs())
  })

  it('change at run time, and close nothing', async () => {
    const server = await createNode(STACKS[0])
    const { resources } = server.manager
    const clients = [await createNode(STACKS[0]), await createNode(STACKS[0])]
    await Promise.all(clients.map(async ({ node }) => node.dial(server.node.getMultiaddrs())))
    await pWaitFor(() => server.manager.connectionCount() === 2)

    resources.setLimit('system', { connections: 1 })
    resources.setLimit('peer', { connections: 1 })
    expect(resources.excess('system').connections).to.equal(1)
    expect(resources.scopeStat('system')?.limits).to.have.property('connections', 1)
    expect(server.manager.connectionCount()).to.equal(2)
    await expect(server.node.dial((await createNode(STACKS[0])).node.getMultiaddrs())).to.eventually.be.rejected().with.property('name', 'ConnectionLimitError')

    resources.setLimit('system', { connections: 'unlimited' })
    await expect(server.node.dial(clients[0].node.getMultiaddrs(), { force: true })).to.eventually.be.rejected().with.property('scope', `peer:${clients[0].node.peerId.toString()}`)
    resources.setLimit('peer', { connections: 2 })
    await server.node.dial(clients[0].node.getMultiaddrs(), { force: true })
    expect(() => { resources.setLimit('planet', { connections: 1 }) }).to.throw().with.property('name', 'InvalidParametersError')
    expect(() => { resources.setLimit('peer', { connections: -1 }) }).to.throw().with.property('name', 'InvalidParametersError')
  })

  it('follow maxConnections where nothing else was asked for', async () => {
    const { manager } = await createNode(STACKS[0], { maxConnections: 10, limits: { system: { connectionsInbound: 7 } } })
    manager.setMaxConnections(1_000_000)
    // twice as many, and the ten that may be being upgraded
    expect(manager.resources.scopeStat('system')?.limits).to.include({ connections: 2_000_010, connectionsOutbound: 2_000_010, connectionsInbound: 7 })

    manager.resources.setLimit('system', { connections: 50 })
    manager.setMaxConnections(20)
    expect(manager.resources.scopeStat('system')?.limits).to.include({ connections: 50, connectionsInbound: 7 })
  })

  it('are not limited at all with `limits: false`', async () => {
    const server = await createNode(STACKS[0], { limits: false, maxIncomingPendingConnections: 1_000 })
    const clients = await Promise.all(Array.from({ length: 3 }, async () => createNode(STACKS[0], { limits: false })))

    for (const { node } of clients) {
      for (let i = 0; i < 9; i++) {
        await node.dial(server.node.getMultiaddrs(), { force: true })
      }

      const connection = node.getConnections()[0]
      await Promise.all(Array.from({ length: 99 }, async () => connection.newStream(ECHO, { maxOutboundStreams: 1_000 })))
    }

    await pWaitFor(() => server.manager.connectionCount() === 27 && server.streams.length === 297)
    expect(isEmpty(server.manager.resources.stat())).to.be.true()
  })

  it('count connections that came past admission and the dial queue', async () => {
    const server = await createNode(STACKS[0])
    const client = await createNode(STACKS[0])
    const { resources } = client.manager
    const transportManager = componentOf<TransportManager>(client.node, 'transportManager')
    const dialled = await transportManager.dial(server.node.getMultiaddrs()[0], { signal: AbortSignal.timeout(5_000) })
    expect(resources.stat().system.usage).to.include({ connections: 1, connectionsOutbound: 1 })
    expect(resources.stat().peers[server.node.peerId.toString()].usage.connections).to.equal(1)

    // as after hole punching, of which one end is not the initiator
    const punched = reportOpen(componentOf(client.node, 'events'), stubConnection({ direction: 'inbound' }))
    expect(resources.stat().system.usage).to.include({ connections: 2, connectionsInbound: 1 })
    expect(resources.stat().peers[punched.remotePeer.toString()].usage.connectionsInbound).to.equal(1)

    punched.remoteClose()
    dialled.abort(new Error('No longer needed'))
    await pWaitFor(() => isEmpty(resources.stat()))
  })

  describe('are all given back', () => {
    it('after dials that fail', async () => {
      const client = await createNode(STACKS[0])
      const closed = await createNode(STACKS[0])
      const addresses = closed.node.getMultiaddrs()
      await closed.node.stop()

      await expect(client.node.dial(addresses)).to.eventually.be.rejected()
      await expect(client.node.dial(addresses, { signal: AbortSignal.abort() })).to.eventually.be.rejected()
      await expect(client.node.dial((await nodes.add(createPlaintextNode())).getMultiaddrs())).to.eventually.be.rejected()
      expect(isEmpty(client.manager.resources.stat())).to.be.true()
    })

    it('after upgrades that fail', async () => {
      const server = await nodes.add(createServer({ inboundUpgradeTimeout: 3_000 }))
      const { connectionManager } = server.services
      const attacker = new Attacker()
      await attacker.connect(portOf(server), Array.from({ length: 5 }, () => '127.0.0.1'))
      await pWaitFor(() => connectionManager.resources.stat().transient.usage.connections === 5)
      await expect((await nodes.add(createPlaintextNode())).dial(server.getMultiaddrs())).to.eventually.be.rejected()

      attacker.stop()
      await pWaitFor(() => isEmpty(connectionManager.resources.stat()))
      expect(connectionManager.getStats()).to.include({ inboundPending: 0, connections: 0 })
    })

    it('when the node stops in the midst of everything, and again after it has started', async () => {
      const server = await nodes.add(createServer())
      const { connectionManager } = server.services
      const clients = await Promise.all(Array.from({ length: 10 }, async (_, i) => nodes.add(createClient(`127.0.0.${i + 1}`))))
      const attacker = new Attacker()

      for (let round = 0; round < 2; round++) {
        await attacker.connect(portOf(server), ['127.0.0.1', '127.0.0.1'])
        // not waited for: a ping that is cut off may never return
        clients.forEach(client => {
          client.dial(server.getMultiaddrs()).then(async () => client.services.ping.ping(server.peerId)).catch(() => {})
        })
        await pWaitFor(() => connectionManager.connectionCount() > 3)
        await server.stop()
        await pWaitFor(() => isEmpty(connectionManager.resources.stat()))
        await server.start()
      }

      attacker.stop()
    })
  })

  async function createPlaintextNode (): Promise<Libp2p> {
    return createLibp2p({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, transports: [tcp()], connectionEncrypters: [plaintext()], streamMuxers: [yamux()], services: { ping: ping() } })
  }
})

function recordRefusals (manager: ConnectionManagerService): ResourceRefusal[] {
  const refusals: ResourceRefusal[] = []
  manager.addEventListener('resource:refuse', ({ detail }) => { refusals.push(detail) })

  return refusals
}

function cut (node: Libp2p): void {
  node.getConnections().forEach(connection => { connection.abort(new Error('The cable was cut')) })
}

/**
 * Streams that do not negotiate a protocol
 */
async function openRaw (connection: Connection, count: number): Promise<Stream[]> {
  // the field is no part of the interface
  const { muxer } = connection as Connection & { muxer: StreamMuxer }
  const streams: Stream[] = []

  while (streams.length < count) {
    const stream = await muxer.createStream()
    // for muxers that tell the remote only when there is something to be sent
    stream.send(Uint8Array.from([19]))
    streams.push(stream)
  }

  return streams
}

async function openMany (connection: Connection, count: number): Promise<Stream[]> {
  return Promise.all(Array.from({ length: count }, async () => connection.newStream(ECHO)))
}

async function closeAll (streams: Stream[]): Promise<void> {
  await Promise.allSettled(streams.map(async stream => stream.close()))
}

async function areReset (streams: Stream[], count: number): Promise<void> {
  await pWaitFor(() => streams.filter(({ status }) => status !== 'open').length === count)
}

async function receives ({ streams }: { streams: Stream[] }, count: number): Promise<void> {
  await pWaitFor(() => streams.length >= count)
}

/**
 * Is nothing in use, and no scope kept that nobody uses?
 */
function isEmpty (stat: ResourceStat): boolean {
  const { system, transient, allowListed, allowListedTransient, peers, realms, protocols, services } = stat

  return [system, transient, allowListed, allowListedTransient].every(({ usage }) => Object.values(usage).every(value => value === 0)) &&
    [peers, realms, protocols, services].every(scopes => Object.keys(scopes).length === 0)
}
