import { InvalidOptionError } from '../errors.ts'

/**
 * @throws {InvalidOptionError} when it is not a plain object
 */
export function checkRecord (value: unknown, option: string): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new InvalidOptionError(option, value, 'an object')
  }

  // an object whose fields nobody has looked at
  return value as Record<string, unknown>
}

/**
 * A field that nobody knows is a mistake in spelling: it would have no effect
 *
 * @throws {InvalidOptionError} when there is a field that is not known
 */
export function checkFields (value: Record<string, unknown>, path: string, known: readonly string[]): void {
  for (const field of Object.keys(value)) {
    if (!known.includes(field)) {
      const option = path === '' ? field : `${path}.${field}`
      throw new InvalidOptionError(option, value[field], `left out: the fields are ${known.join(', ')}`)
    }
  }
}

/**
 * The fields that are not undefined, as `convert` returns them
 */
export function copyOwn<T> (value: Record<string, unknown>, convert: (value: unknown, field: string) => T): Record<string, T> {
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)

  return Object.fromEntries(fields.map(([name, field]) => [name, convert(field, name)]))
}
