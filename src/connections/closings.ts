import { toError } from '../errors.ts'
import { timeLimit } from './time-limit.ts'
import type { TimeLimit } from './time-limit.ts'
import type { Clock } from '../clock.ts'
import type { Connection } from '@libp2p/interface'

interface Closing {
  readonly connection: Connection
  isEnded: boolean
}

/**
 * Closes many connections within one limit of time. Those that are not closed when
 * it is over are aborted.
 */
export class Closings {
  readonly #limit: TimeLimit
  readonly #begun: Closing[] = []

  /**
   * How many have not ended
   */
  #open = 0
  readonly #stillOpen = new Set<Connection>()
  #onEnd?: () => void

  constructor (timeout: number, clock: Clock) {
    this.#limit = timeLimit(timeout, clock)
    this.#limit.signal.addEventListener('abort', () => { this.#abortAll() }, { once: true })
  }

  /**
   * Begin to close a connection
   */
  begin (connection: Connection): void {
    const closing: Closing = { connection, isEnded: false }
    this.#begun.push(closing)
    this.#open++

    try {
      connection.close({ signal: this.#limit.signal })
        .then(() => { this.#onClosed(closing) }, err => { this.#abort(closing, toError(err)) })
    } catch (err) {
      this.#abort(closing, toError(err))
    }
  }

  /**
   * Resolves when all are closed or aborted, with those that could not be
   */
  async ended (): Promise<ReadonlySet<Connection>> {
    if (this.#open > 0) {
      await new Promise<void>(resolve => { this.#onEnd = resolve })
    }

    this.#limit.clear()

    return this.#stillOpen
  }

  #onClosed (closing: Closing): void {
    const { connection } = closing

    // somebody else may have begun to close it
    if (connection.status === 'closing') {
      connection.addEventListener('close', () => { this.#end(closing) }, { once: true })
      return
    }

    this.#end(closing)
  }

  #abortAll (): void {
    for (const closing of this.#begun) {
      this.#abort(closing, toError(this.#limit.signal.reason))
    }
  }

  #abort (closing: Closing, reason: Error): void {
    // it may fail because it was aborted
    if (closing.isEnded) {
      return
    }

    try {
      closing.connection.abort(reason)
    } catch {
      // a connection that cannot be aborted will be gone with its close event
    }

    this.#end(closing)
  }

  #end (closing: Closing): void {
    if (closing.isEnded) {
      return
    }

    closing.isEnded = true
    this.#open--

    if (isOpen(closing.connection)) {
      this.#stillOpen.add(closing.connection)
    }

    if (this.#open === 0) {
      this.#onEnd?.()
    }
  }
}

function isOpen ({ status }: Connection): boolean {
  return status === 'open' || status === 'closing'
}
