import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import type { Machine } from './scale-limits.ts'

/**
 * How large this machine is, or the container that the process runs in
 */
export function machine (): Machine {
  return { memory: memory(), fileDescriptors: fileDescriptors() }
}

function memory (): number {
  // the limit of the container; 0 or a huge number if there is none
  const constrained = process.constrainedMemory?.() ?? 0

  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

function fileDescriptors (): number | 'unlimited' {
  if (process.platform === 'win32') {
    return 'unlimited'
  }

  try {
    return parseLimits(readFileSync('/proc/self/limits', 'utf-8'))
  } catch {
    // not Linux: Node.js tells it only in a diagnostic report, which is expensive
    return 0
  }
}

function parseLimits (limits: string): number | 'unlimited' {
  const soft = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits)?.[1]

  return soft === 'unlimited' ? soft : Number(soft ?? 0)
}
