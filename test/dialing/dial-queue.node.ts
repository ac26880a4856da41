import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import pWaitFor from 'p-wait-for'
import { ADDRESS_DIAL_TIMEOUT } from '../../src/constants.ts'
import { dialReport } from '../../src/dialing/index.ts'
import { connectionManager, explainDialError } from '../../src/index.ts'
import { FullListener, SilentListener, freePort } from '../fixtures/black-holes.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { ANY_LOAD } from '../fixtures/nodes.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The distance between attempts on the internet, in ms, which those on loopback do
 * not have
 */
const PUBLIC_DISTANCE = 250

const publicDistance: ConnectionManagerInit['dialRanker'] = inDistances(PUBLIC_DISTANCE)

describe('dialing over TCP', () => {
  const nodes = new NodeGroup()
  const listeners: Array<{ close(): Promise<void> }> = []

  afterEach(async () => {
    await nodes.stop()
    await Promise.all(listeners.splice(0).map(async listener => listener.close()))
  })

  async function startNode (listen: string[] = [], init: ConnectionManagerInit = {}): Promise<Libp2p<{ connectionManager: ConnectionManagerService }>> {
    return nodes.add(createLibp2p({
      addresses: { listen },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { connectionManager: connectionManager({ ...ANY_LOAD, ...init }) }
    }))
  }

  async function listen <T extends { close(): Promise<void> }> (listener: Promise<T>): Promise<T> {
    const listening = await listener
    listeners.push(listening)

    return listening
  }

  function addressOf (port: number, remote: Libp2p): Multiaddr {
    return multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${remote.peerId.toString()}`)
  }

  async function timeOf (task: () => Promise<unknown>): Promise<number> {
    const before = performance.now()
    await task()

    return performance.now() - before
  }

  const BLACK_HOLES: Array<{ name: string, create(): Promise<SilentListener | FullListener> }> = [
    { name: 'a listener that never answers', create: async () => SilentListener.listen() },
    { name: 'a listener whose backlog is full', create: async () => FullListener.listen() }
  ]

  BLACK_HOLES.forEach(({ name, create }) => {
    [1, 2].forEach(count => {
      // how soon is what the benchmark tells
      it(`connects to an address behind ${count} of ${name} long before that is given up`, async () => {
        const remote = await startNode(['/ip4/127.0.0.1/tcp/0'])
        const node = await startNode([], { dialRanker: publicDistance })
        const dead: Multiaddr[] = []

        for (let i = 0; i < count; i++) {
          dead.push(addressOf((await listen(create())).port, remote))
        }

        const time = await timeOf(async () => {
          const connection = await node.dial([...dead, ...remote.getMultiaddrs()])
          expect(connection.remoteAddr.equals(remote.getMultiaddrs()[0])).to.equal(true)
        })

        expect(time).to.be.below(ADDRESS_DIAL_TIMEOUT / 2)
      })
    })
  })

  it('waits for dead addresses of the local network even less', async function () {
    // it is the time itself that is seen, which a busy machine has less of
    this.retries(2)

    const silent = await Promise.all([listen(SilentListener.listen()), listen(SilentListener.listen())])
    const remote = await startNode(['/ip4/127.0.0.1/tcp/0'])
    const node = await startNode()

    expect(await timeOf(async () => node.dial([...silent.map(({ port }) => addressOf(port, remote)), ...remote.getMultiaddrs()]))).to.be.below(2 * PUBLIC_DISTANCE)
  })

  it('races IPv4 against an IPv6 address that leads nowhere', async function () {
    const silent = await SilentListener.listen('::1').catch(() => undefined)

    if (silent == null) {
      // the machine has no IPv6
      this.skip()
      return
    }

    await listen(Promise.resolve(silent))
    const remote = await startNode(['/ip4/127.0.0.1/tcp/0'])
    const node = await startNode()
    const connection = await node.dial([
      multiaddr(`/ip6/::1/tcp/${silent.port}/p2p/${remote.peerId.toString()}`),
      ...remote.getMultiaddrs()
    ])

    expect(connection.remoteAddr.equals(remote.getMultiaddrs()[0])).to.equal(true)
    // the loser was cancelled
    await pWaitFor(() => silent.connections === 0)
  })

  it('leaves one connection when several addresses answer', async () => {
    const remote = await startNode(['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0'])
    const node = await startNode([], { dialRanker: addresses => addresses.map(address => ({ address, delay: 0 })) })
    await node.dial(remote.getMultiaddrs())

    await pWaitFor(() => remote.getConnections().length === 1)
    expect(node.getConnections()).to.have.lengthOf(1)
  })

  it('goes on for one caller when the other one aborts', async () => {
    const silent = await listen(SilentListener.listen())
    const remote = await startNode(['/ip4/127.0.0.1/tcp/0'])
    const node = await startNode([], { dialRanker: publicDistance })
    const addresses = [addressOf(silent.port, remote), ...remote.getMultiaddrs()]
    const controller = new AbortController()
    const first = node.dial(addresses, { signal: controller.signal })
    const second = node.dial(addresses)
    await pWaitFor(() => silent.connections === 1, { interval: 5 })
    controller.abort()

    await expect(first).to.eventually.be.rejected.with.property('name', 'AbortError')
    expect((await second).status).to.equal('open')
  })

  it('says of every address why it failed', async () => {
    const silent = await listen(SilentListener.listen())
    const remote = await startNode(['/ip4/127.0.0.1/tcp/0'])
    const node = await startNode([], { addressDialTimeout: 1_000 })
    const refused = addressOf(await freePort(), remote)
    const other = multiaddr(`/ip4/192.0.2.1/udp/1/quic-v1/p2p/${remote.peerId.toString()}`)
    const error = await node.dial([addressOf(silent.port, remote), refused, other]).catch(error => error)

    expect(error).to.have.property('name', 'AggregateError')
    expect(dialReport(error)?.failures.map(({ reason }) => reason)).to.have.members(['timeout', 'refused', 'no-transport'])
    expect(explainDialError(error)).to.include(`${refused.toString()} – nobody listens there`)
  })

  it('dials an urgent peer at once behind 1 000 dead ones, and leaves nothing of these', async () => {
    const silent = await listen(SilentListener.listen())
    const remote = await startNode(['/ip4/127.0.0.1/tcp/0'])
    const node = await startNode([], { maxDialQueueLength: 2_000, addressDialTimeout: 300_000 })
    const { dialQueue } = node.services.connectionManager
    const controller = new AbortController()
    const results = Promise.allSettled(Array.from({ length: 1_000 }, async () => {
      return node.dial(multiaddr(`/ip4/127.0.0.1/tcp/${silent.port}/p2p/${stubPeerId().toString()}`), { signal: controller.signal })
    }))
    await pWaitFor(() => silent.connections >= 90)
    expect(dialQueue.queue.size).to.equal(1_000)

    const time = await timeOf(async () => {
      await node.services.connectionManager.openConnection(remote.getMultiaddrs(), { priority: 100 })
    })
    // those before it are waited for much longer
    expect(time).to.be.below(10_000)

    controller.abort()
    expect((await results).every(({ status }) => status === 'rejected')).to.equal(true)
    await dialQueue.queue.onIdle()
    expect(dialQueue.queue.size).to.equal(0)
    await pWaitFor(() => silent.connections === 0)
    expect(node.getConnections()).to.have.lengthOf(1)
  })

  it('ends the dials that run when the node stops, and their sockets', async () => {
    const silent = await listen(SilentListener.listen())
    const node = await startNode()
    const dial = node.dial(multiaddr(`/ip4/127.0.0.1/tcp/${silent.port}/p2p/${stubPeerId().toString()}`))
    await pWaitFor(() => silent.connections === 1, { interval: 5 })
    await Promise.all([
      expect(dial).to.eventually.be.rejected.with.property('name', 'AbortError'),
      node.stop()
    ])

    await pWaitFor(() => silent.connections === 0)
    expect(node.services.connectionManager.dialQueue.queue.size).to.equal(0)
  })

  it('dials peers on this host that nobody asked for only where there is nothing but this host, from the start', async () => {
    const remote = await startNode(['/ip4/127.0.0.1/tcp/0'])
    const isTried = async (listen: string[]): Promise<boolean> => {
      const tried: string[] = []
      const node = await nodes.add(createLibp2p({
        start: false,
        addresses: { listen },
        transports: [tcp()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        services: { connectionManager: connectionManager({ ...ANY_LOAD, outbound: { target: 1 } }) }
      }))
      await node.peerStore.merge(remote.peerId, { multiaddrs: remote.getMultiaddrs() })
      const manager = node.services.connectionManager
      manager.addEventListener('dial:attempt', () => { tried.push('dialled') })
      manager.addEventListener('outbound:skip', ({ detail: { reason } }) => { tried.push(reason) })
      await node.start()
      await pWaitFor(() => tried.length > 0, { interval: 5 })

      return tried[0] === 'dialled'
    }

    expect(await isTried(['/ip4/127.0.0.1/tcp/0'])).to.be.true()
    expect(await isTried(['/ip4/0.0.0.0/tcp/0'])).to.be.false()
    expect(await isTried([])).to.be.false()
  })

  it('tries an address that failed a short time ago after the others', async () => {
    const remote = await startNode(['/ip4/127.0.0.1/tcp/0'])
    const silent = await listen(SilentListener.listen())
    const node = await startNode([], { addressDialTimeout: 1_000, dialRanker: inDistances(60_000) })
    const dead = addressOf(silent.port, remote)
    await expect(node.dial(dead)).to.eventually.be.rejected()
    await node.dial([dead, ...remote.getMultiaddrs()])

    expect(silent.accepted).to.equal(1)
  })
})

/**
 * Dials the addresses in the order in which they come, `distance` ms after each other
 */
function inDistances (distance: number): NonNullable<ConnectionManagerInit['dialRanker']> {
  return addresses => addresses.map((address, i) => ({ address, delay: i * distance }))
}
