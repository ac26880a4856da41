import { InvalidOptionError } from '../errors.ts'
import type { Check } from './check-fields.ts'
import type { LimitValue } from './limits.ts'

/**
 * @throws {InvalidOptionError} when it is not a limit
 */
export function checkLimitValue (value: unknown, path: string): LimitValue {
  if (value === 'unlimited' || value === 'blockAll' || isWholeNumber(value)) {
    return value
  }

  throw new InvalidOptionError(path, value, 'a whole number that is not negative, "unlimited" or "blockAll"')
}

/**
 * A whole number from 0 to `max`
 */
export function wholeNumber (max = Infinity): Check<number> {
  return (value, path) => {
    if (isWholeNumber(value) && value <= max) {
      return value
    }

    throw new InvalidOptionError(path, value, max === Infinity ? 'a whole number that is not negative' : `a whole number from 0 to ${max}`)
  }
}

function isWholeNumber (value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
