import type { CloseReason, ConnectionEntry, ConnectionTable } from '../connections/index.ts'
import type { Connection, StreamCloseEvent } from '@libp2p/interface'

/**
 * Remembers why connections are being closed, as who learns of it then does not know
 * who did it
 */
export class CloseReasons {
  readonly #table: Pick<ConnectionTable, 'get'>

  /**
   * Of those that are not in the table
   */
  readonly #others = new WeakMap<Connection, CloseReason>()

  constructor (table: Pick<ConnectionTable, 'get'>) {
    this.#table = table
  }

  /**
   * The connection is closed next. Whoever was first counts.
   */
  mark (connection: Connection, reason: CloseReason): void {
    const entry = this.#table.get(connection)

    if (entry != null) {
      entry.closeReason ??= reason
    } else if (!this.#others.has(connection)) {
      this.#others.set(connection, reason)
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
   * Why a connection was closed that is, or was, in the table
   */
  of (entry: ConnectionEntry, { error }: Pick<StreamCloseEvent, 'error'>): CloseReason {
    const reason = entry.closeReason ?? this.#others.get(entry.connection)

    if (reason != null) {
      return reason
    }

    return error == null ? 'remote' : 'error'
  }
}
