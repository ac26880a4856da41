import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { connectionManager, linear } from '../../src/index.ts'
import { BLOCKS, SUBSCRIBE } from './protocols.ts'
import type { Inspection } from './inspection.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

export type SwarmNode = Libp2p<{ connectionManager: ConnectionManagerService }>

/**
 * In ms. A minute would be long for a show.
 */
const DECAY_INTERVAL = 1_000

/**
 * In ms. Half a minute and a minute would be long for a show.
 */
const LIVENESS = { interval: 5_000, minSilence: 15_000 }

/**
 * The node in the middle of the swarm: it runs our connection manager and values
 * peers that send blocks
 */
export async function createNode (init: ConnectionManagerInit, inspection?: Inspection): Promise<SwarmNode> {
  const node = await createLibp2p({
    addresses: {
      listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws']
    },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      connectionManager: connectionManager({ liveness: LIVENESS, ...init }),
      identify: identify(),
      ping: ping(),
      ...inspection?.services
    }
  })
  const manager = node.services.connectionManager

  await node.handle(BLOCKS, async (stream, connection) => {
    manager.realms.assign(connection.remotePeer, 'blocks')

    try {
      for await (const block of stream) {
        manager.tag(connection.remotePeer, 'useful', block.byteLength, { decay: linear(0.9), interval: DECAY_INTERVAL })
      }

      await stream.close()
    } catch {
      // the peer has left
    }
  }, { maxInboundStreams: 32 })

  await node.handle(SUBSCRIBE, (_stream, connection) => {
    manager.realms.assign(connection.remotePeer, 'subscribers')
  }, { maxInboundStreams: 32 })

  return node
}
