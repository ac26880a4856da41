import type { Admission, AdmissionPipeline, AdmissionRefusal } from '../admission/index.ts'
import type { ConnectionScope } from '../resources/index.ts'
import type { Connection, MultiaddrConnection } from '@libp2p/interface'

interface PendingConnection {
  readonly maConn: MultiaddrConnection
  readonly admission: Admission<ConnectionScope>
}

/**
 * Follows inbound connections from the moment that they are made until they are
 * closed, so that each gives back what it has taken
 */
export class InboundConnections {
  private readonly pipeline: AdmissionPipeline<ConnectionScope>

  /**
   * Accepted and not upgraded yet, by the timeline that they share with the
   * connections that they become
   */
  private readonly pending = new Map<object, PendingConnection>()

  /**
   * Those of which nobody would notice that they close
   */
  private unwatched: PendingConnection[] = []

  /**
   * How many upgrades have not ended yet
   */
  private upgrading = 0

  constructor (pipeline: AdmissionPipeline<ConnectionScope>) {
    this.pipeline = pipeline
  }

  /**
   * How many connections are accepted and not upgraded yet
   */
  get size (): number {
    return this.pending.size
  }

  accept (maConn: MultiaddrConnection): boolean {
    const { admission } = this.pipeline.admit(maConn.remoteAddr)

    if (admission == null) {
      return false
    }

    const connection = { maConn, admission }
    this.upgrading++
    this.pending.set(maConn.timeline, connection)
    this.unwatched.push(connection)

    return true
  }

  /**
   * An upgrade has ended, nobody says which. Those that have succeeded are known.
   * When none is under way, what is still pending has failed; otherwise those that
   * have failed are closed already or about to be.
   */
  afterUpgrade (): void {
    this.upgrading = Math.max(0, this.upgrading - 1)

    if (this.upgrading === 0) {
      this.releaseAll()
      return
    }

    for (const connection of this.unwatched.splice(0)) {
      this.watch(connection)
    }
  }

  /**
   * The peer of an inbound connection is authenticated. Returns why it may not
   * stay.
   */
  identify (maConn: MultiaddrConnection, peer: string, realm?: string): AdmissionRefusal | undefined {
    const pending = this.pending.get(maConn.timeline)

    return pending == null ? undefined : this.pipeline.identify(pending.admission, maConn.remoteAddr, peer, realm)
  }

  /**
   * A connection was opened. Returns what it has taken, if it came in through here.
   */
  opened (connection: Connection): Admission<ConnectionScope> | undefined {
    const admission = this.pending.get(connection.timeline)?.admission

    if (admission == null) {
      return
    }

    this.pending.delete(connection.timeline)
    this.pipeline.upgraded(admission)

    return admission
  }

  /**
   * Give back what an open connection has taken. Harmless when that was done before.
   */
  release (admission: Admission<ConnectionScope>): void {
    this.pipeline.release(admission)
  }

  /**
   * Count a connection that came in without asking
   *
   * @throws {ResourceLimitError} if there is no room for it
   */
  account (connection: Connection): Admission<ConnectionScope> {
    return this.pipeline.account(connection.remoteAddr)
  }

  private releaseAll (): void {
    this.unwatched.length = 0

    if (this.pending.size > 0) {
      for (const { admission } of this.pending.values()) {
        this.pipeline.release(admission)
      }

      this.pending.clear()
    }
  }

  private watch (connection: PendingConnection): void {
    const { maConn, admission } = connection

    if (this.pending.get(maConn.timeline) !== connection) {
      return
    }

    const release = (): void => {
      if (this.pending.get(maConn.timeline) === connection) {
        this.pending.delete(maConn.timeline)
        this.pipeline.release(admission)
      }
    }

    if (hasEnded(maConn)) {
      release()
    } else {
      maConn.addEventListener('close', release, { once: true })
    }
  }
}

/**
 * The remote may hang up before it is accepted
 */
function hasEnded ({ status }: MultiaddrConnection): boolean {
  return status === 'closed' || status === 'aborted' || status === 'reset'
}
