import type { Clock, Timer } from '../clock.ts'
import type { Connection, Logger } from '@libp2p/interface'

export interface DrainComponents {
  clock: Clock
  log: Logger

  /**
   * Closes a connection
   */
  close(connection: Connection): Promise<void>
}

interface Draining {
  readonly deadline: number
  timer?: Timer
}

/**
 * How often a connection that is being drained is looked at, in ms
 */
const CHECK_INTERVAL = 250

/**
 * Closes connections that others have taken the place of, as soon as no stream is
 * open on them any more, or after a limit of time
 */
export class Drain {
  readonly #components: DrainComponents
  readonly #draining = new Map<Connection, Draining>()

  constructor (components: DrainComponents) {
    this.#components = components
  }

  /**
   * Is the connection being drained? Then no stream should be opened on it.
   */
  has (connection: Connection): boolean {
    return this.#draining.has(connection)
  }

  /**
   * Close the connection when no stream is open on it, in `timeout` ms at the
   * latest, but not within `delay` ms. Never at once, as the caller may be handling
   * an event of it.
   */
  drain (connection: Connection, timeout: number, delay = 0): void {
    if (this.#draining.has(connection)) {
      return
    }

    const state: Draining = { deadline: this.#components.clock.now() + Math.max(timeout, delay) }
    this.#draining.set(connection, state)
    this.#checkLater(connection, state, Math.max(delay, CHECK_INTERVAL))
  }

  /**
   * The connection was closed, or is not to be closed after all
   */
  cancel (connection: Connection): void {
    this.#draining.get(connection)?.timer?.clear()
    this.#draining.delete(connection)
  }

  stop (): void {
    for (const connection of [...this.#draining.keys()]) {
      this.cancel(connection)
    }
  }

  #checkLater (connection: Connection, state: Draining, delay: number): void {
    state.timer = this.#components.clock.setTimeout(() => { this.#check(connection, state) }, delay)
  }

  #check (connection: Connection, state: Draining): void {
    const { clock, log, close } = this.#components

    if (connection.status === 'open' && connection.streams.length > 0 && clock.now() < state.deadline) {
      this.#checkLater(connection, state, CHECK_INTERVAL)
      return
    }

    if (connection.status === 'open') {
      log('closing a drained connection to %a', connection.remoteAddr)
      close(connection)
        .catch(err => { log.error('could not close a drained connection - %e', err) })
    }
  }
}
