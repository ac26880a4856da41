/**
 * Browsers delay the timers of pages in the background, so a timer that fires late
 * means nothing
 */
export const canMeasureDelay = false

/**
 * Only some browsers measure it
 */
export function heapRatio (): number | undefined {
  // not part of any standard
  const { memory } = globalThis.performance as { memory?: { usedJSHeapSize?: number, jsHeapSizeLimit?: number } }

  if (memory?.usedJSHeapSize == null || memory.jsHeapSizeLimit == null || memory.jsHeapSizeLimit <= 0) {
    return undefined
  }

  return memory.usedJSHeapSize / memory.jsHeapSizeLimit
}

/**
 * No browser tells it
 */
export function residentMemory (): number | undefined {
  return undefined
}
