import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import pWaitFor from 'p-wait-for'
import { connectionManager } from '../../src/index.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import type { ConnectionManagerService, Limits } from '../../src/index.ts'
import type { Libp2p, ServiceMap } from '@libp2p/interface'

interface Services extends ServiceMap {
  connectionManager: ConnectionManagerService
}

const PLACES: Limits = { system: { connections: 4, connectionsInbound: 'unlimited', connectionsOutbound: 'unlimited', fileDescriptors: 'unlimited' } }

describe('drop-in: each connection has one record', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  async function start (listen: string[], limits: Limits = {}, isRelay = false): Promise<Libp2p<Services>> {
    return nodes.add(createLibp2p<Services>({
      addresses: { listen },
      transports: [tcp(), webSockets(), memory(), circuitRelayTransport()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionGater: { denyDialMultiaddr: () => false },
      services: {
        connectionManager: connectionManager({ limits }),
        identify: identify(),
        ...isRelay ? { relay: circuitRelayServer() } : {}
      }
    }))
  }

  /**
   * How many connections are counted, of both directions
   */
  function counted ({ services: { connectionManager: { resources } } }: Libp2p<Services>): number {
    return resources.stat().system.usage.connections
  }

  for (const [transport, listen] of Object.entries({ TCP: '/ip4/127.0.0.1/tcp/0', WebSockets: '/ip4/127.0.0.1/tcp/0/ws', memory: '/memory/one-record' })) {
    it(`so that it is counted once at both ends over ${transport}, while it is dialled and while it is open`, async () => {
      const remote = await start([listen])
      const node = await start([], PLACES)
      let most = 0
      node.addEventListener('connection:open', () => { most = Math.max(most, counted(node)) })

      const connections = await Promise.all(remote.getMultiaddrs().slice(0, 1).flatMap(address => [
        node.dial(address, { force: true }),
        node.dial(multiaddr(address.toString().replace(/\/p2p\/.*/, '')), { force: true })
      ]))
      await pWaitFor(() => remote.getConnections().length === 2, { timeout: 5_000 })

      expect([counted(node), counted(remote), most]).to.deep.equal([2, 2, 2])
      await Promise.all(connections.map(async connection => connection.close()))
      await pWaitFor(() => counted(node) === 0 && counted(remote) === 0, { timeout: 5_000 })
    })
  }

  it('so that it is counted once at both ends over a relay', async () => {
    const relay = await start(['/ip4/127.0.0.1/tcp/0'], {}, true)
    const remote = await start([`${relay.getMultiaddrs()[0].toString()}/p2p-circuit`])
    await pWaitFor(() => remote.getMultiaddrs().length > 0, { timeout: 10_000 })
    const node = await start([], PLACES)

    await node.dial(remote.getMultiaddrs()[0])
    await pWaitFor(() => remote.getConnections(node.peerId).length === 1, { timeout: 5_000 })
    // each has one to the relay besides
    expect([counted(node), counted(remote)]).to.deep.equal([2, 2])
  })
})
