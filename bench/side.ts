/* eslint-disable no-console */

/**
 * Measures the connection manager of one checkout, which may be another one than this:
 * `node --expose-gc bench/side.ts <folder of the checkout>`. Prints the figures as JSON. All
 * that it uses of the checkout is `connectionManager()`, so that old commits can be measured.
 */

import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { StubConnection, StubStream } from '../test/fixtures/connections.ts'
import { inboundConnection, newAddress } from './connections.ts'
import { age, median, quiesce, usedMemory } from './measure.ts'
import { UNLIMITED } from './subjects.ts'
import type { connectionManager as ConnectionManagerFactory } from '../src/index.ts'
import type { Connection, Libp2pEvents, MultiaddrConnection, PeerId, Stream } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'

/**
 * What one checkout takes, by the name of what it does
 */
export type SideFigures = Record<string, number>

/**
 * What a node is made of, as far as it is measured
 */
interface Components {
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
  registrar: Registrar
}

interface Measured extends Components {
  stop(): Promise<void>
}

const ROUNDS = 15
const WARM_UP = 15
const BATCH = 1_000
const STREAMS_PER_PEER = 100
const OPEN = 5_000
const DIALS = 9
const MEMORY = 10_000

const OPTIONS = { maxConnections: UNLIMITED, gracePeriod: 0, load: false as const }
const { connectionManager }: { connectionManager: typeof ConnectionManagerFactory } = await import(pathToFileURL(path.join(process.argv[2], 'src/index.ts')).href)

async function measuredNode (init: Parameters<typeof connectionManager>[0]): Promise<Measured> {
  let inside: Components | undefined
  let disconnected: ((event: CustomEvent<PeerId>) => void) | undefined
  const node = await createLibp2p({
    connectionMonitor: { enabled: false },
    services: {
      inside: (components: Components) => {
        inside = components
        disconnected = Reflect.get(components.registrar, '_onDisconnect')

        return {}
      },
      connectionManager: connectionManager(init)
    }
  })

  if (inside == null) {
    throw new Error('The node has no components')
  }

  const { connectionManager: manager, events, registrar } = inside

  if (disconnected == null) {
    throw new Error('The registrar has no listener for peers that disconnect')
  }

  // it looks up every peer that disconnects in the peer store, which takes longer than all
  // that is measured
  events.removeEventListener('peer:disconnect', disconnected)

  return { connectionManager: manager, events, registrar, stop: async () => { await node.stop() } }
}

/**
 * A connection from an address that was not seen before. The node hears of its end.
 */
function newConnection (events: Components['events'], remoteAddr = newAddress()): StubConnection {
  const connection = new StubConnection({ remoteAddr, openedAt: 1_700_000_000_000 })
  connection.remotePeer.toString()
  connection.remoteAddr.getComponents()
  connection.addEventListener('close', () => { events.safeDispatchEvent('connection:close', { detail: connection }) })

  return connection
}

/**
 * The median of several rounds, in µs per operation
 */
async function perOperation (count: number, round: () => Promise<() => unknown>): Promise<number> {
  const samples: number[] = []

  for (let i = -WARM_UP; i < ROUNDS; i++) {
    const run = await round()
    await quiesce()
    age()
    const start = performance.now()
    await run()
    const took = performance.now() - start

    if (i >= 0) {
      samples.push(took * 1_000 / count)
    }
  }

  return median(samples)
}

async function accepting ({ connectionManager: manager }: Measured, expected: boolean, make: () => MultiaddrConnection = inboundConnection): Promise<number> {
  return perOperation(BATCH, async () => {
    const sockets = Array.from({ length: BATCH }, make)

    return () => {
      let accepted = 0

      for (const socket of sockets) {
        if (manager.acceptIncomingConnection(socket)) {
          accepted++
          manager.afterUpgradeInbound()
        }
      }

      // what refuses by rate lets some in
      if (expected ? accepted !== BATCH : accepted > BATCH / 10) {
        throw new Error(`${accepted} of ${BATCH} were accepted`)
      }
    }
  })
}

