import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Rounds whose figures are dropped, as the code is not compiled yet
 */
const WARM_UP_ROUNDS = 3

/**
 * Rounds of which the median is taken
 */
const ROUNDS = 9

/**
 * One side of a comparison
 */
export interface Side {
  name: string

  /**
   * Does the work once and returns what it took per operation, in µs. What it
   * leaves behind is not part of it.
   */
  round(): Promise<number>
}

/**
 * Runs the sides in turn, beginning with another one each time, and returns the
 * median of each, in µs per operation
 */
export async function compare (sides: readonly Side[], rounds = ROUNDS, warmUp = WARM_UP_ROUNDS): Promise<Record<string, number>> {
  const samples = new Map<string, number[]>(sides.map(({ name }) => [name, []]))

  for (let round = -warmUp; round < rounds; round++) {
    const order = round % 2 === 0 ? sides : sides.toReversed()

    for (const { name, round: run } of order) {
      await quiesce()
      const result = await run()

      if (round >= 0) {
        samples.get(name)?.push(result)
      }
    }
  }

  return Object.fromEntries([...samples].map(([name, values]) => [name, median(values)]))
}

/**
 * The middle of the values, of an even number the mean of the two in the middle
 */
export function median (values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >>> 1

  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Resolves when everything that was started has run, as long as it waits for
 * nothing but promises and turns of the event loop
 */
export async function settled (): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>(resolve => { setImmediate(resolve) })
  }
}

/**
 * Lets what the round before has left behind come to rest
 */
export async function quiesce (): Promise<void> {
  await settled()
  await new Promise<void>(resolve => { setTimeout(resolve, 5) })
  await settled()
}

/**
 * Has connections that were just made or opened moved to where those are in memory that
 * have been there for a while, and what making them has left behind collected. It would
 * otherwise happen while something else is measured, in one round of several.
 */
export function age (): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')

  if (typeof collect === 'function') {
    // what survives the second time is old
    collect({ type: 'minor' })
    collect({ type: 'minor' })
  }
}

/**
 * The longest time in ms between two turns of the event loop while the task runs
 */
export async function longestBlock (task: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let last = performance.now()
  let running = true

  const probe = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now

    if (running) {
      setImmediate(probe)
    }
  }

  setImmediate(probe)
  await settled()
  longest = 0
  await task()
  await settled()
  running = false

  return longest
}

/**
 * How many bytes are in use once what nobody holds is collected, for which the process has
 * to be started with `--expose-gc`
 */
export async function usedMemory (): Promise<number> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.()
    await new Promise(resolve => { setTimeout(resolve, 20) })
  }

  const { heapUsed, arrayBuffers } = process.memoryUsage()

  return heapUsed + arrayBuffers
}
