import type { Admission, AdmissionPipeline, AdmissionRefusal } from '../admission/index.ts'
import type { ConnectionScope } from '../resources/index.ts'
import type { Connection, MultiaddrConnection } from '@libp2p/interface'

interface PendingConnection {
  readonly maConn: MultiaddrConnection
  readonly admission: Admission<ConnectionScope>
}

/**
 * More than so many are not looked through
 */
const MAX_RECENT = 8

/**
 * Follows inbound connections from the moment that they are made until they are
 * closed, so that each gives back what it has taken
 */
export class InboundConnections {
  readonly #pipeline: AdmissionPipeline<ConnectionScope>

  /**
   * Accepted and not upgraded yet: those of which nobody would notice that they close.
   * Nearly always there is one, or few.
   */
  readonly #recent: PendingConnection[] = []

  /**
   * The others, by the timeline that they share with the connections that they become
   */
  readonly #watched = new Map<object, PendingConnection>()

  /**
   * How many upgrades have not ended yet
   */
  #upgrading = 0

  constructor (pipeline: AdmissionPipeline<ConnectionScope>) {
    this.#pipeline = pipeline
  }

  accept (maConn: MultiaddrConnection): boolean {
    const { admission } = this.#pipeline.admit(maConn.remoteAddr, maConn)

    if (admission == null) {
      return false
    }

    this.#upgrading++
    this.#recent.push({ maConn, admission })

    if (this.#recent.length > MAX_RECENT) {
      this.#watchRecent()
    }

    return true
  }

  /**
   * An upgrade has ended, nobody says which. Those that have succeeded are known.
   * When none is under way, what is still pending has failed; otherwise those that
   * have failed are closed already or about to be.
   */
  afterUpgrade (): void {
    this.#upgrading = Math.max(0, this.#upgrading - 1)

    if (this.#upgrading === 0) {
      this.#releaseAll()
    } else {
      this.#watchRecent()
    }
  }

  /**
   * The peer of an inbound connection is authenticated. Returns why it may not
   * stay.
   */
  identify (maConn: MultiaddrConnection, peer: string, realm?: string): AdmissionRefusal | undefined {
    const pending = this.#find(maConn.timeline)

    return pending == null ? undefined : this.#pipeline.identify(pending.admission, maConn.remoteAddr, peer, realm)
  }

  /**
   * A connection was opened. Returns what it has taken, if it came in through here.
   */
  opened (connection: Connection): Admission<ConnectionScope> | undefined {
    const pending = this.#find(connection.timeline)

    if (pending == null) {
      return
    }

    this.#forget(pending)

    // it has given way to another one, and is being closed
    if (!pending.admission.isPending) {
      return
    }

    this.#pipeline.upgraded(pending.admission)

    return pending.admission
  }

  #find (timeline: object): PendingConnection | undefined {
    return this.#recent.find(({ maConn }) => maConn.timeline === timeline) ?? this.#watched.get(timeline)
  }

  /**
   * Returns `false` if the connection is not pending any more
   */
  #forget (connection: PendingConnection): boolean {
    const index = this.#recent.indexOf(connection)

    if (index !== -1) {
      this.#recent.splice(index, 1)
    }

    const { timeline } = connection.maConn

    return index !== -1 || (this.#watched.get(timeline) === connection && this.#watched.delete(timeline))
  }

  #releaseAll (): void {
    // the array is used again, as it is filled and emptied for every connection that knocks
    while (this.#recent.length > 0) {
      // there is one
      this.#pipeline.release((this.#recent.pop() as PendingConnection).admission)
    }

    if (this.#watched.size > 0) {
      for (const { admission } of this.#watched.values()) {
        this.#pipeline.release(admission)
      }

      this.#watched.clear()
    }
  }

  #watchRecent (): void {
    for (const connection of this.#recent.splice(0)) {
      this.#watch(connection)
    }
  }

  #watch (connection: PendingConnection): void {
    const { maConn, admission } = connection

    if (hasEnded(maConn)) {
      this.#pipeline.release(admission)
      return
    }

    this.#watched.set(maConn.timeline, connection)
    maConn.addEventListener('close', () => {
      if (this.#forget(connection)) {
        this.#pipeline.release(admission)
      }
    }, { once: true })
  }
}

/**
 * The remote may hang up before it is accepted
 */
function hasEnded ({ status }: MultiaddrConnection): boolean {
  return status === 'closed' || status === 'aborted' || status === 'reset'
}
