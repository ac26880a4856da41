import { anObject } from '../options.ts'
import type { Limits } from './limits.ts'

/**
 * The fields of `override`, and from `base` those that it leaves out. Lists are
 * taken as a whole.
 */
export function mergeLimits (base: Limits, override: Limits): Limits {
  return mergeFields(base, override)
}

/**
 * A copy of `base` with the fields of `override` that are not undefined. Those that
 * are objects are merged in the same way.
 */
export function mergeFields<T extends object> (base: T, override: T): T {
  // a name may be any string, also one that every object inherits
  const merged = new Map<string, unknown>()

  for (const [name, value] of [...Object.entries(base), ...Object.entries(override)]) {
    if (value !== undefined) {
      merged.set(name, anObject.isValid(value) ? mergeFields(merged.get(name) ?? {}, value) : value)
    }
  }

  // the fields of an object of type T, of which fromEntries makes own ones even of __proto__
  return Object.fromEntries(merged) as T
}
