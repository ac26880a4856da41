import { InvalidOptionError } from '../errors.ts'
import { KINDS, NAMED_SCOPE_KINDS, SCOPE_FIELDS } from './limits.ts'
import { mergeFields } from './merge-limits.ts'
import type { Limits, LimitValue, NamedScope, RealmLimits, ScopeKind, ScopeLimits } from './limits.ts'

/**
 * The limits of a scope as numbers that usage is compared with. Everything that
 * is not limited is `Infinity`. Scopes with the same limits share one object,
 * which changes when their limits do.
 */
export type ResolvedLimits = Record<typeof SCOPE_FIELDS[number] | 'reserved', number>

interface Entry {
  limits: RealmLimits
  readonly resolved: ResolvedLimits
}

/**
 * Which limits apply to which scope. A name without limits of its own has those
 * of its kind, and so has every field that its own leave out.
 */
export class LimitTable {
  readonly #kinds = new Map<ScopeKind, Entry>()
  readonly #names = new Map<NamedScope, Map<string, Entry>>()

  constructor (limits: Limits) {
    for (const kind of KINDS) {
      this.#kinds.set(kind, { limits: limits[kind] ?? {}, resolved: resolve(kind, limits[kind] ?? {}) })
    }

    for (const kind of NAMED_SCOPE_KINDS) {
      this.#names.set(kind, new Map())

      for (const [name, own] of Object.entries(limits[`${kind}s`] ?? {})) {
        this.#entriesOf(kind).set(name, { limits: own, resolved: resolve(kind, this.#kindOf(kind).limits, own) })
      }
    }

    this.#checkReserves('limits.realms')
  }

  /**
   * The limits of a scope, or those of its kind
   */
  of (kind: ScopeKind, name?: string): ResolvedLimits {
    const own = name == null ? undefined : this.#names.get(namedScope(kind))?.get(name)

    return (own ?? this.#kindOf(kind)).resolved
  }

  /**
   * The realms for which connections are reserved, and how many
   */
  * reserves (): Iterable<[realm: string, connections: number]> {
    for (const [realm, { resolved }] of this.#entriesOf('realm')) {
      if (resolved.reserved > 0) {
        yield [realm, resolved.reserved]
      }
    }
  }

  /**
   * Does the scope have limits of its own?
   */
  has (kind: NamedScope, name: string): boolean {
    return this.#entriesOf(kind).has(name)
  }

  /**
   * Change some limits of a scope, or without a name of all of its kind. Fields
   * that are left out stay as they are.
   *
   * @throws {InvalidOptionError} when more connections would be reserved than there
   * may be, and then nothing has changed
   */
  set (kind: ScopeKind, name: string | undefined, limits: RealmLimits): void {
    const entry = name == null ? this.#kindOf(kind) : this.#entry(namedScope(kind), name)
    const before = entry.limits

    entry.limits = mergeFields(before, limits)
    this.#update(kind, name)

    try {
      this.#checkReserves(name == null ? kind : `${kind}:${name}`)
    } catch (err) {
      entry.limits = before
      this.#update(kind, name)
      throw err
    }
  }

  #update (kind: ScopeKind, name: string | undefined): void {
    const ofKind = this.#kindOf(kind)

    if (name != null) {
      const entry = this.#entry(namedScope(kind), name)
      Object.assign(entry.resolved, resolve(kind, ofKind.limits, entry.limits))
      return
    }

    Object.assign(ofKind.resolved, resolve(kind, ofKind.limits))

    for (const entry of this.#names.get(namedScope(kind))?.values() ?? []) {
      Object.assign(entry.resolved, resolve(kind, ofKind.limits, entry.limits))
    }
  }

  #entry (kind: NamedScope, name: string): Entry {
    const entries = this.#entriesOf(kind)
    let entry = entries.get(name)

    if (entry == null) {
      entry = { limits: {}, resolved: resolve(kind, this.#kindOf(kind).limits) }
      entries.set(name, entry)
    }

    return entry
  }

  #kindOf (kind: ScopeKind): Entry {
    // the constructor has set every kind
    return this.#kinds.get(kind) as Entry
  }

  #entriesOf (kind: NamedScope): Map<string, Entry> {
    // the constructor has set every kind
    return this.#names.get(kind) as Map<string, Entry>
  }

  #checkReserves (option: string): void {
    let reserved = 0

    for (const [, connections] of this.reserves()) {
      reserved += connections
    }

    const { connections } = this.of('system')

    if (reserved > connections) {
      throw new InvalidOptionError(option, reserved, `such that the realms reserve no more than the ${connections} connections of "system" together`)
    }
  }
}

/**
 * The kind as one of those that have names, which finds nothing for the others
 */
function namedScope (kind: ScopeKind): NamedScope {
  return kind as NamedScope
}

function resolve (kind: ScopeKind, ofKind: ScopeLimits, own: RealmLimits = {}): ResolvedLimits {
  const value = (field: typeof SCOPE_FIELDS[number]): number => {
    const limit = toNumber(own[field] ?? ofKind[field])

    // a connection without streams is of no use: 0 says that they are not limited here
    return limit === 0 && kind === 'connection' && field.startsWith('streams') ? Infinity : limit
  }

  return {
    connections: value('connections'),
    connectionsInbound: value('connectionsInbound'),
    connectionsOutbound: value('connectionsOutbound'),
    fileDescriptors: value('fileDescriptors'),
    streams: value('streams'),
    streamsInbound: value('streamsInbound'),
    streamsOutbound: value('streamsOutbound'),
    memory: value('memory'),
    reserved: own.reserved ?? 0
  }
}

function toNumber (limit: LimitValue | undefined): number {
  if (limit == null || limit === 'unlimited') {
    return Infinity
  }

  return limit === 'blockAll' ? 0 : limit
}
