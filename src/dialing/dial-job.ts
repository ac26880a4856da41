import { AbortError, TimeoutError } from '@libp2p/interface'
import { toError } from '../errors.ts'
import { whenAborted } from '../when-aborted.ts'
import { attachDialReport } from './dial-failure.ts'
import type { Clock } from '../clock.ts'
import type { DialReport } from './dial-failure.ts'
import type { Connection, OpenConnectionProgressEvents, PeerId } from '@libp2p/interface'
import type { JobStatus } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ProgressOptions } from 'progress-events'

/**
 * What is dialled, and how
 */
export interface DialJobOptions {
  peerId?: PeerId

  /**
   * The addresses that were asked for. Those who join can add further ones.
   */
  multiaddrs: Set<string>

  /**
   * Waiting jobs with a higher priority start first
   */
  priority: number

  /**
   * Nobody can join, and failures of the past do not matter
   */
  force?: boolean

  /**
   * Which side begins the handshakes, given by protocols that open a connection
   * from both ends at the same moment
   */
  initiator?: boolean

  /**
   * Nobody asked for this very peer: budgets per group and failures of the past
   * bind the dial
   */
  automatic?: boolean

  /**
   * A dial that runs goes on only once this peer, its relay, is connected, so that this
   * one needs no place: those that wait for it may have them all
   */
  isAwaited?: boolean
}

/**
 * Somebody who waits for the connection
 */
export interface JobRecipientOptions extends ProgressOptions<OpenConnectionProgressEvents> {
  /**
   * When it aborts, this recipient stops waiting; the others go on
   */
  signal?: AbortSignal

  /**
   * How long to wait in ms
   *
   * @default Infinity
   */
  timeout?: number
}

/**
 * What the job tells its owner
 */
export interface DialJobCallbacks {
  /**
   * Somebody joined, and may want further addresses to be dialled
   */
  onJoin?(): void

  /**
   * Nobody waits any longer
   */
  onAbandon?(reason: Error): void

  /**
   * What is known by now of the addresses, for the error of a recipient that
   * stops waiting
   */
  report?(): DialReport

  /**
   * The `onProgress` of a recipient has thrown
   */
  onProgressFailed?(error: Error): void
}

interface Recipient extends Pick<JobRecipientOptions, 'onProgress'>, PromiseWithResolvers<Connection> {}

let jobs = 0

/**
 * The dial of one peer, and those who wait for it. Everybody waits on their own
 * terms; the job is abandoned when the last one has gone.
 */
export class DialJob {
  /**
   * Jobs that were made before have a lower one
   */
  readonly order = ++jobs
  readonly id = `dial-${this.order}`
  readonly options: DialJobOptions
  readonly timeline: { created: number, started?: number, finished?: number }
  readonly callbacks: DialJobCallbacks = {}
  status: JobStatus = 'queued'

  /**
   * The addresses in `options.multiaddrs`
   */
  readonly multiaddrs: Multiaddr[] = []

  /**
   * Whether somebody gave no addresses, so that those are to be dialled which are
   * known of the peer
   */
  wantsKnownAddresses = false

  readonly #clock: Clock
  readonly #controller = new AbortController()
  readonly #recipients = new Set<Recipient>()

  constructor (options: DialJobOptions, clock: Clock) {
    this.options = options
    this.#clock = clock
    this.timeline = { created: clock.now() }
  }

  /**
   * Aborts when nobody waits any longer
   */
  get signal (): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Wait for the connection. Without addresses, those that are known of the peer
   * are dialled.
   *
   * @throws {AbortError} or the reason of the signal, when it aborts
   * @throws {TimeoutError} when the time is over
   */
  async join (options: JobRecipientOptions = {}, multiaddrs: Multiaddr[] = []): Promise<Connection> {
    const { signal, timeout = Infinity, onProgress } = options
    signal?.throwIfAborted()

    const recipient: Recipient = { onProgress, ...Promise.withResolvers<Connection>() }
    const stop = whenAborted(signal, () => { this.#leave(recipient, signal?.reason ?? new AbortError()) })
    const timer = timeout === Infinity
      ? undefined
      : this.#clock.setTimeout(() => { this.#leave(recipient, new TimeoutError(`The dial took longer than ${timeout} ms`)) }, timeout)

    this.#recipients.add(recipient)
    this.#want(multiaddrs)
    this.callbacks.onJoin?.()

    try {
      return await recipient.promise
    } finally {
      timer?.clear()
      stop()
    }
  }

  /**
   * Tell everybody who waits what happens
   */
  progress (event: OpenConnectionProgressEvents): void {
    for (const recipient of [...this.#recipients]) {
      try {
        recipient.onProgress?.(event)
      } catch (err) {
        // the dial goes on, also for the others
        recipient.onProgress = undefined
        this.callbacks.onProgressFailed?.(toError(err))
      }
    }
  }

  start (): void {
    this.status = 'running'
    this.timeline.started = this.#clock.now()
  }

  succeed (connection: Connection): void {
    this.#finish('complete', recipient => { recipient.resolve(connection) })
  }

  fail (error: Error): void {
    this.#finish('errored', recipient => { recipient.reject(error) })
  }

  /**
   * Nobody gets a connection
   */
  abort (reason: Error): void {
    this.fail(reason)
    this.#abandon(reason)
  }

  #want (multiaddrs: Multiaddr[]): void {
    this.wantsKnownAddresses ||= multiaddrs.length === 0

    for (const multiaddr of multiaddrs) {
      const text = multiaddr.toString()

      if (!this.options.multiaddrs.has(text)) {
        this.options.multiaddrs.add(text)
        this.multiaddrs.push(multiaddr)
      }
    }
  }

  #finish (status: JobStatus, settle: (recipient: Recipient) => void): void {
    if (this.status === 'complete' || this.status === 'errored') {
      return
    }

    this.status = status
    this.timeline.finished = this.#clock.now()
    const recipients = [...this.#recipients]
    this.#recipients.clear()
    recipients.forEach(settle)
  }

  #leave (recipient: Recipient, reason: unknown): void {
    if (!this.#recipients.delete(recipient)) {
      return
    }

    const error = toError(reason)
    const report = this.callbacks.report?.()
    recipient.reject(report == null ? error : attachDialReport(error, report))

    if (this.#recipients.size === 0) {
      this.fail(error)
      this.#abandon(error)
    }
  }

  #abandon (reason: Error): void {
    this.#controller.abort(reason)
    this.callbacks.onAbandon?.(reason)
  }
}
