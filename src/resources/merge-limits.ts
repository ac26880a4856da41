import { NAMED_SCOPE_KINDS, NAMED_SCOPES, SINGLE_SCOPES } from './limits.ts'
import type { Limits, RealmLimits, SubnetLimits } from './limits.ts'

/**
 * The fields of `override`, and from `base` those that it leaves out. Lists are
 * taken as a whole.
 */
export function mergeLimits (base: Limits, override: Limits): Limits {
  const merged: Limits = {}

  for (const kind of [...SINGLE_SCOPES, ...NAMED_SCOPE_KINDS]) {
    setDefined(merged, kind, mergeFields(base[kind], override[kind]))
  }

  for (const kind of NAMED_SCOPE_KINDS) {
    setDefined(merged, NAMED_SCOPES[kind], mergeEntries(base[NAMED_SCOPES[kind]], override[NAMED_SCOPES[kind]]))
  }

  setDefined(merged, 'subnets', mergeSubnets(base.subnets, override.subnets))

  return merged
}

function mergeEntries (base: Record<string, RealmLimits> = {}, override: Record<string, RealmLimits> = {}): Record<string, RealmLimits> | undefined {
  const names = new Set([...Object.keys(base), ...Object.keys(override)])

  if (names.size === 0) {
    return
  }

  // a name may be any string, and fromEntries makes an own property even of __proto__
  return Object.fromEntries([...names].map(name => [name, mergeFields(own(base, name), own(override, name)) ?? {}]))
}

function mergeSubnets (base: SubnetLimits = {}, override: SubnetLimits = {}): SubnetLimits | undefined {
  const merged: SubnetLimits = { ...mergeFields(base, override) }

  setDefined(merged, 'rates', mergeFields(base.rates, override.rates))

  return Object.keys(merged).length === 0 ? undefined : merged
}

/**
 * The fields of `override`, and from `base` those that are missing or undefined
 * there
 */
export function mergeFields<T extends object> (base: T | undefined, override: T | undefined): T | undefined {
  if (base == null && override == null) {
    return
  }

  const defined = Object.entries(override ?? {}).filter(([, value]) => value !== undefined)

  // the fields of an object of type T
  return { ...base, ...Object.fromEntries(defined) } as T
}

/**
 * The entry of that name, unless it is one that every object inherits
 */
export function own<T> (entries: Record<string, T> | undefined, name: string): T | undefined {
  return entries != null && Object.hasOwn(entries, name) ? entries[name] : undefined
}

function setDefined<T extends object, K extends keyof T> (object: T, key: K, value: T[K] | undefined): void {
  if (value !== undefined) {
    object[key] = value
  }
}
