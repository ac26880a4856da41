import { closeWithin } from '../connections/index.ts'
import type { CloseReasons } from './close-reasons.ts'
import type { Clock } from '../clock.ts'
import type { CloseReason } from '../connections/index.ts'
import type { Connection, Logger } from '@libp2p/interface'

export interface DeparturesComponents {
  clock: Clock
  log: Logger
  closing: CloseReasons

  /**
   * Gives back what is reserved for a connection
   */
  release(connection: Connection): void
}

/**
 * Connections that have lost their place to others. They give back what they hold
 * at once, so that the others can take it, and are closed on the next turn of the
 * event loop, as whoever decides so may be handling an event.
 */
export class Departures {
  readonly #components: DeparturesComponents
  readonly #closeTimeout: number
  readonly #leaving = new Set<Connection>()

  constructor (components: DeparturesComponents, closeTimeout: number) {
    this.#components = components
    this.#closeTimeout = closeTimeout
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

  add (connection: Connection, reason: CloseReason): void {
    if (this.#leaving.has(connection)) {
      return
    }

    const { clock, closing, log, release } = this.#components
    closing.mark(connection, reason)
    this.#leaving.add(connection)
    release(connection)
    connection.addEventListener('close', () => { this.#leaving.delete(connection) }, { once: true })

    clock.setTimeout(() => {
      closeWithin(connection, this.#closeTimeout, clock)
        .catch((err: unknown) => { log.error('could not close a connection - %e', err) })
        .finally(() => { this.#leaving.delete(connection) })
    }, 0)
  }
}
