import { toError } from '../errors.ts'
import type { TimeLimit } from './time-limit.ts'
import type { Connection } from '@libp2p/interface'

/**
 * Closes connections within one limit of time, if there is one. Those that are not
 * closed when it is over, or do not want to close, are aborted.
 */
export class Closings {
  readonly #limit: Partial<TimeLimit>

  /**
   * Those that are being closed
   */
  readonly #begun = new Set<Connection>()
  readonly #stillOpen = new Set<Connection>()
  #onEnd?: () => void

  constructor (limit: Partial<TimeLimit>) {
    this.#limit = limit
    limit.signal?.addEventListener('abort', this.#abortAll)
  }

  /**
   * Begin to close a connection
   */
  begin (connection: Connection): void {
    this.#begun.add(connection)

    try {
      connection.close({ signal: this.#limit.signal })
        .then(() => { this.#onClosed(connection) }, err => { this.#abort(connection, err) })
    } catch (err) {
      this.#abort(connection, err)
    }
  }

  /**
   * Resolves when all are closed or aborted, with those that could not be
   */
  async ended (): Promise<ReadonlySet<Connection>> {
    const { signal } = this.#limit

    if (signal?.aborted === true) {
      this.#abortAll()
    }

    if (this.#begun.size > 0) {
      await new Promise<void>(resolve => { this.#onEnd = resolve })
    }

    signal?.removeEventListener('abort', this.#abortAll)
    this.#limit.clear?.()

    return this.#stillOpen
  }

  #onClosed (connection: Connection): void {
    // somebody else may have begun to close it
    if (connection.status === 'closing') {
      connection.addEventListener('close', () => { this.#end(connection) }, { once: true })
    } else {
      this.#end(connection)
    }
  }

  readonly #abortAll = (): void => {
    this.#begun.forEach(connection => { this.#abort(connection, this.#limit.signal?.reason) })
  }

  #abort (connection: Connection, reason: unknown): void {
    // it may fail because it was aborted
    if (!this.#begun.has(connection)) {
      return
    }

    try {
      connection.abort(toError(reason))
    } catch {
      // a connection that cannot be aborted will be gone with its close event
    }

    this.#end(connection)
  }

  #end (connection: Connection): void {
    if (this.#begun.delete(connection) && (connection.status === 'open' || connection.status === 'closing')) {
      this.#stillOpen.add(connection)
    }

    if (this.#begun.size === 0) {
      this.#onEnd?.()
    }
  }
}
