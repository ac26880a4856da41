import type { Machine } from './scale-limits.ts'

/**
 * A browser tells neither how much memory there is nor how many sockets it may
 * open: the limits are those of the smallest machine
 */
export function machine (): Machine {
  return { memory: 0, fileDescriptors: 0 }
}
