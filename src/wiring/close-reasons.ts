import type { CloseReason, OpenEntry, ConnectionTable } from '../core/index.ts'
import type { Connection, StreamCloseEvent } from '@libp2p/interface'

/**
 * Remembers why connections are being closed, as who learns of it then does not know
 * who did it
 */
export class CloseReasons {
  readonly #table: Pick<ConnectionTable, 'get'>

  constructor (table: Pick<ConnectionTable, 'get'>) {
    this.#table = table
  }

  /**
   * The connection is closed next. Whoever was first counts. The `cause` says more about
   * the reason, e.g. the range that was banned.
   */
  mark (connection: Connection, reason: CloseReason, cause?: string): void {
    const entry = this.#table.get(connection)

    if (entry != null && entry.closeReason == null) {
      entry.closeReason = reason
      entry.closeCause = cause
    }
  }

  /**
   * The same of several, which are returned
   */
  markAll (connections: Connection[], reason: CloseReason): Connection[] {
    connections.forEach(connection => { this.mark(connection, reason) })

    return connections
  }

  /**
   * Why a connection was closed
   */
  of ({ closeReason }: OpenEntry, { error }: Pick<StreamCloseEvent, 'error'>): CloseReason {
    return closeReason ?? (error == null ? 'remote' : 'error')
  }
}
