import { TimeoutError } from '@libp2p/interface'
import { toError } from '../errors.ts'
import type { Clock } from '../clock.ts'

export interface TimeLimit {
  readonly signal: AbortSignal

  /**
   * To be called when what was limited is over
   */
  clear(): void
}

/**
 * A signal that aborts with a `TimeoutError` after `timeout` ms
 */
export function timeLimit (timeout: number, clock: Clock): TimeLimit {
  const controller = new AbortController()
  const timer = clock.setTimeout(() => {
    controller.abort(new TimeoutError(`Took longer than ${timeout} ms`))
  }, timeout)

  return {
    signal: controller.signal,
    clear: () => { timer.clear() }
  }
}

/**
 * Settles as the promise does, or rejects when the signal aborts, for those who
 * take no notice of their signal
 */
export async function untilAborted <T> (promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => { reject(toError(signal?.reason)) }

    signal?.addEventListener('abort', onAbort, { once: true })

    promise
      .finally(() => { signal?.removeEventListener('abort', onAbort) })
      .then(resolve, reject)

    if (signal?.aborted === true) {
      onAbort()
    }
  })
}

/**
 * Settles as the task does, or rejects with a `TimeoutError` after `timeout` ms, for
 * those that may never settle
 *
 * @param task - what is given up, and told so by the signal
 * @param timeout - in ms
 * @param clock - where the time comes from
 */
export async function withinTime <T> (task: (signal: AbortSignal) => Promise<T>, timeout: number, clock: Clock): Promise<T> {
  const { signal, clear } = timeLimit(timeout, clock)

  try {
    return await untilAborted(task(signal), signal)
  } finally {
    clear()
  }
}
