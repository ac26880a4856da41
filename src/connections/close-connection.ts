import { toError } from '../errors.ts'
import { timeLimit, untilAborted } from './time-limit.ts'
import type { Clock } from '../clock.ts'
import type { AbortOptions, Connection } from '@libp2p/interface'

/**
 * Close a connection and wait until it is closed, or abort it if that fails or
 * the signal does. Never rejects.
 */
export async function closeConnection (connection: Connection, options: AbortOptions = {}): Promise<void> {
  try {
    await untilAborted(connection.close(options), options.signal)

    // somebody else may have begun to close it
    if (connection.status === 'closing') {
      await untilAborted(untilClosed(connection), options.signal)
    }
  } catch (err) {
    abortConnection(connection, toError(err))
  }
}

/**
 * Close a connection, or abort it if that takes longer than `timeout` ms. Resolves
 * to `true` if it is closed then. Never rejects.
 */
export async function closeWithin (connection: Connection, timeout: number, clock: Clock): Promise<boolean> {
  const { signal, clear } = timeLimit(timeout, clock)

  await closeConnection(connection, { signal })
  clear()

  return connection.status !== 'open' && connection.status !== 'closing'
}

async function untilClosed (connection: Connection): Promise<void> {
  await new Promise<void>(resolve => {
    connection.addEventListener('close', () => { resolve() }, { once: true })
  })
}

function abortConnection (connection: Connection, reason: Error): void {
  try {
    connection.abort(reason)
  } catch {
    // a connection that cannot be aborted will be gone with its close event
  }
}
