import type { Admission, AdmissionPipeline, AdmissionRefusal } from '../admission/index.ts'
import type { ConnectionScope } from '../resources/index.ts'
import type { Connection, MultiaddrConnection } from '@libp2p/interface'

type InboundPipeline = Pick<AdmissionPipeline<ConnectionScope>, 'admit' | 'identify' | 'release' | 'upgraded'>

/**
 * As many may go unwatched
 */
const MAX_UNWATCHED = 8

/**
 * Follows inbound connections from the moment that they are made until they are
 * open or have failed, so that each of the latter gives back what it has taken
 */
export class InboundConnections {
  readonly #pipeline: InboundPipeline

  /**
   * What those have taken that are accepted and not upgraded yet, by the timeline that
   * they share with the connections that they become
   */
  readonly #pending = new Map<object, Admission<ConnectionScope>>()

  /**
   * The last ones of these, and of those that were: nobody would notice that they close.
   * Nearly always there is one, or few.
   */
  readonly #unwatched: MultiaddrConnection[] = []

  /**
   * How many upgrades have not ended yet
   */
  #upgrading = 0

  constructor (pipeline: InboundPipeline) {
    this.#pipeline = pipeline
  }

  accept (maConn: MultiaddrConnection): boolean {
    const { admission } = this.#pipeline.admit(maConn.remoteAddr)

    if (admission == null) {
      return false
    }

    this.#upgrading++
    this.#pending.set(maConn.timeline, admission)

    if (this.#unwatched.push(maConn) > MAX_UNWATCHED) {
      this.#watch()
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

    if (this.#upgrading > 0) {
      this.#watch()
      return
    }

    this.#unwatched.length = 0

    for (const timeline of this.#pending.keys()) {
      this.#fail(timeline)
    }
  }

  /**
   * The peer of an inbound connection is authenticated. Returns why it may not
   * stay.
   */
  identify ({ remoteAddr, timeline }: MultiaddrConnection, peer: string, realm?: string): AdmissionRefusal | undefined {
    const admission = this.#pending.get(timeline)

    return admission == null ? undefined : this.#pipeline.identify(admission, remoteAddr, peer, realm)
  }

  /**
   * A connection was opened. Returns what it has taken, if it came in through here.
   */
  opened ({ timeline }: Connection): Admission<ConnectionScope> | undefined {
    const admission = this.#pending.get(timeline)

    if (admission != null) {
      this.#pending.delete(timeline)
      this.#pipeline.upgraded(admission)
    }

    return admission
  }

  #watch (): void {
    for (const maConn of this.#unwatched.splice(0)) {
      const { status, timeline } = maConn

      if (status === 'closed' || status === 'aborted' || status === 'reset') {
        // the remote may hang up before it is accepted
        this.#fail(timeline)
      } else if (this.#pending.has(timeline)) {
        maConn.addEventListener('close', () => { this.#fail(timeline) }, { once: true })
      }
    }
  }

  /**
   * Harmless when the connection is not pending any more
   */
  #fail (timeline: object): void {
    const admission = this.#pending.get(timeline)

    if (admission != null) {
      this.#pending.delete(timeline)
      this.#pipeline.release(admission)
    }
  }
}
