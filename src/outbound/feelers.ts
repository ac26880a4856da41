import type { Candidate } from './candidate.ts'
import type { FeelersInit } from './feelers-options.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Random } from '../random.ts'
import type { Connection, Logger } from '@libp2p/interface'

export interface FeelersComponents {
  clock: Clock
  random: Random
  log: Logger

  /**
   * Whether feelers are to be sent now: the target is reached, and nothing is paused
   */
  isDue(): boolean

  /**
   * A peer that might be dialled, whatever network it is in
   */
  candidate(signal: AbortSignal): Promise<Candidate | undefined>
  dial(candidate: Candidate, signal: AbortSignal): Promise<Connection>

  /**
   * Closes a connection unless somebody uses it
   */
  closeUnused(connection: Connection): void
}

/**
 * Looks now and then whether a peer is there that is not needed now, so that it is
 * known who can be dialled when somebody is
 */
export class Feelers {
  readonly #components: FeelersComponents
  readonly #init: Required<FeelersInit>
  readonly #timers = new Set<Timer>()
  #controller?: AbortController
  #running?: Promise<void>

  constructor (components: FeelersComponents, init: Required<FeelersInit>) {
    this.#components = components
    this.#init = init
  }

  start (): void {
    this.#controller = new AbortController()
    this.#schedule()
  }

  async stop (): Promise<void> {
    this.#controller?.abort()
    this.#controller = undefined

    for (const timer of this.#timers) {
      timer.clear()
    }

    this.#timers.clear()
    await this.#running
  }

  #schedule (): void {
    const { random } = this.#components

    this.#after(-Math.log(1 - random.next()) * this.#init.interval, () => {
      this.#schedule()

      // one at a time
      if (this.#running == null && this.#controller != null && this.#components.isDue()) {
        this.#running = this.#send(this.#controller.signal)
          .catch(err => { this.#components.log('a feeler failed - %e', err) })
          .finally(() => { this.#running = undefined })
      }
    })
  }

  async #send (signal: AbortSignal): Promise<void> {
    const candidate = await this.#components.candidate(signal)

    if (candidate == null || signal.aborted) {
      return
    }

    const connection = await this.#components.dial(candidate, signal)

    if (!signal.aborted) {
      this.#after(this.#init.duration, () => { this.#components.closeUnused(connection) })
    }
  }

  #after (delay: number, callback: () => void): void {
    const timer = this.#components.clock.setTimeout(() => {
      this.#timers.delete(timer)
      callback()
    }, delay)
    this.#timers.add(timer)
  }
}
