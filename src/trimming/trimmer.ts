import { InvalidOptionError } from '../errors.ts'
import { TrimRun } from './trim-run.ts'
import { highWaterWithin, lowWaterWithin } from './watermarks.ts'
import type { TrimRequest, TrimRunComponents, TrimRunInit } from './trim-run.ts'
import type { Timer } from '../clock.ts'
import type { TrimResult } from '../metrics/index.ts'

/**
 * How to trim
 */
export interface TrimOptions {
  /**
   * Memory is short: connections in their grace period are closed as well, and
   * those with many streams before those with few
   *
   * @default false
   */
  emergency?: boolean

  /**
   * If closing all others is not enough, close connections to protected peers
   * too. Needs `emergency`.
   *
   * @default false
   */
  includeProtected?: boolean
}

export interface TrimmerComponents extends TrimRunComponents {
  /**
   * How many connections there may be at this moment. The watermarks are lowered to it.
   *
   * @default Infinity
   */
  places?(): number

  /**
   * Called after every trim that had to close something
   */
  onTrim(result: TrimResult): void
}

export interface TrimmerInit extends TrimRunInit {
  lowWater: number
  highWater: number
  silencePeriod: number
}

/**
 * Closes connections when more are open than the high watermark allows, until as
 * many are left as the low watermark says. Trims one after the other, and only
 * while it is started.
 */
export class Trimmer {
  readonly #components: TrimmerComponents
  readonly #init: TrimmerInit
  #started = false

  /**
   * The trim that is running
   */
  #running?: { readonly request: TrimRequest, readonly result: Promise<TrimResult> }

  /**
   * When the watermark will be checked, in ms since the epoch
   */
  #next?: { readonly timer: Timer, readonly at: number }

  /**
   * When the last trim for a watermark ended, in ms since the epoch
   */
  #lastTrim?: number

  /**
   * There was a reason to check the watermark again while a trim was running
   */
  #checkAgain = false

  /**
   * Somebody found no place, and since then there were always as many connections as
   * the high watermark allows
   */
  #isFull = false

  #lowWater: number
  #highWater: number

  constructor (components: TrimmerComponents, init: TrimmerInit) {
    this.#components = components
    this.#init = init
    this.#lowWater = init.lowWater
    this.#highWater = init.highWater
  }

  /**
   * What holds at this moment, as far as there are places
   */
  get lowWater (): number {
    return lowWaterWithin(this.#lowWater, this.#highWater, this.highWater)
  }

  set lowWater (lowWater: number) {
    this.#lowWater = lowWater
  }

  /**
   * What holds at this moment, as far as there are places
   */
  get highWater (): number {
    return highWaterWithin(this.#highWater, this.#components.places?.() ?? Infinity)
  }

  set highWater (highWater: number) {
    this.#highWater = highWater
  }

  start (): void {
    this.#started = true
    this.#lastTrim = undefined
    this.check()
  }

  /**
   * Resolves when a trim that is running has ended
   */
  async stop (): Promise<void> {
    this.#started = false
    this.#clearTimer()

    while (this.#running != null) {
      await this.#idle()
    }
  }

  /**
   * To be called when there may be too many connections, or more of them may be
   * closed. The trim runs on a later turn of the event loop, at most once per
   * silence period.
   */
  check (): void {
    if (!this.#isTooMany()) {
      return
    }

    if (this.#running != null) {
      this.#checkAgain = true
    } else {
      this.#schedule(0)
    }
  }

  /**
   * Are fewer connections open than a trim would leave, with so many more?
   */
  isBelowLowWater (more: number): boolean {
    return this.#components.table.size + more < Math.max(1, this.lowWater)
  }

  /**
   * Can another connection be opened besides so many more, without a trim?
   */
  isBelowHighWater (more: number): boolean {
    return this.#components.table.size + more < this.highWater
  }

  /**
   * To be called when another connection found no place. If there are as many as the
   * high watermark allows, they are trimmed: it can not be exceeded.
   */
  full (): void {
    this.#isFull = true
    this.check()
  }

  /**
   * Trim down to the low watermark now, or join a trim that is running and does so
   */
  async trim (options: TrimOptions = {}): Promise<TrimResult> {
    if (options.emergency !== true) {
      return this.#joinable() ?? this.#enqueue(() => ({ reason: 'requested', goal: { keep: this.lowWater } }))
    }

    const request: TrimRequest = { reason: 'emergency', goal: { keep: this.lowWater }, ignoreGrace: true, emergency: true }
    const result = await this.#enqueue(() => request)

    if (options.includeProtected !== true || this.#components.table.size <= this.lowWater) {
      return result
    }

    const rest = await this.#enqueue(() => ({ ...request, ignoreProtection: true }))

    return { ...rest, before: result.before, wanted: result.wanted, closed: [...result.closed, ...rest.closed] }
  }

  /**
   * Close `n` connections, whatever the watermarks
   *
   * @throws {InvalidOptionError} if `n` is not a whole number of at least 0
   */
  async trimConnections (n: number): Promise<TrimResult> {
    if (!(Number.isSafeInteger(n) && n >= 0)) {
      throw new InvalidOptionError('n', n, 'a whole number of at least 0')
    }

    return this.#enqueue(() => ({ reason: 'count', goal: { close: n } }))
  }

  /**
   * Apply lower watermarks at once. Connections in their grace period are closed
   * only as far as the high watermark needs it.
   */
  async enforce (): Promise<void> {
    if (!this.#isTooMany()) {
      return
    }

    await this.#enqueue(() => ({ reason: 'max-connections', goal: { keep: this.lowWater } }))

    if (this.#isTooMany()) {
      await this.#enqueue(() => ({ reason: 'max-connections', goal: { keep: this.highWater }, ignoreGrace: true }))
    }
  }

  #isTooMany (): boolean {
    const { size } = this.#components.table
    const { highWater } = this
    this.#isFull &&= size >= highWater

    return this.#started && (this.#isFull || size > highWater)
  }

  #joinable (): Promise<TrimResult> | undefined {
    const goal = this.#running?.request.goal

    return goal != null && 'keep' in goal && goal.keep <= this.lowWater ? this.#running?.result : undefined
  }

