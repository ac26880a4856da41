import { entryFields } from '../core/index.ts'
import { DueQueue } from './due-queue.ts'
import type { Clock } from '../clock.ts'
import type { OpenEntry } from '../core/index.ts'
import type { Connection, Logger } from '@libp2p/interface'

declare module '../core/connection-entry.ts' {
  interface ConnectionEntry {
    /**
     * Until when it may be used although another one has taken its place, in ms since the
     * epoch. `undefined` if none has.
     */
    drainUntil: number | undefined
  }
}

entryFields(entry => { entry.drainUntil = undefined })

export interface DrainComponents {
  clock: Clock
  log: Logger

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
 * has no stream open on them any more, or after a limit of time. Their records say so.
 */
export class Drain {
  readonly #components: DrainComponents
  readonly #due: DueQueue<OpenEntry>

  constructor (components: DrainComponents) {
    this.#components = components
    this.#due = new DueQueue(components.clock, entry => { this.#check(entry) })
  }

  /**
   * Close the connection when the application has no stream open on it, in `timeout` ms
   * at the latest, but not within `delay` ms. Never at once, as the caller may be handling
   * an event of it.
   */
  drain (entry: OpenEntry, timeout: number, delay = 0): void {
    if (entry.drainUntil == null) {
      const now = this.#components.clock.now()
      entry.drainUntil = now + Math.max(timeout, delay)
      this.#due.schedule(entry, now + Math.max(delay, CHECK_INTERVAL))
    }
  }

  /**
   * The connection was closed, or is not to be closed after all
   */
  cancel (entry: OpenEntry): void {
    entry.drainUntil = undefined
    this.#due.cancel(entry)
  }

  stop (): void {
    this.#due.clear()
  }

  #check (entry: OpenEntry): void {
    const { clock, log, close } = this.#components
    const { connection, drainUntil, use } = entry
    const now = clock.now()

    if (connection.status !== 'open') {
      return
    }

    if (use != null && use.streams > 0 && now < (drainUntil ?? now)) {
      this.#due.schedule(entry, now + CHECK_INTERVAL)
      return
    }

    log('closing a drained connection to %a', connection.remoteAddr)
    close(connection)
  }
}
