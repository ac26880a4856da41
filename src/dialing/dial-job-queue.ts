import { AbortError } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { untilAborted } from '../core/index.ts'
import type { DialJob } from './dial-job.ts'
import type { AbortOptions, Connection, Metrics, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The other places are kept for jobs with a higher priority than others that run, so
 * that these never wait for a queue full of dead peers
 */
const PLACES_FOR_ALL = 0.9

/**
 * What the queue tells, under the names of libp2p's own queues
 */
export interface DialJobQueueEvents {
  /**
   * A job starts
   */
  active: CustomEvent

  /**
   * Nothing runs and nothing waits
   */
  idle: CustomEvent

  /**
   * Nothing runs and nothing waits
   */
  empty: CustomEvent

  /**
   * A job was added
   */
  add: CustomEvent

  /**
   * A job has ended, or was removed
   */
  next: CustomEvent
  completed: CustomEvent<Connection>
  success: CustomEvent<{ job: DialJob, result: Connection }>
  failure: CustomEvent<{ job: DialJob, error: Error }>
}

/**
 * A job that was started
 */
export interface RunningDial {
  /**
   * The outcome
   */
  result: Promise<Connection>

  /**
   * Resolves when nothing is left of it: what was cancelled has gone, too. Never
   * rejects.
   */
  ended: Promise<void>
}

export interface DialJobQueueInit {
  /**
   * How many jobs run at the same time
   */
  concurrency: number

  /**
   * Start a job
   */
  run(job: DialJob): RunningDial
  metrics?: Metrics
}

/**
 * The dials that run and wait, one per peer, found by peer and by address in
 * constant time. It has the public surface of libp2p's own queue, on which other
 * projects wait and whose jobs they list.
 */
export class DialJobQueue extends TypedEventEmitter<DialJobQueueEvents> {
  readonly concurrency: number

  readonly #init: DialJobQueueInit

  /**
   * Jobs that hold one of the places
   */
  readonly #running = new Set<DialJob>()

  /**
   * Jobs that have not started, in the order in which they will
   */
  readonly #waiting: DialJob[] = []

  /**
   * The jobs that can be joined
   */
  readonly #byPeer = new Map<string, DialJob>()
  readonly #byAddress = new Map<string, DialJob>()

  /**
   * Jobs whose outcome is known, but of which cancelled attempts are left
   */
  #leftovers = 0

  constructor (init: DialJobQueueInit) {
    super()

    this.#init = init
    this.concurrency = init.concurrency

    init.metrics?.registerMetricGroup('libp2p_dial_queue', {
      calculate: () => ({ size: this.size, running: this.running, queued: this.queued })
    })
  }

  /**
   * All jobs, those that run first, then those that wait in their order. Made
   * anew every time.
   */
  get queue (): DialJob[] {
    return [...this.#running, ...this.#waiting]
  }

  /**
   * How many jobs run or wait
   */
  get size (): number {
    return this.#running.size + this.#waiting.length
  }

  /**
   * How many jobs run
   */
  get running (): number {
    return this.#running.size
  }

  /**
   * How many jobs run, under the name that the metric of libp2p's own queue reads
   */
  get pending (): number {
    return this.#running.size
  }

  /**
   * How many jobs wait
   */
  get queued (): number {
    return this.#waiting.length
  }

  /**
   * The job that dials the peer or one of the addresses and that can be joined
   */
  find (peerId: PeerId | undefined, multiaddrs: readonly Multiaddr[]): DialJob | undefined {
    const job = peerId == null ? undefined : this.#byPeer.get(peerId.toString())

    if (job != null || this.#byAddress.size === 0) {
      return job
    }

    for (const multiaddr of multiaddrs) {
      const job = this.#byAddress.get(multiaddr.toString())

      if (job != null) {
        return job
      }
    }
  }

  /**
   * Add a job, which starts as soon as there is a place for it
   */
  add (job: DialJob): void {
    job.callbacks.onAbandon = reason => { this.#remove(job, reason) }
    this.#index(job)
    this.#enqueue(job)
    this.safeDispatchEvent('add')
    this.#startNext()
  }

  /**
   * A job that is waited for by somebody more urgent moves forward, and one that
   * another job waits for starts. Addresses that were added to it lead to it.
   */
  update (job: DialJob, priority: number, isAwaited = false): void {
    this.#index(job)

    if ((priority > job.options.priority || isAwaited) && this.#dequeue(job)) {
      job.options.priority = Math.max(priority, job.options.priority)
      job.options.isAwaited ||= isAwaited
      this.#enqueue(job)
      this.#startNext()
    }
  }

  /**
   * Abort all jobs
   */
  abort (reason: Error = new AbortError()): void {
    for (const job of this.queue) {
      job.abort(reason)
    }
  }

  /**
   * Resolves when nothing runs and nothing waits, and of what was cancelled
   * nothing is left
   */
  async onIdle (options?: AbortOptions): Promise<void> {
    await this.#until('idle', () => this.#isIdle, options)
  }

  /**
   * Resolves when nothing runs and nothing waits
   */
  async onEmpty (options?: AbortOptions): Promise<void> {
    await this.#until('empty', () => this.size === 0, options)
  }

  /**
   * Resolves when fewer than `limit` jobs run or wait
   */
  async onSizeLessThan (limit: number, options?: AbortOptions): Promise<void> {
    await this.#until('next', () => this.size < limit, options)
  }

  get #isIdle (): boolean {
    return this.size === 0 && this.#leftovers === 0
  }

  async #until (type: 'idle' | 'empty' | 'next', test: () => boolean, { signal }: AbortOptions = {}): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const onEvent = (): void => {
      if (test()) {
        resolve()
      }
    }

    this.addEventListener(type, onEvent)
    onEvent()

    try {
      await untilAborted(promise, signal)
    } finally {
      this.removeEventListener(type, onEvent)
    }
  }

  /**
   * First come first served within a priority, higher priorities first, before all what
   * others wait for
   */
  #enqueue (job: DialJob): void {
    this.#waiting.splice(this.#waiting.findLastIndex(other => isBefore(other, job)) + 1, 0, job)
  }

  /**
   * Returns whether the job was waiting
   */
  #dequeue (job: DialJob): boolean {
    const index = this.#waiting.indexOf(job)

    return index !== -1 && this.#waiting.splice(index, 1).length > 0
  }

  #startNext (): void {
    for (let [job] = this.#waiting; job != null && this.#hasPlaceFor(job); [job] = this.#waiting) {
      this.#waiting.shift()
      this.#run(job)
    }
  }

  #hasPlaceFor ({ options: { isAwaited, priority } }: DialJob): boolean {
    return isAwaited === true || this.running / this.concurrency < PLACES_FOR_ALL ||
      (this.running < this.concurrency && [...this.#running].some(({ options }) => priority > options.priority))
  }

  #run (job: DialJob): void {
    this.#running.add(job)
    job.start()
    this.safeDispatchEvent('active')

    const { result, ended } = this.#init.run(job)
    this.#leftovers++

    result.then(connection => {
      this.#release(job)
      job.succeed(connection)
      this.safeDispatchEvent('completed', { detail: connection })
      this.safeDispatchEvent('success', { detail: { job, result: connection } })
    }, error => {
      this.#release(job)
      job.fail(error)
      this.safeDispatchEvent('failure', { detail: { job, error } })
    })
      .then(async () => {
        this.#afterEnd()
        await ended
      })
      .finally(() => {
        this.#leftovers--
        this.#afterLeftovers()
      })
      // listeners can not throw into here
      .catch(() => {})
  }

  #release (job: DialJob): void {
    this.#running.delete(job)
    this.#unindex(job)
    this.#startNext()
  }

  /**
   * Nobody waits for the job. If it runs, it will end by itself, but nobody can
   * join any more.
   */
  #remove (job: DialJob, reason: Error): void {
    this.#unindex(job)

    if (this.#dequeue(job)) {
      this.safeDispatchEvent('failure', { detail: { job, error: reason } })
      this.#afterEnd()
    }
  }

  #afterEnd (): void {
    this.safeDispatchEvent('next')

    if (this.size === 0) {
      this.safeDispatchEvent('empty')
    }

    this.#afterLeftovers()
  }

  #afterLeftovers (): void {
    if (this.#isIdle) {
      this.safeDispatchEvent('idle')
    }
  }

  #index (job: DialJob): void {
    if (job.options.force === true) {
      return
    }

    if (job.options.peerId != null) {
      this.#byPeer.set(job.options.peerId.toString(), job)
    }

    for (const multiaddr of job.options.multiaddrs) {
      if (!this.#byAddress.has(multiaddr)) {
        this.#byAddress.set(multiaddr, job)
      }
    }
  }

  #unindex (job: DialJob): void {
    const peer = job.options.peerId?.toString()

    if (peer != null && this.#byPeer.get(peer) === job) {
      this.#byPeer.delete(peer)
    }

    for (const multiaddr of job.options.multiaddrs) {
      if (this.#byAddress.get(multiaddr) === job) {
        this.#byAddress.delete(multiaddr)
      }
    }
  }
}

function isBefore (a: DialJob, b: DialJob): boolean {
  const isFirst = a.options.isAwaited === true

  if (isFirst !== (b.options.isAwaited === true)) {
    return isFirst
  }

  return a.options.priority === b.options.priority ? a.order < b.order : a.options.priority > b.options.priority
}
