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
   * Run `callback` once after `delay` ms. The timer does not keep the process
   * alive.
   */
  setTimeout(callback: () => void, delay: number): Timer

  /**
   * Resolves after the event loop had a turn, so that long computations can be
   * done in slices
   */
  nextTurn(): Promise<void>
}

/**
 * The longest delay of a timer, in ms. With a longer one it would fire at once.
 */
const MAX_DELAY = 2 ** 31 - 1

/**
 * The time of the system
 */
export const systemClock: Clock = {
  now: () => Date.now(),

  setTimeout: (callback, delay) => {
    const timeout = setTimeout(callback, Math.min(delay, MAX_DELAY))

    // in browsers a timer is a number and there is no process to keep alive
    if (typeof timeout === 'object') {
      timeout.unref?.()
    }

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
