import type { CloseReasons } from './close-reasons.ts'
import type { Clock } from '../clock.ts'
import type { CloseReason, ConnectionEntry, ConnectionTable } from '../core/index.ts'
import type { Connection } from '@libp2p/interface'

export interface DeparturesComponents {
  clock: Clock
  giveBack(entry: ConnectionEntry): void
  closing: CloseReasons
  table: Pick<ConnectionTable, 'get' | 'setLeaving'>

  /**
   * Closes a connection. Never rejects.
   */
  close(connection: Connection): Promise<void>
}

/**
 * Connections that have lost their place to others. They give back what they hold
 * at once, so that the others can take it, and are closed on the next turn of the
 * event loop, as whoever decides so may be handling an event. Their records say so.
 */
export class Departures {
  readonly #components: DeparturesComponents

  constructor (components: DeparturesComponents) {
    this.#components = components
  }

  has (connection: Connection): boolean {
    return this.#components.table.get(connection)?.isLeaving === true
  }

  /**
   * Harmless if the connection has lost its place already, or is closed
   */
  add (connection: Connection, reason: CloseReason, cause?: string): void {
    const { clock, close, closing, giveBack, table } = this.#components
    const entry = table.get(connection)

    if (entry == null || entry.isLeaving) {
      return
    }

    closing.mark(connection, reason, cause)
    table.setLeaving(entry, true)
    giveBack(entry)

    // what can not be closed has its place all the same
    const onClosed = (): void => {
      if (table.get(connection) === entry) {
        table.setLeaving(entry, false)
      }
    }

    clock.setTimeout(() => { close(connection).then(onClosed, onClosed) }, 0)
  }
}
