import { InvalidOptionError } from '../errors.ts'
import { machine } from './machine.ts'
import { scaleLimits } from './scale-limits.ts'
import type { Limits } from './limits.ts'
import type { Machine } from './scale-limits.ts'

/**
 * The default limits for this machine: go-libp2p's, with an eighth of the memory
 * and half of the file descriptors to spend. In a browser, which tells neither,
 * those of the smallest machine.
 *
 * @throws {InvalidOptionError} when a figure is not a number, or negative
 */
export function autoScale (figures: Partial<Machine> = {}): Limits {
  const { memory = machine().memory, fileDescriptors = machine().fileDescriptors } = figures

  checkFigure('memory', memory)

  if (fileDescriptors !== 'unlimited') {
    checkFigure('fileDescriptors', fileDescriptors)
  }

  return scaleLimits(memory / 8, fileDescriptors === 'unlimited' ? fileDescriptors : Math.floor(fileDescriptors / 2))
}

function checkFigure (name: string, value: number): void {
  if (!Number.isFinite(value) || value < 0) {
    throw new InvalidOptionError(name, value, 'a number that is not negative')
  }
}
