import { InvalidOptionError } from '../errors.ts'
import type { LimitValue } from './limits.ts'

/**
 * @throws {InvalidOptionError} when it is not a limit
 */
export function checkLimitValue (value: unknown, option: string): LimitValue {
  if (value === 'unlimited' || value === 'blockAll' || isWholeNumber(value)) {
    return value
  }

  throw new InvalidOptionError(option, value, 'a whole number that is not negative, "unlimited" or "blockAll"')
}

/**
 * @throws {InvalidOptionError} when it is not a whole number from 0 to `max`
 */
export function checkWholeNumber (value: unknown, option: string, max = Number.MAX_SAFE_INTEGER): number {
  if (isWholeNumber(value) && value <= max) {
    return value
  }

  throw new InvalidOptionError(option, value, max === Number.MAX_SAFE_INTEGER ? 'a whole number that is not negative' : `a whole number from 0 to ${max}`)
}

function isWholeNumber (value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
