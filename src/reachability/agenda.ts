import type { Clock, Timer } from '../clock.ts'

interface Entry {
  at: number
  run(): void | Promise<void>
}

/**
 * Things to do at given times, all on one timer. What fails is reported, and
 * never thrown from the timer.
 */
export class Agenda {
  readonly #clock: Clock
  readonly #onError: (err: unknown) => void
  readonly #entries = new Map<string, Entry>()
  #timer?: Timer
  #timerAt?: number

  constructor (clock: Clock, onError: (err: unknown) => void) {
    this.#clock = clock
    this.#onError = onError
  }

  /**
   * Do this at that time, instead of what was to be done under this name
   */
  set (name: string, at: number, run: () => void | Promise<void>): void {
    this.#entries.set(name, { at, run })
    this.#arm()
  }

  /**
   * Do this at that time, or earlier if that was the plan
   */
  hasten (name: string, at: number, run: () => void | Promise<void>): void {
    this.set(name, Math.min(at, this.#entries.get(name)?.at ?? at), run)
  }

  /**
   * Forget about it
   */
  delete (name: string): void {
    this.#entries.delete(name)
    this.#arm()
  }

  /**
   * Forget everything
   */
  clear (): void {
    this.#entries.clear()
    this.#arm()
  }

  #arm (): void {
    const next = Math.min(...[...this.#entries.values()].map(({ at }) => at))

    if (next === this.#timerAt) {
      return
    }

    this.#timer?.clear()
    this.#timer = undefined
    this.#timerAt = undefined

    if (next === Infinity) {
      return
    }

    this.#timerAt = next
    this.#timer = this.#clock.setTimeout(() => {
      this.#timerAt = undefined
      this.#runDue()
      this.#arm()
    }, Math.max(0, next - this.#clock.now()))
  }

  #runDue (): void {
    const now = this.#clock.now()

    for (const [name, entry] of [...this.#entries]) {
      if (entry.at > now || this.#entries.get(name) !== entry) {
        continue
      }

      this.#entries.delete(name)

      try {
        Promise.resolve(entry.run()).catch(this.#onError)
      } catch (err) {
        this.#onError(err)
      }
    }
  }
}

/**
 * Waits that double, in ms
 */
export interface BackOff {
  min: number
  max: number
}

/**
 * How long to wait after the `attempt`-th failure in a row, counted from 1
 */
export function backOff (attempt: number, { min, max }: BackOff): number {
  return Math.min(max, min * 2 ** Math.min(attempt - 1, 30))
}
