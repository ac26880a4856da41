import type { Connection, MultiaddrConnection } from '@libp2p/interface'

/**
 * Finds what is below the encryption of a connection. A connection and the
 * `MultiaddrConnection` that it was made of share their timeline.
 */
export class RawConnections {
  readonly #byTimeline = new WeakMap<object, MultiaddrConnection>()

  remember (maConn: MultiaddrConnection): void {
    this.#byTimeline.set(maConn.timeline, maConn)
  }

  of (connection: Connection): MultiaddrConnection | undefined {
    return this.#byTimeline.get(connection.timeline)
  }
}
