import { monitorEventLoopDelay } from 'node:perf_hooks'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { connectionManager } from '../src/index.ts'
import { BenchConnection, newConnections } from './connections.ts'
import { UNLIMITED } from './subjects.ts'
import type { Subject } from './subjects.ts'
import type { Libp2p, Libp2pEvents, PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'

/**
 * The node of a storm, in a process of its own: whose connection manager it has, how
 * many connections are open before. Says where it listens and, when the storm is over,
 * how many connections came, in what time, and for how long the event loop was held up
 * meanwhile.
 */

const [side, open] = [process.argv[2], Number(process.argv[3])]

/**
 * Whoever connects is let in, as fast as they come
 */
const OPTIONS = { maxConnections: UNLIMITED, maxIncomingPendingConnections: UNLIMITED, inboundConnectionThreshold: Infinity }

/**
 * In ms: how exactly the event loop is looked at
 */
const RESOLUTION = 1

interface Inside {
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
}

let inside: Inside | undefined
const node = await start((components: Inside) => {
  inside = components

  return {}
})
fill(inside)

const delay = monitorEventLoopDelay({ resolution: RESOLUTION })
const connected = new Set<string>()
let startedAt: number | undefined
let lastAt = 0

node.addEventListener('peer:connect', ({ detail }: CustomEvent<PeerId>) => {
  connected.add(detail.toString())
  lastAt = performance.now()
})

// when the storm begins, and when it is over
process.on('message', () => {
  if (startedAt == null) {
    delay.enable()
    startedAt = performance.now()
    process.send?.({ started: true })
    return
  }

  delay.disable()
  process.send?.({ connected: connected.size, seconds: (lastAt - startedAt) / 1_000, delay_p99_ms: delay.percentile(99) / 1e6, delay_max_ms: delay.max / 1e6 })
})
process.send?.({ addresses: node.getMultiaddrs().map(address => address.toString()) })

async function start (lookInside: (components: Inside) => object): Promise<Libp2p> {
  const common = {
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp({ backlog: 1_024 })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false }
  }

  return side === 'ours'
    ? createLibp2p({ ...common, services: { connectionManager: connectionManager({ ...OPTIONS, gracePeriod: 0 }), lookInside } })
    : createLibp2p({ ...common, connectionManager: OPTIONS, services: { lookInside } })
}

/**
 * Connections without a network that are open before the storm begins
 */
function fill (inside: Inside | undefined): void {
  if (inside == null) {
    throw new Error('The node has no components')
  }

  // all that a connection wants of a side
  for (const connection of newConnections(inside as unknown as Subject, open) satisfies BenchConnection[]) {
    if (side === 'ours') {
      inside.events.safeDispatchEvent('connection:open', { detail: connection })
    } else {
      inside.connectionManager.getConnectionsMap().set(connection.remotePeer, [connection])
    }
  }
}
