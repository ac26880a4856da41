import { AbortError } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { toError } from '../errors.ts'
import { WaitingLine } from './waiting-line.ts'
import type { DialJob } from './dial-job.ts'
import type { Place } from './waiting-line.ts'
import type { AbortOptions, Connection, Metrics, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * One of this many places is kept for jobs with a higher priority than others
 * that run, so that these never wait for a queue full of dead peers
 */
const RESERVED_FRACTION = 10

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
   * Jobs that hold one of the places, by id
   */
  readonly #runningJobs = new Map<string, DialJob>()

  /**
   * Jobs that have not started, and where they stand
   */
  readonly #waitingJobs = new WaitingLine<DialJob>()
  readonly #places = new Map<string, Place<DialJob>>()

  /**
   * The jobs that can be joined
   */
  readonly #byPeer = new Map<string, DialJob>()
  readonly #byAddress = new Map<string, DialJob>()

  /**
   * How many jobs run, by priority
   */
  readonly #runningByPriority = new Map<number, number>()

  /**
   * Jobs whose outcome is known, but of which cancelled attempts are left
   */
  #leftovers = 0
  #order = 0

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
    return [...this.#runningJobs.values(), ...this.#waitingJobs.toArray()]
  }

  /**
   * How many jobs run or wait
   */
  get size (): number {
    return this.#runningJobs.size + this.#waitingJobs.size
  }

  /**
   * How many jobs run
   */
  get running (): number {
    return this.#runningJobs.size
  }

  /**
   * How many jobs run, under the name that the metric of libp2p's own queue reads
   */
  get pending (): number {
    return this.#runningJobs.size
  }

  /**
   * How many jobs wait
   */
  get queued (): number {
    return this.#waitingJobs.size
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
    this.#places.set(job.id, this.#waitingJobs.join(job, job.options.priority, this.#order++))
    this.#index(job)
    this.safeDispatchEvent('add')
    this.#startNext()
  }

  /**
   * A job that is waited for by somebody more urgent moves forward. Addresses
   * that were added to it lead to it.
   */
  update (job: DialJob, priority: number): void {
    this.#index(job)
    const place = this.#places.get(job.id)

    if (place == null || priority <= job.options.priority) {
      return
    }

    job.options.priority = priority
    this.#waitingJobs.leave(place)
    this.#places.set(job.id, this.#waitingJobs.join(job, priority, place.order))
    this.#startNext()
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
    signal?.throwIfAborted()

    if (test()) {
      return
    }

    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        this.removeEventListener(type, onEvent)
        signal?.removeEventListener('abort', onAbort)
      }
      const onEvent = (): void => {
        if (test()) {
          stop()
          resolve()
        }
      }
      const onAbort = (): void => {
        stop()
        reject(toError(signal?.reason ?? new AbortError()))
      }

      this.addEventListener(type, onEvent)
      signal?.addEventListener('abort', onAbort)
    })
  }

  #startNext (): void {
    for (let job = this.#waitingJobs.peek(); job != null && this.#hasPlaceFor(job); job = this.#waitingJobs.peek()) {
      this.#waitingJobs.shift()
      this.#places.delete(job.id)
      this.#run(job)
    }
  }

  #hasPlaceFor (job: DialJob): boolean {
    const free = this.concurrency - this.#runningJobs.size
    const reserved = Number.isFinite(this.concurrency) ? Math.floor(this.concurrency / RESERVED_FRACTION) : 0

    return free > reserved || (free > 0 && job.options.priority > Math.min(...this.#runningByPriority.keys()))
  }

  #run (job: DialJob): void {
    const { priority } = job.options
    this.#runningJobs.set(job.id, job)
    this.#runningByPriority.set(priority, (this.#runningByPriority.get(priority) ?? 0) + 1)
    job.start()
    this.safeDispatchEvent('active')

    const { result, ended } = this.#init.run(job)
    this.#leftovers++

    result.then(connection => {
      this.#release(job, priority)
      job.succeed(connection)
      this.safeDispatchEvent('completed', { detail: connection })
      this.safeDispatchEvent('success', { detail: { job, result: connection } })
    }, error => {
      this.#release(job, priority)
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

  #release (job: DialJob, priority: number): void {
    this.#runningJobs.delete(job.id)
    const count = this.#runningByPriority.get(priority) ?? 0

    if (count > 1) {
      this.#runningByPriority.set(priority, count - 1)
    } else {
      this.#runningByPriority.delete(priority)
    }

    this.#unindex(job)
    this.#startNext()
  }

  /**
   * Nobody waits for the job. If it runs, it will end by itself, but nobody can
   * join any more.
   */
  #remove (job: DialJob, reason: Error): void {
    this.#unindex(job)
    const place = this.#places.get(job.id)

    if (place != null) {
      this.#waitingJobs.leave(place)
      this.#places.delete(job.id)
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
