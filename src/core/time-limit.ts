import { TimeoutError } from '@libp2p/interface'
import { toError } from '../errors.ts'
import { whenAborted } from '../when-aborted.ts'
import type { Clock, Timer } from '../clock.ts'

/**
 * Aborts with a `TimeoutError` after `timeout` ms, if nobody does before
 */
export class TimeLimit extends AbortController {
  readonly #timer: Timer

  constructor (timeout: number, clock: Clock) {
    super()
    this.#timer = clock.setTimeout(() => { this.abort(new TimeoutError(`Took longer than ${timeout} ms`)) }, timeout)
  }

  /**
   * To be called when what was limited is over
   */
  clear (): void {
    this.#timer.clear()
  }
}

/**
 * Settles as the promise does, or rejects when the signal aborts, for those who take no
 * notice of it
 */
export async function untilAborted <T> (promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const stop = whenAborted(signal, () => { reject(toError(signal?.reason)) })

  return Promise.race([promise, aborted]).finally(stop)
}

/**
 * Settles as the task does, or rejects with a `TimeoutError` after `timeout` ms, for
 * those that may never settle
 *
 * @param task - what is given up, and told so by the signal
 * @param timeout - in ms
 * @param clock - where the time comes from
 * @param outer - ends it as well
 */
export async function withinTime <T> (task: (signal: AbortSignal) => Promise<T>, timeout: number, clock: Clock, outer?: AbortSignal): Promise<T> {
  outer?.throwIfAborted()
  const limit = new TimeLimit(timeout, clock)
  const stop = whenAborted(outer, () => { limit.abort(outer?.reason) })

  try {
    return await untilAborted(task(limit.signal), limit.signal)
  } finally {
    stop()
    limit.clear()
  }
}
