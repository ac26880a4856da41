import { InvalidOptionError } from '../errors.ts'
import { anObject, assertOptions, atLeastOne, numberRule, someStrings, withDefaults } from '../options.ts'
import type { OptionRule, OptionRules } from '../options.ts'

/**
 * The options of `inspector()`. All are optional.
 */
export interface InspectorInit {
  /**
   * The address to listen on. Anything but loopback needs a `token`, which is then
   * asked for reading as well.
   *
   * @default '127.0.0.1'
   */
  host?: string

  /**
   * The port to listen on, `0` for any that is free
   *
   * @default 8950
   */
  port?: number

  /**
   * Whoever knows it may protect, close and ban peers, and trim. At least 16
   * characters. Without it the inspector is read-only.
   *
   * @default undefined
   */
  token?: string

  /**
   * The names in the `Host` header of requests besides loopback ones, without the
   * port. Those with another name are refused.
   *
   * @default [host]
   */
  allowedHosts?: string[]

  /**
   * How many ms there are between two looks at the manager. Where a look takes long
   * there are more.
   *
   * @default 1_000
   */
  interval?: number

  /**
   * How many pages can be open at the same time
   *
   * @default 16
   */
  maxStreams?: number

  /**
   * How many peers are told at most
   *
   * @default 10_000
   */
  maxPeers?: number
}

/**
 * The options with their defaults
 */
export interface InspectorConfig extends Required<Omit<InspectorInit, 'token'>> {
  token?: string
}

const MIN_TOKEN_LENGTH = 16

const aText: OptionRule = { expected: 'a text', isValid: value => typeof value === 'string' && value !== '' }
const aToken: OptionRule = {
  expected: `a text of at least ${MIN_TOKEN_LENGTH} characters`,
  isValid: value => typeof value === 'string' && value.length >= MIN_TOKEN_LENGTH
}

const RULES: OptionRules<InspectorInit> = {
  host: aText,
  port: numberRule('a port', value => Number.isInteger(value) && value >= 0 && value <= 65_535),
  token: aToken,
  allowedHosts: someStrings,
  interval: numberRule('a number of ms of at least 100', value => value >= 100 && Number.isFinite(value)),
  maxStreams: atLeastOne,
  maxPeers: atLeastOne
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i

/**
 * Whether a name stands for this machine, and for it only
 */
export function isLoopbackName (host: string): boolean {
  return LOOPBACK.test(host)
}

/**
 * @throws {InvalidOptionError} if an option is unknown or not usable, or if the
 * inspector would be open to others without a token. The token is not part of the
 * message.
 */
export function resolveInspector (init: InspectorInit): InspectorConfig {
  if (!anObject.isValid(init)) {
    throw new InvalidOptionError('inspector', init, anObject.expected)
  }

  if (init.token != null && !aToken.isValid(init.token)) {
    throw new InvalidOptionError('inspector.token', '…', aToken.expected)
  }

  assertOptions(init, RULES, 'inspector.', true)

  const host = init.host ?? '127.0.0.1'

  if (!isLoopbackName(host) && init.token == null) {
    throw new InvalidOptionError('inspector.host', host, 'a loopback address, as there is no token')
  }

  return {
    ...withDefaults(init, { port: 8_950, interval: 1_000, maxStreams: 16, maxPeers: 10_000 }),
    host,
    token: init.token ?? undefined,
    allowedHosts: init.allowedHosts ?? [host]
  }
}
