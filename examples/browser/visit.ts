import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
// in your project: from 'libp2p-connmgr'
import { RELAXED_LIVENESS, connectionManager, explainDialError } from '../../src/index.ts'

/**
 * A node as it would run in a browser tab: it can not listen, has few connections,
 * and its WebRTC dials are precious. It visits a peer and says what it sees.
 */
export async function visit (address: string, say: (text: string) => void): Promise<void> {
  const node = await createLibp2p({
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // libp2p's default in browsers denies private addresses, and so the one of this example
    connectionGater: { denyDialMultiaddr: () => false },
    services: {
      connectionManager: connectionManager({
        lowWater: 16,
        highWater: 24,
        // a tab can make 500 WebRTC connections in its life, failed ones included
        maxParallelDialsPerTransport: { webrtc: 4, webtransport: 8 },
        // a phone that pings rarely sleeps longer
        liveness: RELAXED_LIVENESS
      }),
      ping: ping()
    }
  })
  const manager = node.services.connectionManager

  try {
    const connection = await node.dial(multiaddr(address))
    say(`connected to ${connection.remotePeer}`)
    say(`${manager.getStats().connections} of at most ${manager.getStats().highWater} connections`)
    await node.services.ping.ping(connection.remotePeer)
    say('and it answers')

    // nobody listens there
    await node.hangUp(connection.remotePeer)
    await node.dial(multiaddr(address.replace(/\/tcp\/\d+/, '/tcp/1')))
  } catch (err) {
    // for people, address by address
    say(explainDialError(err))
  } finally {
    await node.stop()
  }
}
