import { DueQueue } from './due-queue.ts'
import type { ApplicationUse } from './application-use.ts'
import type { Clock } from '../clock.ts'
import type { Connection, Logger } from '@libp2p/interface'

export interface DrainComponents {
  clock: Clock
  log: Logger
  use: Pick<ApplicationUse, 'streams'>

  /**
   * Begins to close a connection
   */
  close(connection: Connection): void
}

/**
 * How often a connection that is being drained is looked at, in ms
 */
const CHECK_INTERVAL = 250

/**
 * Closes connections that others have taken the place of, as soon as the application
 * has no stream open on them any more, or after a limit of time
 */
export class Drain {
  readonly #components: DrainComponents

  /**
   * Until when each may be used
   */
  readonly #deadlines = new Map<Connection, number>()
  readonly #due: DueQueue<Connection>

  constructor (components: DrainComponents) {
    this.#components = components
    this.#due = new DueQueue(components.clock, connection => { this.#check(connection) })
  }

  /**
   * Is the connection being drained? Then no stream should be opened on it.
   */
  has (connection: Connection): boolean {
    return this.#deadlines.has(connection)
  }

  /**
   * Close the connection when the application has no stream open on it, in `timeout` ms
   * at the latest, but not within `delay` ms. Never at once, as the caller may be handling
   * an event of it.
   */
  drain (connection: Connection, timeout: number, delay = 0): void {
    if (!this.has(connection)) {
      const now = this.#components.clock.now()
      this.#deadlines.set(connection, now + Math.max(timeout, delay))
      this.#due.schedule(connection, now + Math.max(delay, CHECK_INTERVAL))
    }
  }

  /**
   * The connection was closed, or is not to be closed after all
   */
  cancel (connection: Connection): void {
    this.#deadlines.delete(connection)
    this.#due.cancel(connection)
  }

  stop (): void {
    this.#deadlines.clear()
    this.#due.clear()
  }

  #check (connection: Connection): void {
    const { clock, log, use, close } = this.#components
    const now = clock.now()

    if (connection.status !== 'open') {
      return
    }

    if (use.streams(connection) > 0 && now < (this.#deadlines.get(connection) ?? now)) {
      this.#due.schedule(connection, now + CHECK_INTERVAL)
      return
    }

    log('closing a drained connection to %a', connection.remoteAddr)
    close(connection)
  }
}
