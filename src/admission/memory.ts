import { getHeapStatistics } from 'node:v8'

/**
 * Whether a timer that fires late means that the event loop is busy
 */
export const canMeasureDelay = true

/**
 * Which part of the heap is in use, 0 to 1. `undefined` where it can not be
 * measured.
 */
export function heapRatio (): number | undefined {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()

  return limit > 0 ? used / limit : undefined
}

/**
 * How many bytes of memory the process has in use, whatever uses them: the heap, buffers,
 * code and stacks. `undefined` where it can not be measured.
 */
export function residentMemory (): number | undefined {
  try {
    return process.memoryUsage.rss()
  } catch {
    // a sandbox without /proc
    return undefined
  }
}
