import type { CloseReasons } from './close-reasons.ts'
import type { Clock } from '../clock.ts'
import type { CloseReason } from '../connections/index.ts'
import type { ConnectionScope } from '../resources/index.ts'
import type { Connection } from '@libp2p/interface'

export interface DeparturesComponents {
  clock: Clock
  closing: CloseReasons

  /**
   * What is reserved for each connection
   */
  held: { of(connection: Connection): ConnectionScope | undefined }

  /**
   * Closes a connection. Never rejects.
   */
  close(connection: Connection): Promise<void>
}

/**
 * Connections that have lost their place to others. They give back what they hold
 * at once, so that the others can take it, and are closed on the next turn of the
 * event loop, as whoever decides so may be handling an event.
 */
export class Departures {
  readonly #components: DeparturesComponents
  readonly #leaving = new Set<Connection>()

  constructor (components: DeparturesComponents) {
    this.#components = components
  }

  /**
   * How many connections are open that have lost their place
   */
  get size (): number {
    return this.#leaving.size
  }

  has (connection: Connection): boolean {
    return this.#leaving.has(connection)
  }

  add (connection: Connection, reason: CloseReason, cause?: string): void {
    if (this.#leaving.has(connection)) {
      return
    }

    const { clock, close, closing, held } = this.#components
    closing.mark(connection, reason, cause)
    this.#leaving.add(connection)
    held.of(connection)?.release()

    const onClose = (): void => { this.#leaving.delete(connection) }
    connection.addEventListener('close', onClose, { once: true })
    clock.setTimeout(() => { close(connection).then(onClose, onClose) }, 0)
  }
}