async function opening ({ events, connectionManager: manager }: Measured): Promise<number> {
  return perOperation(BATCH, async () => {
    const connections = Array.from({ length: BATCH }, () => newConnection(events))

    return async () => {
      for (const connection of connections) {
        if (manager.acceptIncomingConnection(connection as unknown as MultiaddrConnection)) {
          events.safeDispatchEvent('connection:open', { detail: connection })
          manager.afterUpgradeInbound()
        }
      }

      const { size } = manager.getConnectionsMap()
      await Promise.all(connections.map(async connection => connection.close()))

      if (size < BATCH) {
        throw new Error(`only ${size} of ${BATCH} connections are open`)
      }
    }
  })
}

async function streaming ({ events, registrar }: Measured): Promise<number> {
  const protocol = '/app/1.0.0'
  const next = (): void => {}

  return perOperation(BATCH, async () => {
    // one peer alone may not open as many in so short a time
    const connections = Array.from({ length: BATCH / STREAMS_PER_PEER }, () => newConnection(events))
    connections.forEach(connection => { events.safeDispatchEvent('connection:open', { detail: connection }) })
    const streams = Array.from({ length: BATCH }, () => new StubStream(protocol))

    return () => {
      for (let i = 0; i < BATCH; i++) {
        void registrar.getMiddleware(protocol)[0](streams[i] as unknown as Stream, connections[Math.floor(i / STREAMS_PER_PEER)], next)
        streams[i].finish()
      }
    }
  })
}

async function trimming ({ connectionManager: manager, events }: Measured): Promise<number> {
  const fill = (): void => {
    while (manager.getConnectionsMap().size < OPEN) {
      events.safeDispatchEvent('connection:open', { detail: newConnection(events) })
    }
  }

  return perOperation(1, async () => {
    manager.setMaxConnections(UNLIMITED)
    fill()
    const pruned = new Promise<Connection[]>(resolve => {
      events.addEventListener('connection:prune', ({ detail }) => { resolve(detail) }, { once: true })
    })

    return async () => {
      manager.setMaxConnections(OPEN - OPEN / 10)
      await pruned
    }
  })
}

/**
 * In µs, over TCP, each by a node of its own
 */
async function dialling (): Promise<number> {
  const stack = { transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] }
  const remote = await createLibp2p({ ...stack, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }, connectionManager: { inboundConnectionThreshold: Infinity } })
  const times: number[] = []

  for (let i = -2; i < DIALS; i++) {
    const node = await createLibp2p({ ...stack, services: { connectionManager: connectionManager({}) } })
    const start = performance.now()
    await node.dial(remote.getMultiaddrs())

    if (i >= 0) {
      times.push((performance.now() - start) * 1_000)
    }

    await node.stop()
  }

  await remote.stop()

  return median(times)
}

async function memory (): Promise<number> {
  const { events } = await measuredNode({ maxConnections: UNLIMITED, gracePeriod: 0 })
  const openAll = async (count: number): Promise<number> => {
    const connections = Array.from({ length: count }, () => newConnection(events))
    const before = await usedMemory()
    connections.forEach(connection => { events.safeDispatchEvent('connection:open', { detail: connection }) })
    const after = await usedMemory()
    kept.push(connections)

    return (after - before) / count
  }

  await openAll(BATCH)

  return openAll(MEMORY)
}

const kept: unknown[] = []

const figures: SideFigures = {}
const bytes = await memory()
const bare = await measuredNode({ ...OPTIONS, limits: false, maxIncomingPendingConnections: UNLIMITED })
figures['accept, limits off (µs)'] = await accepting(bare, true)
figures['open and close, limits off (µs)'] = await opening(bare)
figures['stream, limits off (µs)'] = await streaming(bare)
figures['trim of a tenth of 5 000 (µs)'] = await trimming(bare)
await bare.stop()

const limited = await measuredNode({ ...OPTIONS, deny: ['9.0.0.0/8'], maxIncomingPendingConnections: UNLIMITED })
figures['accept, default limits (µs)'] = await accepting(limited, true)
figures['open and close, default limits (µs)'] = await opening(limited)
figures['stream, default limits (µs)'] = await streaming(limited)
figures['refuse by range (µs)'] = await accepting(limited, false, () => newConnection(limited.events, '/ip4/9.1.2.3/tcp/4001') as unknown as MultiaddrConnection)
figures['refuse by rate (µs)'] = await accepting(limited, false, () => newConnection(limited.events, '/ip4/8.1.2.3/tcp/4001') as unknown as MultiaddrConnection)
await limited.stop()

figures['dial over TCP (µs)'] = await dialling()
figures['memory of a connection (bytes)'] = bytes
console.info(JSON.stringify(figures))
process.exit()
