/**
 * A timer that was started by a {@link Clock}
 */
export interface Timer {
  /**
   * Stop the timer. Harmless when it has fired already.
   */
  clear(): void
}

/**
 * Where the time comes from. Everything in this module that waits or measures
 * takes its time from here, so that tests and simulations can run on a virtual
 * clock.
 */
export interface Clock {
  /**
   * Milliseconds since the Unix epoch
   */
  now(): number

  /**
   * Run `callback` once after `delay` ms, or at once if that has passed. After
   * `Infinity` ms it never runs. The timer does not keep the process alive.
   */
  setTimeout(callback: () => void, delay: number): Timer

  /**
   * Resolves after the event loop had a turn, so that long computations can be
   * done in slices
   */
  nextTurn(): Promise<void>
}

/**
 * The longest delay of a timer of the system, in ms. With a longer one it would fire at
 * once.
 */
export const MAX_DELAY = 2 ** 31 - 1

const NO_TIMER: Timer = { clear: () => {} }

/**
 * The time of the system
 */
export const systemClock: Clock = {
  now: () => Date.now(),

  setTimeout: (callback, delay) => {
    let timeout: ReturnType<typeof setTimeout> | undefined
    const wait = (left: number): void => {
      timeout = setTimeout(left > MAX_DELAY ? () => { wait(left - MAX_DELAY) } : callback, Math.min(Math.max(0, left), MAX_DELAY))

      // in browsers a timer is a number and there is no process to keep alive
      if (typeof timeout === 'object') {
        timeout.unref?.()
      }
    }

    if (delay === Infinity) {
      return NO_TIMER
    }

    wait(delay)

    return {
      clear: () => { clearTimeout(timeout) }
    }
  },

  nextTurn: async () => {
    await new Promise<void>(resolve => {
      if (typeof globalThis.setImmediate === 'function') {
        globalThis.setImmediate(resolve)
        return
      }

      // a timeout of 0 is raised to 4 ms by browsers when it is nested
      const channel = new MessageChannel()
      channel.port1.onmessage = () => {
        channel.port1.close()
        resolve()
      }
      channel.port2.postMessage(undefined)
    })
  }
}

/**
 * In ms: timers may fire so much before it is their time by the clock
 */
const EARLY = 5

/**
 * A clock that never goes back, for everything that lasts: ages, waits, rates, leases.
 *
 * When the clock behind it is set back, this one goes on from where it was. It is ahead
 * from then on, so its times are no dates: what is stored, told to others or compared
 * with dates is taken from {@link SteadyClock.wall}. When the clock behind it is set
 * forward, this one follows, as nothing tells that from a machine that was suspended, and
 * what others granted to this node has run out meanwhile.
 */
export class SteadyClock implements Clock {
  /**
   * The clock behind it, which tells the date
   */
  readonly wall: Clock

  /**
   * By how many ms it is ahead
   */
  #ahead = 0

  /**
   * What it said last
   */
  #last = -Infinity

  constructor (wall: Clock) {
    this.wall = wall
  }

  now (): number {
    const now = this.wall.now() + this.#ahead

    if (now < this.#last) {
      this.#ahead += this.#last - now
    } else {
      this.#last = now
    }

    return this.#last
  }

  /**
   * The date, in ms since the Unix epoch, at a time of this clock
   */
  dateOf (time: number): number {
    return time - this.#ahead
  }

  setTimeout (callback: () => void, delay: number): Timer {
    if (delay === Infinity) {
      return NO_TIMER
    }

    // a clock that knows no longer waits may call back after these
    const due = this.now() + Math.min(delay, MAX_DELAY)

    return this.wall.setTimeout(() => {
      // so much has passed, however far the clock was set back meanwhile
      if (this.now() < due - EARLY) {
        this.#last = due
      }

      callback()
    }, delay)
  }

  async nextTurn (): Promise<void> {
    await this.wall.nextTurn()
  }
}

/**
 * A clock that never goes back
 */
export function steadyClock (wall: Clock): SteadyClock {
  return wall instanceof SteadyClock ? wall : new SteadyClock(wall)
}
