import { connect, createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import pWaitFor from 'p-wait-for'
import { createClient, createServer as createManagedServer, portOf } from '../fixtures/loopback.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { resetSocket } from '../fixtures/reset-socket.ts'
import type { LoopbackServices } from '../fixtures/loopback.ts'
import type { Libp2p } from '@libp2p/interface'
import type { AddressInfo, Server, Socket } from 'node:net'

/**
 * A way to a port that is cut after so many bytes in both directions together
 */
class CutWay {
  readonly server: Server
  private readonly sockets = new Set<Socket>()
  private left = Infinity
  private isPolite = true

  constructor (target: number) {
    this.server = createServer(from => {
      const to = connect({ host: '127.0.0.1', port: target })
      this.hand(from, to)
      this.hand(to, from)
    })
  }

  async listen (): Promise<number> {
    await new Promise<void>(resolve => { this.server.listen(0, '127.0.0.1', resolve) })

    return (this.server.address() as AddressInfo).port
  }

  cutAfter (bytes: number, isPolite: boolean): void {
    this.left = bytes
    this.isPolite = isPolite
  }

  close (): void {
    this.server.close()
    this.cut()
  }

  private hand (from: Socket, to: Socket): void {
    this.sockets.add(from)
    from.on('error', () => {})
    from.on('close', () => {
      this.sockets.delete(from)
      to.end()
    })
    from.on('data', bytes => {
      to.write(bytes.subarray(0, this.left))
      this.left -= bytes.length

      if (this.left <= 0) {
        this.cut()
      }
    })
  }

  private cut (): void {
    for (const socket of this.sockets) {
      if (this.isPolite) {
        socket.end()
      } else {
        resetSocket(socket)
      }
    }
  }
}

/**
 * From before the first byte until after the handshakes, which take less than a
 * thousand: at every one of the first, where the protocols are negotiated, and then at
 * random
 */
const OFFSETS = [0, 1, 2, 19, 20, 21, 27, 28, 29, ...Array.from({ length: 15 }, () => 30 + Math.floor(Math.random() * 1_200))]

describe('faults: peers that vanish', () => {
  const nodes = new NodeGroup()
  const ways: CutWay[] = []
  let node: Libp2p<LoopbackServices>

  beforeEach(async () => {
    node = await nodes.add(createManagedServer({ inboundUpgradeTimeout: 3_000, backOff: false }))
  })

  afterEach(async () => {
    ways.splice(0).forEach(way => { way.close() })
    await nodes.stop()
  })

  async function wayTo (target: Libp2p): Promise<{ way: CutWay, port: number }> {
    const way = new CutWay(portOf(target))
    ways.push(way)

    return { way, port: await way.listen() }
  }

  async function untilNothingIsHeld (what: string): Promise<void> {
    const { connectionManager } = node.services
    const held = (): object => {
      const { connections, inboundPending, outboundPending } = connectionManager.getStats()
      const { system, transient, peers } = connectionManager.resources.stat()

      return { connections, inboundPending, outboundPending, system: system.usage.connections, streams: system.usage.streams, descriptors: system.usage.fileDescriptors, transient: transient.usage.connections, peers: Object.keys(peers).length }
    }

    await pWaitFor(() => Object.values(held()).every(count => count === 0), { timeout: 20_000, interval: 5 })
      .catch(() => { throw new Error(`${what}: ${JSON.stringify(held())} is held`) })
  }

  [true, false].forEach(isPolite => {
    const how = isPolite ? 'hang up' : 'are reset'

    it(`while they dial, and ${how}, give everything back`, async () => {
      const { way, port } = await wayTo(node)
      const peer = await nodes.add(createClient('127.0.0.1'))

      for (const offset of OFFSETS) {
        way.cutAfter(offset, isPolite)
        // whether it fails or not depends on when
        await peer.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}`)).then(async connection => connection.close(), () => {})
        await untilNothingIsHeld(`after ${offset} bytes`)
      }

      way.cutAfter(Infinity, isPolite)
      await peer.dial(node.getMultiaddrs())
    })

    it(`while they are dialled, and ${how}, give everything back`, async () => {
      const peer = await nodes.add(createClient('127.0.0.1', { addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, connectionManager: { inboundConnectionThreshold: 1_000 } }))
      const { way, port } = await wayTo(peer)

      for (const offset of OFFSETS) {
        way.cutAfter(offset, isPolite)
        await node.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}`)).then(async connection => connection.close(), err => { expect(err).to.be.an.instanceOf(Error) })
        await untilNothingIsHeld(`after ${offset} bytes`)
      }

      way.cutAfter(Infinity, isPolite)
      await node.dial(peer.getMultiaddrs())
    })
  })
})
