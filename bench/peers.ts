import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

/**
 * Peers in a process of their own: how many, how many of them dial at once, and in which
 * interval in ms their muxer keeps connections alive (0: never). They dial the addresses
 * that the parent sends, and keep their connections.
 */

const TIMEOUT = 60_000

const [count, atOnce = count, keepAliveInterval = 30_000] = process.argv.slice(2).map(Number)

const peers = await Promise.all(Array.from({ length: count }, async () => createLibp2p({
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [keepAliveInterval > 0 ? yamux({ keepAliveInterval }) : yamux({ enableKeepAlive: false })],
  services: { ping: ping() },
  connectionMonitor: { enabled: false },
  connectionManager: { reconnectRetries: 0 }
})))

process.on('message', addresses => {
  const targets = (addresses as string[]).map(address => multiaddr(address))
  const waiting = peers.values()
  const dialInTurn = async (): Promise<void> => {
    for (const peer of waiting) {
      // the other side tells how many have connected
      await peer.dial(targets, { signal: AbortSignal.timeout(TIMEOUT) }).catch(() => {})
    }
  }

  Promise.all(Array.from({ length: atOnce }, dialInTurn))
    .then(() => { process.send?.({ dialled: true }) })
    .catch(err => { throw err })
})
process.send?.({ ready: true })
