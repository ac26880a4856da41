import { didYouMean } from './did-you-mean.ts'
import { InvalidOptionError } from './errors.ts'

/**
 * What an option may be
 */
export interface OptionRule {
  /**
   * For the error message, e.g. `a number of at least 1`
   */
  readonly expected: string
  isValid(value: unknown): boolean

  /**
   * The rules of the options within it, if it is an object that has some
   */
  readonly options?: Readonly<Record<string, OptionRule>>
}

/**
 * The rules of the options of a type. Every option has one, so that options which
 * are unknown can be told.
 */
export type OptionRules<T> = Record<keyof T, OptionRule>

export const atLeastOne = numberRule('a number of at least 1', value => value >= 1)
export const notNegative = numberRule('a number of at least 0', value => value >= 0)
export const duration = numberRule('a number of ms of at least 0', value => value >= 0)
export const aFunction: OptionRule = { expected: 'a function', isValid: value => typeof value === 'function' }
export const anObject: OptionRule = { expected: 'an object', isValid: value => typeof value === 'object' && value !== null && !Array.isArray(value) }
export const aFlag: OptionRule = { expected: 'true or false', isValid: value => typeof value === 'boolean' }
export const someStrings: OptionRule = { expected: 'a list of strings', isValid: value => Array.isArray(value) && value.every(item => typeof item === 'string') }
export const someFunctions: OptionRule = { expected: 'a list of functions', isValid: value => Array.isArray(value) && value.every(item => typeof item === 'function') }

/**
 * Besides what the rule allows, `false` switches the feature off
 */
export function orFalse (rule: OptionRule): OptionRule {
  return { ...rule, expected: `${rule.expected}, or false`, isValid: value => value === false || rule.isValid(value) }
}

/**
 * What the rule allows, but not `Infinity`: for numbers that cannot stand for "never" or
 * "no limit"
 */
export function finite (rule: OptionRule): OptionRule {
  return { expected: `${rule.expected}, and finite`, isValid: value => Number.isFinite(value) && rule.isValid(value) }
}

/**
 * An object whose options have rules of their own
 */
export function optionsOf (rules: Readonly<Record<string, OptionRule>>): OptionRule {
  return { ...anObject, options: rules }
}

/**
 * A number that is not `NaN`. May be `Infinity` where the range has no end.
 */
export function numberRule (expected: string, isInRange: (value: number) => boolean): OptionRule {
  return { expected, isValid: value => typeof value === 'number' && isInRange(value) }
}

/**
 * An option that is `null` or `undefined` was not given, as in libp2p's own
 * configuration
 *
 * @throws {InvalidOptionError} if the value is not what the rule allows, or an option
 * within it is unknown or not usable
 */
export function assertOption (name: string, value: unknown, rule: OptionRule): void {
  if (value != null && !rule.isValid(value)) {
    throw new InvalidOptionError(name, value, rule.expected)
  }

  if (rule.options != null && typeof value === 'object' && value != null) {
    assertOptions(value, rule.options, `${name}.`, true)
  }
}

/**
 * In an error the names of the options begin with `path`, e.g. `liveness.`. With
 * `strict`, unknown options are an error.
 *
 * @throws {InvalidOptionError} if an option has a value that it may not have
 */
export function assertOptions (options: object, rules: Readonly<Record<string, OptionRule>>, path = '', strict = false): void {
  for (const [name, value] of Object.entries(options)) {
    if (Object.hasOwn(rules, name)) {
      assertOption(`${path}${name}`, value, rules[name])
    } else if (strict) {
      throw new InvalidOptionError(`${path}${name}`, value, `left out, as there is no such option${didYouMean(name, Object.keys(rules))}`)
    }
  }
}

/**
 * What to say of each option that does not exist
 */
export function unknownOptions (options: object, rules: Readonly<Record<string, OptionRule>>): string[] {
  return Object.keys(options).filter(name => !Object.hasOwn(rules, name)).map(name => `there is no option "${name}"${didYouMean(name, Object.keys(rules))}`)
}

/**
 * The options that are given, and the defaults of those that are not. Options
 * without a default are left out.
 */
export function withDefaults <T extends object> (options: object, defaults: T): T {
  const result = { ...defaults }

  for (const name of Object.keys(defaults)) {
    const value: unknown = Object.hasOwn(options, name) ? Reflect.get(options, name) : undefined

    if (value != null) {
      Reflect.set(result, name, value)
    }
  }

  return result
}

/**
 * @throws {InvalidOptionError} if an option of a part is unknown or not usable
 */
export function assertPart (path: string, init: object | false | null | undefined, rules: Readonly<Record<string, OptionRule>>): void {
  if (init !== false) {
    assertOption(path, init, anObject)
    assertOptions(init ?? {}, rules, `${path}.`, true)
  }
}

/**
 * The options of a part with their defaults, or `false` where it may be switched off,
 * and is
 *
 * @throws {InvalidOptionError} if an option is unknown or not usable
 */
export function resolvePart <T extends object> (path: string, init: object | null | undefined, rules: Readonly<Record<string, OptionRule>>, defaults: T): T
export function resolvePart <T extends object> (path: string, init: object | false | null | undefined, rules: Readonly<Record<string, OptionRule>>, defaults: T): T | false
export function resolvePart <T extends object> (path: string, init: object | false | null | undefined, rules: Readonly<Record<string, OptionRule>>, defaults: T): T | false {
  assertPart(path, init, rules)

  return init !== false && withDefaults(init ?? {}, defaults)
}
