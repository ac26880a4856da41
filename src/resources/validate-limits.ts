import { peerIdFromString } from '@libp2p/peer-id'
import { InvalidOptionError } from '../errors.ts'
import { checkRecord, recordOf } from './check-fields.ts'
import { KINDS, NAMED_SCOPE_KINDS, SCOPE_FIELDS } from './limits.ts'
import { checkLimitValue, wholeNumber } from './validate-limit-value.ts'
import { validateRate, validateSubnetLimits } from './validate-subnet-limits.ts'
import type { Check } from './check-fields.ts'
import type { Limits, NamedScope, RealmLimits, ScopeLimits } from './limits.ts'

/**
 * The longest name of a realm, protocol or service
 */
const MAX_NAME_LENGTH = 1024

const FIELDS = Object.fromEntries(SCOPE_FIELDS.map(field => [field, checkLimitValue]))

/**
 * A copy of the limits of one scope, without the fields that are undefined
 *
 * @throws {InvalidOptionError} that names the field
 */
export const validateScopeLimits: Check<ScopeLimits> = recordOf(FIELDS)

/**
 * A copy of the limits of one realm, without the fields that are undefined
 *
 * @throws {InvalidOptionError} that names the field
 */
export const validateRealmLimits: Check<RealmLimits> = recordOf({ ...FIELDS, reserved: wholeNumber() })

const checkLimits: Check<Limits> = recordOf({
  ...Object.fromEntries(KINDS.map(kind => [kind, validateScopeLimits])),
  ...Object.fromEntries(NAMED_SCOPE_KINDS.map(kind => [`${kind}s`, entriesOf(kind, kind === 'realm' ? validateRealmLimits : validateScopeLimits)])),
  subnets: validateSubnetLimits,
  streamRates: recordOf({
    peer: validateRate,
    protocol: validateRate,
    protocols: entriesOf('protocol', validateRate),
    protocolPeer: validateRate,
    protocolPeers: entriesOf('protocol', validateRate)
  })
})

/**
 * A copy of the limits, with peer ids in their usual form
 *
 * @throws {InvalidOptionError} that names the field, e.g. `limits.peer.connections`
 */
export function validateLimits (limits: unknown): Limits {
  return checkLimits(limits, 'limits')
}

/**
 * The entries of `peers`, `realms`, … by the names that the scopes are known by, none of
 * which may be there twice
 */
export function entriesOf<T> (kind: NamedScope, check: Check<T>): Check<Record<string, T>> {
  return (entries, path) => {
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
