import { AbortError } from '@libp2p/interface'
import { hasErrorName } from '../errors.ts'
import { DialRate } from './dial-rate.ts'
import { freeDialSlots } from './dial-slots.ts'
import { FailureBrake } from './failure-brake.ts'
import type { AutomaticConnection, AutomaticDials } from './automatic-dials.ts'
import type { Candidate } from './candidate.ts'
import type { TopUpConfig } from './top-up-config.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '@libp2p/interface'

export interface TopUpComponents {
  clock: Clock
  log: Logger
  dials: AutomaticDials

  /**
   * How many connections there should be
   */
  target(): number

  /**
   * How many of them there are
   */
  connected(): number

  /**
   * Candidates, one after the other as they are asked for, until there are none for
   * now
   */
  candidates(signal: AbortSignal): AsyncGenerator<Candidate, void, undefined>

  /**
   * After how many ms there may be candidates where there are none now
   */
  retryIn(): number

  /**
   * No candidates are needed for now
   */
  releaseSources(): void

  /**
   * Put right what is known of connections, as an event may have been missed
   */
  reconcile(): void

  /**
   * There is a connection
   */
  onConnected(result: AutomaticConnection): void

  /**
   * The target is reached: dials that still run are not needed any more
   */
  onReached(): void
}

/**
 * In ms: the time between two rounds. What happens meanwhile is dealt with in the
 * next.
 */
export const ROUND_GAP = 1_000

/**
 * Keeps as many connections as there should be. What it does depends on what is, not
 * on what it was told: events only make it look earlier.
 */
export class TopUp {
  readonly #components: TopUpComponents
  readonly #config: TopUpConfig
  readonly #rate: DialRate
  readonly #brake: FailureBrake

  /**
   * Looks whether connections are missing, now and then. `undefined` while nothing is
   * to be dialled.
   */
  #tick?: Timer

  /**
   * The round that is under way: it takes candidates, and dials them, until nothing
   * is missing or there are no more
   */
  #round?: { readonly controller: AbortController, ended: Promise<void> }

  /**
   * When the last round has ended
   */
  #endedAt = -Infinity

  /**
   * The round that is under way was given up for another one, which begins at once
   */
  #isHurried = false

  /**
   * Starts the next round
   */
  #next?: Timer

  /**
   * Something has happened since the round began
   */
  #isStale = false

  /**
   * Whoever waits for something to happen
   */
  #waiting?: () => void

  constructor (components: TopUpComponents, config: TopUpConfig) {
    this.#components = components
    this.#config = config
    this.#rate = new DialRate(components.clock, config.rate)
    this.#brake = new FailureBrake(components.clock)
  }

  /**
   * How many connections are missing, less than 0 if there are more than there should
   * be
   */
  get missing (): number {
    return this.#components.target() - this.#components.connected()
  }

  get isActive (): boolean {
    return this.#tick != null
  }

  start (): void {
    if (this.#tick == null) {
      this.#schedule()
      this.wake()
    }
  }

  /**
   * Resolves when nothing is left of it. What is being dialled is given up.
   */
  async stop (): Promise<void> {
    this.#tick?.clear()
    this.#tick = undefined
    this.#next?.clear()
    this.#next = undefined
    this.#endedAt = -Infinity
    this.#components.dials.abort()
    this.#round?.controller.abort()
    this.#waiting?.()
    await this.#round?.ended
  }

  /**
   * Something has happened that may matter
   */
  readonly wake = (): void => {
    this.#isStale = true
    this.#waiting?.()
    this.#check()
  }

  /**
   * The network has changed, so failures of the past mean nothing
   */
  networkChanged (): void {
    this.#brake.onSuccess()
    this.#endedAt = -Infinity
    this.#isHurried = this.#round != null
    this.#round?.controller.abort()
    this.wake()
  }

  #schedule (): void {
    this.#tick = this.#components.clock.setTimeout(() => {
      this.#schedule()
      this.#components.reconcile()
      this.wake()
    }, this.#config.interval)
  }

  #check (): void {
    if (!this.isActive) {
      return
    }

    if (this.missing <= 0) {
      this.#components.onReached()
      return
    }

    this.#next?.clear()
    this.#next = undefined

    if (this.#round != null) {
      return
    }

    const { clock, log } = this.#components
    const sinceLast = clock.now() - this.#endedAt

    // a clock that was set back does not keep the next round waiting
    if (sinceLast >= 0 && sinceLast < ROUND_GAP) {
      this.#checkIn(ROUND_GAP - sinceLast)
      return
    }

    const controller = new AbortController()
    this.#isStale = false
    const round = { controller, ended: Promise.resolve() }
    this.#round = round
    round.ended = this.#run(controller.signal)
      .catch(err => { log.error('could not look for peers - %e', err) })
      .finally(() => { this.#onRoundEnd() })
  }

  #onRoundEnd (): void {
    this.#round = undefined
    this.#endedAt = this.#isHurried ? -Infinity : this.#components.clock.now()
    this.#isHurried = false

    if (!this.isActive || this.missing <= 0) {
      this.#components.releaseSources()
    }

    if (this.#isStale) {
      this.#check()
    } else if (this.isActive && this.missing > 0 && this.#components.retryIn() < this.#config.interval) {
      this.#checkIn(Math.max(ROUND_GAP, this.#components.retryIn()))
    }
  }

  #checkIn (delay: number): void {
    this.#next = this.#components.clock.setTimeout(() => {
      this.#next = undefined
      this.#check()
    }, delay)
  }

  async #run (signal: AbortSignal): Promise<void> {
    const candidates = this.#components.candidates(signal)

    try {
      while (await this.#mayDial(signal)) {
        const { done, value } = await candidates.next()

        if (done === true) {
          return
        }

        // while it was looked for the target may have been reached
        if (!signal.aborted && this.missing > 0) {
          this.#dial(value)
        }
      }
    } finally {
      await candidates.return()
    }
  }

  /**
   * Resolves when one more peer may be dialled. `false` if there is no need to.
   */
  async #mayDial (signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted && this.missing > 0) {
      const slots = freeDialSlots({
        target: this.#components.target(),
        connected: this.#components.connected(),
        dialling: this.#components.dials.size,
        maxDialling: this.#config.maxParallel
      })
      const wait = slots === 0 ? Infinity : Math.max(this.#rate.wait, this.#brake.remaining)

      if (wait === 0) {
        return true
      }

      await this.#change(wait)
    }

    return false
  }

  /**
   * Resolves when something happens, or after so many ms
   */
  async #change (wait: number): Promise<void> {
    let timer: Timer | undefined

    await new Promise<void>(resolve => {
      this.#waiting = resolve

      if (wait !== Infinity) {
        timer = this.#components.clock.setTimeout(resolve, wait)
      }
    })

    this.#waiting = undefined
    timer?.clear()
  }

  #dial (candidate: Candidate): void {
    const { dials, log, onConnected } = this.#components
    this.#rate.take()

    dials.dial(candidate)
      .then(result => {
        this.#brake.onSuccess()
        onConnected(result)
      }, err => {
        // given up because the target was reached
        if (!hasErrorName(err, AbortError.name)) {
          this.#brake.onFailure()
        }
      })
      .catch(err => { log.error('could not take in a connection - %e', err) })
      .finally(this.wake)
  }
}
