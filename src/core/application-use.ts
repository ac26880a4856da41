import { entryFields } from './connection-entry.ts'
import type { ConnectionTable } from './connection-table.ts'
import type { Clock } from '../clock.ts'
import type { Connection, Stream } from '@libp2p/interface'

/**
 * What the application does with one connection
 */
export interface Use {
  streams: number

  /**
   * Since when there is no application stream, in ms since the epoch
   */
  idleSince: number

  /**
   * When the last one was opened, in ms since the epoch. 0 if there was none.
   */
  lastUsed: number
}

declare module './connection-entry.ts' {
  interface ConnectionEntry {
    /**
     * What the application does with it. `undefined` until it has opened a stream.
     */
    use: Use | undefined
  }
}

entryFields(entry => { entry.use = undefined })

/**
 * Protocols that libp2p runs by itself on a new or idle connection. A connection
 * that has only streams of these is not in use by the application.
 */
export const HOUSEKEEPING_PROTOCOLS: readonly string[] = [
  '/ipfs/id/1.0.0',
  '/ipfs/id/push/1.0.0',
  '/ipfs/ping/1.0.0',
  '/libp2p/autonat/1.0.0',
  '/libp2p/autonat/2/dial-request',
  '/libp2p/autonat/2/dial-back',
  '/libp2p/dcutr'
]

/**
 * What is needed of a stream to count it
 */
export type UsedStream = Pick<Stream, 'protocol' | 'status' | 'addEventListener'>

/**
 * Counts the streams that the application has open on each connection, as they
 * are opened and closed. Whoever wants to know whether a connection is in use asks
 * here.
 */
export class ApplicationUse {
  readonly #table: Pick<ConnectionTable, 'get'>
  readonly #clock: Clock
  readonly #housekeeping: ReadonlySet<string>

  /**
   * @param table - has the records of the connections, in which it is counted
   * @param clock - where the time comes from
   * @param housekeepingProtocols - those whose streams do not count
   */
  constructor (table: Pick<ConnectionTable, 'get'>, clock: Clock, housekeepingProtocols: readonly string[] = HOUSEKEEPING_PROTOCOLS) {
    this.#table = table
    this.#clock = clock
    this.#housekeeping = new Set(housekeepingProtocols)
  }

  /**
   * A stream was opened and its protocol negotiated. Returns `true` if it is one
   * of the application, on an open connection.
   */
  onStream (stream: UsedStream, connection: Connection): boolean {
    const entry = this.#housekeeping.has(stream.protocol) ? undefined : this.#table.get(connection)

    if (entry == null) {
      return false
    }

    const use = entry.use ??= { streams: 0, idleSince: this.#clock.now(), lastUsed: 0 }
    use.streams++
    use.lastUsed = this.#clock.now()

    const onClose = (): void => {
      use.streams--
      use.idleSince = this.#clock.now()
    }

    if (stream.status === 'open' || stream.status === 'closing') {
      stream.addEventListener('close', onClose, { once: true })
    } else {
      onClose()
    }

    return true
  }

  /**
   * How many application streams are open. One that is still negotiating its
   * protocol does not count: it may be one of libp2p's own, such as AutoNAT's on a
   * connection that it dialled back.
   */
  streams (connection: Connection): number {
    return this.#table.get(connection)?.use?.streams ?? 0
  }

  /**
   * Since when no application stream is open, by the clock. `undefined` if one is.
   *
   * @param connection - the connection
   * @param openedAt - when the connection was opened, by the clock
   */
  idleSince (connection: Connection, openedAt: number): number | undefined {
    const use = this.#table.get(connection)?.use

    if (use == null) {
      return openedAt
    }

    return use.streams > 0 ? undefined : use.idleSince
  }

  /**
   * When the last application stream was opened, in ms since the epoch. 0 if there
   * was none.
   */
  lastUsed (connection: Connection): number {
    return this.#table.get(connection)?.use?.lastUsed ?? 0
  }
}
