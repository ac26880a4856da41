import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import pWaitFor from 'p-wait-for'
import { connectionManager } from '../../src/index.ts'
import { buildGo } from '../fixtures/go-program.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { GO_PEER, GoPeer } from './go-peer.ts'
import type { GoPeerOptions } from './go-peer.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../../src/index.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'

export interface InteropServices extends Record<string, unknown> {
  connectionManager: ConnectionManagerService
  identify: unknown
  ping: Ping
}

export type OurNode = Libp2p<InteropServices>

const TCP = '/ip4/127.0.0.1/tcp/0'

/**
 * The environment variable that holds the path of the program
 */
export const PROGRAM = 'GO_PEER'

const WAIT = { timeout: 15_000, interval: 20 }

// the QUIC transport is not a dependency, as its packages for some platforms cannot be
// had from every registry: `npm install --no-save @chainsafe/libp2p-quic@^2.1.1`
const QUIC: string = '@chainsafe/libp2p-quic'

export const quic: undefined | (() => ReturnType<typeof tcp>) = await import(QUIC)
  .then(module => module.quic, () => undefined)

/**
 * The nodes of a test, ours and go-libp2p's, which are stopped after it
 */
export class InteropGroup {
  private readonly ours = new NodeGroup()
  private readonly peers = new Set<GoPeer>()

  /**
   * A node with our connection manager
   */
  async node (init: ConnectionManagerInit = {}, listen = [TCP]): Promise<OurNode> {
    return this.ours.add(createLibp2p<InteropServices>({
      addresses: { listen },
      transports: [tcp(), webSockets(), circuitRelayTransport(), ...(quic == null ? [] : [quic()])],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: {
        connectionManager: connectionManager(init),
        identify: identify(),
        ping: ping()
      }
    }))
  }

  /**
   * A node of go-libp2p
   */
  async goPeer (options: GoPeerOptions = { listen: [TCP] }): Promise<GoPeer> {
    const peer = await GoPeer.start(await goPeerPath(), options)
    this.peers.add(peer)

    return peer
  }

  async stop (): Promise<void> {
    const peers = [...this.peers]
    this.peers.clear()
    await this.ours.stop()
    await Promise.all(peers.map(async peer => peer.program.stop()))
  }
}

let built: Promise<string> | undefined

/**
 * The program of a go-libp2p node, built once unless `run.ts` has done so
 */
async function goPeerPath (): Promise<string> {
  if (process.env[PROGRAM] != null) {
    return process.env[PROGRAM]
  }

  built ??= buildGo(GO_PEER).then(result => {
    if ('missing' in result) {
      throw new Error(result.missing)
    }

    return result.program
  })

  return built
}

/**
 * Have a go-libp2p node dial ours, and wait until ours knows
 */
export async function dialledBy (node: OurNode, peer: GoPeer): Promise<Connection> {
  await peer.call('dial', { address: node.getMultiaddrs()[0].toString() })

  return connectionTo(node, peer)
}

/**
 * The connection that our node has with a go-libp2p node, once it has one
 */
export async function connectionTo (node: OurNode, peer: GoPeer): Promise<Connection> {
  await until(() => connectionsTo(node, peer).length > 0)

  return connectionsTo(node, peer)[0]
}

export function connectionsTo (node: OurNode, { id }: GoPeer): Connection[] {
  return node.services.connectionManager.getConnections().filter(({ remotePeer }) => remotePeer.toString() === id)
}

/**
 * Wait until a go-libp2p node knows that it has lost all connections with ours
 */
export async function lostBy (peer: GoPeer, node: OurNode): Promise<void> {
  const ours = { peer: node.peerId.toString() }

  await until(async () => {
    const connections = await peer.call('connections', ours)

    return connections.length === 0 && peer.program.eventsOf('disconnected').some(({ detail }) => detail.peer === ours.peer)
  })
}

export async function until (condition: () => boolean | Promise<boolean>): Promise<void> {
  await pWaitFor(condition, WAIT)
}