  /**
   * Check the watermark in `delay` ms, or earlier if that is scheduled already,
   * but not within the silence period
   */
  #schedule (delay: number): void {
    const { clock } = this.#components
    const { silencePeriod } = this.#init
    const now = clock.now()

    // the silence does not get longer when the clock is set back
    const silence = this.#lastTrim == null ? 0 : Math.min(silencePeriod, this.#lastTrim + silencePeriod - now)
    const wait = Math.max(0, delay, silence)
    const at = now + wait

    if (this.#next != null && this.#next.at <= at) {
      return
    }

    this.#clearTimer()
    this.#next = { at, timer: clock.setTimeout(() => { this.#onTimer() }, wait) }
  }

  #onTimer (): void {
    this.#next = undefined

    if (this.#running != null) {
      this.#checkAgain = true
      return
    }

    if (this.#isTooMany()) {
      this.#enqueue(() => ({ reason: 'high-water', goal: { keep: this.lowWater } }))
        .catch(err => { this.#components.log.error('could not trim connections - %e', err) })
    }
  }

  #clearTimer (): void {
    this.#next?.timer.clear()
    this.#next = undefined
  }

  /**
   * Resolves when the trim that is running has ended
   */
  async #idle (): Promise<void> {
    await this.#running?.result.catch(() => {})
  }

  async #enqueue (makeRequest: () => TrimRequest): Promise<TrimResult> {
    while (this.#running != null) {
      await this.#idle()
    }

    const request = makeRequest()

    // nothing of the run happens before `running` is set, as it calls functions of
    // the user, who may call us
    const result = Promise.resolve()
      .then(async () => this.#run(request))
      .finally(() => { this.#running = undefined })
    this.#running = { request, result }

    return result
  }

  async #run (request: TrimRequest): Promise<TrimResult> {
    const components = this.#components
    const init = this.#init
    const { clock, log } = components

    this.#checkAgain = false

    // nothing is closed after `stop`, by whoever waited for another trim to end
    const { result, graceRemaining } = await new TrimRun(components, init, this.#started ? request : { ...request, goal: { close: 0 } }).execute()

    if (result.wanted > 0) {
      log('trimmed %d of %d connections, %d were to be closed - %s', result.closed.length, result.before, result.wanted, result.reason)
      components.onTrim(result)

      if ('keep' in request.goal) {
        this.#lastTrim = clock.now()
      }
    }

    // what is left in its grace period can be closed when that ends. Where all
    // others are protected, trying again changes nothing until that does.
    if (this.#isTooMany() && this.#checkAgain) {
      this.#schedule(0)
    } else if (this.#isTooMany() && graceRemaining !== Infinity) {
      this.#schedule(graceRemaining)
    }

    return result
  }
}
