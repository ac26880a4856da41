import { DueQueue } from './due-queue.ts'
import type { Clock } from '../clock.ts'
import type { ApplicationUse } from '../core/index.ts'
import type { Connection, Logger } from '@libp2p/interface'

export interface IdleCloserInit {
  /**
   * Connections that the application does not use for this many ms are closed.
   * `Infinity`: never.
   */
  idleTimeout: number

  /**
   * Inbound connections that the application was not asked for within this many
   * ms are closed. `Infinity`: never.
   */
  firstStreamTimeout: number
}

export interface IdleCloserComponents {
  clock: Clock
  log: Logger
  use: ApplicationUse

  /**
   * When the connection was opened, by the clock
   */
  openedAt(connection: Connection): number

  /**
   * Is the connection to be kept although nobody uses it?
   */
  isExempt(connection: Connection): boolean

  /**
   * Begins to close a connection that nobody uses
   */
  close(connection: Connection): void
}

/**
 * In ms: connections that are to be kept although nobody uses them are looked at no
 * more often
 */
const MIN_CHECK_INTERVAL = 1_000

/**
 * Closes connections that the application does not use
 */
export class IdleCloser {
  readonly #components: IdleCloserComponents
  readonly #init: IdleCloserInit
  readonly #due: DueQueue<Connection>

  constructor (components: IdleCloserComponents, init: IdleCloserInit) {
    this.#components = components
    this.#init = init
    this.#due = new DueQueue(components.clock, connection => { this.#check(connection) })
  }

  /**
   * A connection was opened
   */
  watch (connection: Connection): void {
    const dueAt = this.#dueAt(connection)

    if (dueAt !== Infinity) {
      this.#due.schedule(connection, dueAt)
    }
  }

  /**
   * A connection was closed
   */
  unwatch (connection: Connection): void {
    this.#due.cancel(connection)
  }

  stop (): void {
    this.#due.clear()
  }

  /**
   * When the connection has to be looked at next. One that is in use now can be
   * idle for long enough only after a whole timeout.
   */
  #dueAt (connection: Connection): number {
    const { clock, openedAt, use } = this.#components
    const isUnused = connection.direction === 'inbound' && use.lastUsed(connection) === 0
    const timeout = isUnused ? Math.min(this.#init.firstStreamTimeout, this.#init.idleTimeout) : this.#init.idleTimeout

    return (use.idleSince(connection, openedAt(connection)) ?? clock.now()) + timeout
  }

  #check (connection: Connection): void {
    const { clock, log, isExempt, close } = this.#components

    if (this.#dueAt(connection) > clock.now()) {
      this.watch(connection)
      return
    }

    if (isExempt(connection)) {
      this.#due.schedule(connection, clock.now() + Math.max(MIN_CHECK_INTERVAL, Math.min(this.#init.idleTimeout, this.#init.firstStreamTimeout)))
      return
    }

    log('closing a connection to %p that is not used', connection.remotePeer)
    close(connection)
  }
}
