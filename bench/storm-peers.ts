import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

/**
 * The peers of a storm, in a process of their own. They all dial the addresses that the
 * parent sends, at once, and keep their connections.
 */

const TIMEOUT = 60_000

const peers = await Promise.all(Array.from({ length: Number(process.argv[2]) }, async () => createLibp2p({
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionMonitor: { enabled: false },
  connectionManager: { reconnectRetries: 0 }
})))

process.on('message', addresses => {
  const targets = (addresses as string[]).map(address => multiaddr(address))

  Promise.allSettled(peers.map(async peer => peer.dial(targets, { signal: AbortSignal.timeout(TIMEOUT) })))
    .then(results => { process.send?.({ failed: results.filter(({ status }) => status === 'rejected').length }) })
    .catch(err => { throw err })
})
process.send?.({ ready: true })
