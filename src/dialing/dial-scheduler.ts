import type { Clock, Timer } from '../clock.ts'
import type { RankedAddress } from './ranker.ts'
import type { Address } from '@libp2p/interface'

/**
 * What an attempt is given by the scheduler
 */
export interface AttemptOptions {
  /**
   * Aborts when another attempt has won or the dial was given up
   */
  signal: AbortSignal

  /**
   * To be called when the remote has answered and the handshake begins: no
   * further address is dialled for the given time, in ms
   */
  onHandshake(hold: number): void
}

/**
 * What the scheduler calls
 */
export interface DialSchedulerInit<Result> {
  clock: Clock

  /**
   * Dial one address
   */
  attempt(address: Address, options: AttemptOptions): Promise<Result>

  /**
   * An attempt that had been cancelled succeeded all the same
   */
  discard(result: Result): void

  /**
   * The error when there is nothing left to try. `skipped` addresses were not dialled
   * because there were too many.
   */
  failure(errors: Error[], skipped: Address[]): Error

  /**
   * At most this many addresses are dialled
   *
   * @default Infinity
   */
  maxAttempts?: number
}

interface Waiting {
  address: Address

  /**
   * When it is dialled at the latest, unless a handshake holds it back
   */
  due: number
}

interface Running {
  controller: AbortController

  /**
   * Which of the starts it belongs to
   */
  batch: number

  /**
   * Until when it holds back further attempts
   */
  holdUntil: number

  /**
   * Resolves when nothing is left of the attempt
   */
  ended?: Promise<void>
}

/**
 * Dials the addresses of one peer, staggered, until one of them answers:
 *
 * An address is dialled when it is due. When all that were started last have
 * failed, the next ones start at once: there is nothing left that deserves a head
 * start. While an attempt is in its handshake, no others start for a moment, as
 * it is about to win. The first to succeed wins; the others are cancelled, which
 * is no failure.
 */
export class DialScheduler<Result> {
  readonly #init: DialSchedulerInit<Result>
  readonly #clock: Clock

  /**
   * Not dialled yet, the next one first
   */
  readonly #waiting: Waiting[] = []

  /**
   * Being dialled
   */
  readonly #running = new Set<Running>()

  /**
   * Every address that was ever added, so that none is dialled twice
   */
  readonly #seen = new Set<string>()

  readonly #errors: Error[] = []
  readonly #outcome = Promise.withResolvers<Result>()
  #attempts = 0
  #batch = 0
  #expected = 0
  #timer?: Timer
  #settled = false

  constructor (init: DialSchedulerInit<Result>) {
    this.#init = init
    this.#clock = init.clock

    // whoever adds addresses need not wait for the outcome
    this.result.catch(() => {})
  }

  /**
   * The result of the first attempt that succeeds
   */
  get result (): Promise<Result> {
    return this.#outcome.promise
  }

  /**
   * How many addresses are being dialled
   */
  get inFlight (): number {
    return this.#running.size
  }

  /**
   * Resolves when the dial is over and what was cancelled has ended, too
   */
  async whenEnded (): Promise<void> {
    await this.result.catch(() => {})
    await Promise.all([...this.#running].map(async ({ ended }) => ended))
  }

  /**
   * Addresses to dial, their delays counted from now. Those that were added
   * before are ignored.
   */
  add (ranked: readonly RankedAddress[]): void {
    if (this.#settled) {
      return
    }

    const now = this.#clock.now()

    for (const { address, delay } of ranked) {
      const key = address.multiaddr.toString()

      if (!this.#seen.has(key)) {
        this.#seen.add(key)
        this.#waiting.push({ address, due: now + usable(delay) })
      }
    }

    // a stable sort: among equals the order of the ranker counts
    this.#waiting.sort((a, b) => a.due - b.due)
    this.#proceed()
  }

  /**
   * Further addresses are on their way: until the returned function is called, once,
   * the dial does not fail for want of addresses
   */
  expect (): () => void {
    this.#expected++

    return () => {
      this.#expected--
      this.#proceed()
    }
  }

  /**
   * Give up: cancel what runs and start nothing more
   */
  abort (reason: Error): void {
    this.#outcome.reject(reason)
    this.#settle(reason)
  }

  get #mayStart (): boolean {
    return this.#waiting.length > 0 && this.#attempts < (this.#init.maxAttempts ?? Infinity)
  }

  #proceed (): void {
    this.#timer?.clear()

    if (this.#settled) {
      return
    }

    if (this.#mayStart) {
      this.#startNext()
    } else if (this.#running.size === 0 && this.#expected === 0) {
      this.abort(this.#init.failure(this.#errors, this.#waiting.map(({ address }) => address)))
    }
  }

  #startNext (): void {
    const now = this.#clock.now()
    const startAt = this.#nextStart()

    if (startAt > now) {
      this.#timer = this.#clock.setTimeout(() => { this.#proceed() }, startAt - now)
      return
    }

    this.#startBatch(Math.max(now, this.#waiting[0].due))
    this.#proceed()
  }

  /**
   * When the next addresses may start, which may be in the past
   */
  #nextStart (): number {
    const running = [...this.#running]
    const isHeadStartOver = running.every(({ batch }) => batch < this.#batch)
    const due = isHeadStartOver ? -Infinity : this.#waiting[0].due

    return running.reduce((latest, { holdUntil }) => Math.max(latest, holdUntil), due)
  }

  /**
   * Start everything that is due at `time`
   */
  #startBatch (time: number): void {
    this.#batch++

    while (this.#mayStart && this.#waiting[0].due <= time) {
      const [next] = this.#waiting.splice(0, 1)
      this.#start(next.address)
    }
  }

  #start (address: Address): void {
    const controller = new AbortController()
    const entry: Running = { controller, batch: this.#batch, holdUntil: -Infinity }
    this.#running.add(entry)
    this.#attempts++

    // a promise even if the attempt throws at once
    const attempt = (async () => this.#init.attempt(address, {
      signal: controller.signal,
      onHandshake: hold => {
        // once per attempt: a remote can not hold up the dial for long
        if (entry.holdUntil === -Infinity) {
          entry.holdUntil = this.#clock.now() + hold
          this.#proceed()
        }
      }
    }))()

    entry.ended = attempt.finally(() => { this.#running.delete(entry) }).then(result => {
      if (this.#settled) {
        this.#init.discard(result)
        return
      }

      this.#outcome.resolve(result)
      this.#settle(new Error('Another address was faster'))
    }, error => {
      this.#errors.push(error)
      this.#proceed()
    })
  }

  #settle (reason: Error): void {
    this.#settled = true
    this.#timer?.clear()
    this.#waiting.length = 0
    this.#running.forEach(({ controller }) => { controller.abort(reason) })
  }
}

/**
 * Delays come from rankers of users. A timer takes no more than this.
 */
function usable (delay: number): number {
  return Number.isNaN(delay) ? 0 : Math.min(Math.max(0, delay), 2 ** 31 - 1)
}
