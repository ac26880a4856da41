import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { connectionManager } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

/**
 * A peer that browsers can connect to
 */
export async function startServer (): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      connectionManager: connectionManager(),
      ping: ping()
    }
  })
}
