import { Closings } from './closings.ts'
import { TimeLimit } from './time-limit.ts'
import type { Clock } from '../clock.ts'
import type { Connection } from '@libp2p/interface'

/**
 * Close a connection and wait until it is closed, or abort it if that fails or
 * the signal does. Resolves to `true` if it is closed then. Never rejects.
 */
export async function closeConnection (connection: Connection, limit: Partial<TimeLimit> = {}): Promise<boolean> {
  const closings = new Closings(limit)
  closings.begin(connection)
  const { size } = await closings.ended()

  return size === 0
}

/**
 * Close a connection, or abort it if that takes longer than `timeout` ms. Resolves
 * to `true` if it is closed then. Never rejects.
 */
export async function closeWithin (connection: Connection, timeout: number, clock: Clock): Promise<boolean> {
  return closeConnection(connection, new TimeLimit(timeout, clock))
}
