import { BenchConnection } from './connections.ts'
import { ours } from './subjects.ts'
import type { Connection, PeerId } from '@libp2p/interface'

/**
 * A connection manager with as much around it as is measured
 */
export interface Managed {
  readonly size: number
  newConnection(index: number): Connection
  opened(connection: Connection): void
  tag(peerId: PeerId, name: string, value: number): void
  untag(peerId: PeerId, name: string): void
  trim(count: number): Promise<void>
}

/**
 * Our manager in a node, with all that a connection sets off in it, but what the
 * registrar of the node does for each peer that leaves
 */
export async function managerInNode (): Promise<Managed> {
  const subject = await ours()
  const { events, manager } = subject

  // it is never put back, as the process ends after the measurement
  void subject.withoutRegistrar(async () => new Promise(() => {}))

  return {
    get size () { return manager.connectionCount() },
    newConnection: () => new BenchConnection(subject),
    opened: connection => { events.safeDispatchEvent('connection:open', { detail: connection }) },
    tag: (peerId, name, value) => { manager.tag(peerId, name, value) },
    untag: (peerId, name) => { manager.untag(peerId, name) },
    trim: async count => { await manager.trimConnections(count) }
  }
}
