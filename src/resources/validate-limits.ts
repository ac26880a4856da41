import { peerIdFromString } from '@libp2p/peer-id'
import { InvalidOptionError } from '../errors.ts'
import { checkFields, checkRecord, copyOwn } from './check-fields.ts'
import { NAMED_SCOPE_KINDS, NAMED_SCOPES, SCOPE_FIELDS, SINGLE_SCOPES } from './limits.ts'
import { checkLimitValue, checkWholeNumber } from './validate-limit-value.ts'
import { validateSubnetLimits } from './validate-subnet-limits.ts'
import type { Limits, NamedScope, RealmLimits, ScopeKind, ScopeLimits } from './limits.ts'

const KINDS: readonly ScopeKind[] = [...SINGLE_SCOPES, ...NAMED_SCOPE_KINDS]
const LIMIT_FIELDS: readonly string[] = [...KINDS, ...NAMED_SCOPE_KINDS.map(kind => NAMED_SCOPES[kind]), 'subnets']

/**
 * The longest name of a realm, protocol or service
 */
export const MAX_NAME_LENGTH = 1024

/**
 * A copy of the limits, with peer ids in their usual form
 *
 * @throws {InvalidOptionError} that names the field, e.g. `limits.peer.connections`
 */
export function validateLimits (limits: unknown, path = 'limits'): Limits {
  const given = checkRecord(limits, path)
  const valid: Limits = {}

  checkFields(given, path, LIMIT_FIELDS)

  for (const kind of KINDS) {
    if (given[kind] !== undefined) {
      valid[kind] = validateScopeLimits(given[kind], `${path}.${kind}`)
    }
  }

  for (const kind of NAMED_SCOPE_KINDS) {
    const plural = NAMED_SCOPES[kind]

    if (given[plural] !== undefined) {
      valid[plural] = validateEntries(given[plural], `${path}.${plural}`, kind, kind === 'realm' ? validateRealmLimits : validateScopeLimits)
    }
  }

  if (given.subnets !== undefined) {
    valid.subnets = validateSubnetLimits(given.subnets, `${path}.subnets`)
  }

  return valid
}

/**
 * A copy of the limits of one scope, without the fields that are undefined
 *
 * @throws {InvalidOptionError} that names the field
 */
export function validateScopeLimits (limits: unknown, path: string): ScopeLimits {
  const given = checkRecord(limits, path)
  checkFields(given, path, SCOPE_FIELDS)

  return copyOwn(given, (value, field) => checkLimitValue(value, `${path}.${field}`))
}

/**
 * A copy of the limits of one realm, without the fields that are undefined
 *
 * @throws {InvalidOptionError} that names the field
 */
export function validateRealmLimits (limits: unknown, path: string): RealmLimits {
  const given = checkRecord(limits, path)
  checkFields(given, path, [...SCOPE_FIELDS, 'reserved'])

  return copyOwn(given, (value, field) => {
    return field === 'reserved' ? checkWholeNumber(value, `${path}.${field}`) : checkLimitValue(value, `${path}.${field}`)
  })
}

/**
 * The entries of `peers`, `realms`, … as `check` returns them, by the names that
 * the scopes are known by
 *
 * @throws {InvalidOptionError} when a name is not one, or there twice
 */
export function validateEntries<T> (entries: unknown, path: string, kind: NamedScope, check: (limits: unknown, path: string) => T): Record<string, T> {
  const valid = new Map<string, T>()

  for (const [given, limits] of Object.entries(checkRecord(entries, path))) {
    const option = `${path}.${given}`
    const name = validateName(given, kind, option)

    if (valid.has(name)) {
      throw new InvalidOptionError(option, given, 'given once')
    }

    valid.set(name, check(limits, option))
  }

  return Object.fromEntries(valid)
}

/**
 * The name that a scope of that kind is known by: a peer id in its usual form, or
 * the name itself
 *
 * @throws {InvalidOptionError} when it is not a peer id, empty, or too long
 */
export function validateName (name: string, kind: NamedScope, option: string): string {
  if (kind === 'peer') {
    try {
      return peerIdFromString(name).toString()
    } catch {
      throw new InvalidOptionError(option, name, 'a peer id')
    }
  }

  if (name.length === 0 || name.length > MAX_NAME_LENGTH) {
    throw new InvalidOptionError(option, name, `a name of 1 to ${MAX_NAME_LENGTH} characters`)
  }

  return name
}
