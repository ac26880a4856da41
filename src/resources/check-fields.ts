import { didYouMean } from '../did-you-mean.ts'
import { InvalidOptionError } from '../errors.ts'
import { anObject } from '../options.ts'

/**
 * Returns a copy of a value that it may be, or throws an error that names `path`
 */
export type Check<T = unknown> = (value: unknown, path: string) => T

/**
 * @throws {InvalidOptionError} when it is not a plain object
 */
export function checkRecord (value: unknown, path: string): Record<string, unknown> {
  if (!anObject.isValid(value)) {
    throw new InvalidOptionError(path, value, anObject.expected)
  }

  // an object whose fields nobody has looked at
  return value as Record<string, unknown>
}

/**
 * A field that nobody knows is a mistake in spelling: it would have no effect. In the
 * error its name stands behind `prefix`.
 *
 * @throws {InvalidOptionError} when there is a field that is not known
 */
export function checkFields (value: Record<string, unknown>, prefix: string, known: readonly string[]): void {
  for (const field of Object.keys(value)) {
    if (!known.includes(field)) {
      throw new InvalidOptionError(`${prefix}${field}`, value[field], `left out${didYouMean(field, known)}: the fields are ${known.join(', ')}`)
    }
  }
}

/**
 * An object with these fields, of which those may be missing that are not `required`
 */
export function recordOf<T> (checks: Readonly<Record<string, Check>>, required = false): Check<T> {
  return (value, path) => {
    const given = checkRecord(value, path)
    const valid: Record<string, unknown> = {}

    checkFields(given, `${path}.`, Object.keys(checks))

    for (const [field, check] of Object.entries(checks)) {
      if (required || given[field] !== undefined) {
        valid[field] = check(given[field], `${path}.${field}`)
      }
    }

    // it has the fields that were checked
    return valid as T
  }
}

/**
 * A list of such items
 */
export function listOf (check: Check): Check<unknown[]> {
  return (value, path) => {
    if (!Array.isArray(value)) {
      throw new InvalidOptionError(path, value, 'a list')
    }

    return value.map((item, index) => check(item, `${path}[${index}]`))
  }
}
