import { InvalidOptionError } from '../errors.ts'
import { KINDS, NAMED_SCOPE_KINDS } from './limits.ts'
import { validateName } from './validate-limits.ts'
import type { ScopeKind } from './limits.ts'

/**
 * Which scope is meant: all of a kind, or the one of that name
 */
export interface ScopeName {
  readonly kind: ScopeKind
  readonly name: string | undefined
}

/**
 * Reads the name of a scope, e.g. `system`, `peer` or `realm:chain`
 *
 * @throws {InvalidOptionError} when there is no such kind of scope, or the name is
 * not one of that kind
 */
export function parseScopeName (scope: string): ScopeName {
  const colon = `${scope}`.indexOf(':')
  const before = colon === -1 ? scope : scope.slice(0, colon)
  const kind = KINDS.find(kind => kind === before)
  const named = NAMED_SCOPE_KINDS.find(kind => kind === before)

  if (kind != null && colon === -1) {
    return { kind, name: undefined }
  }

  if (named != null) {
    return { kind: named, name: validateName(scope.slice(colon + 1), named, 'scope') }
  }

  throw new InvalidOptionError('scope', scope, `one of ${KINDS.join(', ')}, or one of the latter with a name, e.g. "realm:chain"`)
}
