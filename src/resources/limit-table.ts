import { InvalidOptionError } from '../errors.ts'
import { KINDS, NAMED_SCOPE_KINDS, SCOPE_FIELDS } from './limits.ts'
import { mergeFields } from './merge-limits.ts'
import type { Limits, LimitValue, RealmLimits, ScopeKind, ScopeLimits } from './limits.ts'

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

interface KindEntry extends Entry {
  /**
   * Those of the kind that have limits of their own
   */
  readonly names: Map<string, Entry>
}

/**
 * Of a scope in which nothing is limited
 */
export const UNLIMITED = resolve('system', {}, {})

/**
 * Which limits apply to which scope. A name without limits of its own has those
 * of its kind, and so has every field that its own leave out.
 */
export class LimitTable {
  readonly #kinds = new Map<ScopeKind, KindEntry>()

  #maxConnections: number

  constructor (limits: Limits, maxConnections = Infinity) {
    this.#maxConnections = maxConnections

    for (const kind of KINDS) {
      this.#kinds.set(kind, { limits: {}, resolved: resolve(kind, {}, {}), names: new Map() })
      this.#replace(kind, undefined, limits[kind] ?? {})
    }

    for (const kind of NAMED_SCOPE_KINDS) {
      for (const [name, own] of Object.entries(limits[`${kind}s`] ?? {})) {
        this.#replace(kind, name, own)
      }
    }

    this.#checkReserves('limits.realms')

    for (const [realm] of this.reserves()) {
      this.#checkReserve('realm', realm, `limits.realms.${realm}`)
    }
  }

  /**
   * The limits of a scope, or those of its kind
   */
  of (kind: ScopeKind, name?: string): ResolvedLimits {
    const ofKind = this.#kindOf(kind)
    const own = name == null ? undefined : ofKind.names.get(name)

    return (own ?? ofKind).resolved
  }

  /**
   * The realms for which connections are reserved, and how many
   */
  * reserves (): Iterable<[realm: string, connections: number]> {
    for (const [realm, { resolved }] of this.#kindOf('realm').names) {
      if (resolved.reserved > 0) {
        yield [realm, reserveOf(resolved)]
      }
    }
  }

  /**
   * Change some limits of a scope, or without a name of all of its kind. Fields
   * that are left out stay as they are.
   *
   * @throws {InvalidOptionError} when more connections would be reserved than there
   * may be, and then nothing has changed
   */
  set (kind: ScopeKind, name: string | undefined, limits: RealmLimits): void {
    const before = this.#entry(kind, name).limits

    this.#replace(kind, name, mergeFields(before, limits))

    const option = name == null ? kind : `${kind}:${name}`

    try {
      this.#checkReserves(option)

      // whoever lowers the other limits of a realm takes from its reserve as well
      if (limits.reserved != null) {
        this.#checkReserve(kind, name, option)
      }
    } catch (err) {
      this.#replace(kind, name, before)
      throw err
    }
  }

  #replace (kind: ScopeKind, name: string | undefined, limits: RealmLimits): void {
    const ofKind = this.#kindOf(kind)
    const entry = this.#entry(kind, name)
    entry.limits = limits

    for (const changed of entry === ofKind ? [entry, ...ofKind.names.values()] : [entry]) {
      Object.assign(changed.resolved, resolve(kind, ofKind.limits, changed.limits))
    }
  }

  #entry (kind: ScopeKind, name: string | undefined): Entry {
    const ofKind = this.#kindOf(kind)

    if (name == null) {
      return ofKind
    }

    const entry = ofKind.names.get(name) ?? { limits: {}, resolved: resolve(kind, ofKind.limits, {}) }
    ofKind.names.set(name, entry)

    return entry
  }

  #kindOf (kind: ScopeKind): KindEntry {
    // the constructor has set every kind
    return this.#kinds.get(kind) as KindEntry
  }

  /**
   * @throws {InvalidOptionError} when more is reserved, and then nothing has changed
   */
  setMaxConnections (maxConnections: number): void {
    const before = this.#maxConnections
    this.#maxConnections = maxConnections

    try {
      this.#checkReserves('limits.realms')
    } catch (err) {
      this.#maxConnections = before
      throw err
    }
  }

  #checkReserves (option: string): void {
    let reserved = 0

    for (const [, connections] of this.reserves()) {
      reserved += connections
    }

    const { connections, connectionsInbound, connectionsOutbound } = this.of('system')
    this.#checkFit(option, reserved, connections, 'connections of "system"')
    this.#checkFit(option, reserved, connectionsInbound + connectionsOutbound, 'connectionsInbound and connectionsOutbound of "system"')
    this.#checkFit(option, reserved, this.#maxConnections, 'connections of "maxConnections"')
  }

  #checkFit (option: string, reserved: number, limit: number, name: string): void {
    if (reserved > limit) {
      throw new InvalidOptionError(option, reserved, `such that the realms reserve no more than the ${limit} ${name} together`)
    }
  }

  #checkReserve (kind: ScopeKind, name: string | undefined, option: string): void {
    const limits = this.of(kind, name)
    const most = reserveOf(limits)

    if (limits.reserved > most) {
      throw new InvalidOptionError(`${option}.reserved`, limits.reserved, `at most what the realm may have, its "connections" (${most})`)
    }
  }
}

function resolve (kind: ScopeKind, ofKind: ScopeLimits, own: RealmLimits): ResolvedLimits {
  const resolved = SCOPE_FIELDS.map(field => {
    const limit = toNumber(own[field] ?? ofKind[field])

    // a connection without streams is of no use: 0 says that they are not limited here
    return [field, limit === 0 && kind === 'connection' && field.startsWith('streams') ? Infinity : limit]
  })

  // every field of it
  return Object.fromEntries([...resolved, ['reserved', own.reserved ?? 0]]) as ResolvedLimits
}

function toNumber (limit: LimitValue | undefined): number {
  if (limit == null || limit === 'unlimited') {
    return Infinity
  }

  return limit === 'blockAll' ? 0 : limit
}

/**
 * How many places are kept for a realm: never more than it may use, so that nothing is
 * kept for a realm that is blocked at run time
 */
export function reserveOf ({ reserved, connections, connectionsInbound, connectionsOutbound }: ResolvedLimits): number {
  return Math.min(reserved, connections, connectionsInbound + connectionsOutbound)
}
