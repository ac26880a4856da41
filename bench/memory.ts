/* eslint-disable no-console */

/**
 * What a connection manager keeps in memory of each open connection to a tagged peer,
 * with everything that it does by default, the peer store included. Prints the bytes
 * of both sides and how many more ours takes.
 *
 * Each side is measured in a process of its own, which is started with its name.
 */

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createLibp2p } from 'libp2p'
import { connectionManager } from '../src/index.ts'
import { newConnections } from './connections.ts'
import { usedMemory } from './measure.ts'
import type { MemoryPerConnection } from './goals.ts'
import type { Subject } from './subjects.ts'
import type { Libp2pEvents, PeerStore } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'

const CONNECTIONS = 20_000

/**
 * Code is compiled and tables are made while the first ones are opened
 */
const WARM_UP = 1_000

/**
 * No connection is refused or trimmed, and both measure liveness as they do by default
 */
const OPTIONS = { maxConnections: 1_000_000 }

interface Components {
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
  peerStore: PeerStore
}

const [side] = process.argv.slice(2).filter(argument => !argument.startsWith('--'))

if (side != null) {
  console.info(await bytesPerConnection(side))
  process.exit()
}

const [ours, libp2p] = [await measured('ours'), await measured('libp2p')]
const result: MemoryPerConnection = { n: CONNECTIONS, ours_bytes: ours, libp2p_bytes: libp2p }
console.info(process.argv.includes('--json') ? JSON.stringify(result) : `${ours} bytes per connection, libp2p ${libp2p}: ${ours - libp2p} more`)

async function measured (side: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), side])

  return Number(stdout)
}

async function bytesPerConnection (side: string): Promise<number> {
  let components: Components | undefined
  const lookInside = (inside: Components): object => {
    components = inside

    return {}
  }

  if (side === 'ours') {
    await createLibp2p({ services: { lookInside, connectionManager: connectionManager({ ...OPTIONS, gracePeriod: 0 }) } })
  } else {
    await createLibp2p({ connectionManager: OPTIONS, services: { lookInside } })
  }

  if (components == null) {
    throw new Error('The node has no components')
  }

  const kept = await openAll(side, components, WARM_UP)
  const { bytes, connections } = await openAll(side, components, CONNECTIONS)

  if (components.connectionManager.getConnectionsMap().size !== CONNECTIONS + WARM_UP) {
    throw new Error(`${kept.connections.length + connections.length} connections were opened, but not all are there`)
  }

  return Math.round(bytes / CONNECTIONS)
}

async function openAll (side: string, { connectionManager, events, peerStore }: Components, count: number): Promise<{ bytes: number, connections: unknown[] }> {
  // all that a connection wants of a side
  const connections = newConnections({ events } as unknown as Subject, count)
  const before = await usedMemory()

  for (const connection of connections) {
    await peerStore.patch(connection.remotePeer, { tags: { bench: { value: 5 } } })

    if (side === 'ours') {
      events.safeDispatchEvent('connection:open', { detail: connection })
    } else {
      // the event does the same, but takes so long that it would have to be waited for
      connectionManager.getConnectionsMap().set(connection.remotePeer, [connection])
    }
  }

  return { bytes: await usedMemory() - before, connections }
}
