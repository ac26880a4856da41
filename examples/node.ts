import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
// in your project: from 'libp2p-connmgr'
import { connectionManager } from '../src/index.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

export type ExampleNode = Libp2p<{ connectionManager: ConnectionManagerService }>

/**
 * A node that listens on loopback. All that the examples differ in are the options of
 * the connection manager.
 */
export async function createNode (init: ConnectionManagerInit = {}): Promise<ExampleNode> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      connectionManager: connectionManager(init),
      identify: identify(),
      ping: ping()
    }
  })
}

export async function createNodes (count: number): Promise<ExampleNode[]> {
  return Promise.all(Array.from({ length: count }, async () => createNode()))
}
