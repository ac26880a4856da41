import { aFlag, aFunction, anObject, assertPart, atLeastOne, numberRule, orFalse, someStrings } from '../options.ts'
import { SOURCE_NAMES } from './candidate-source-names.ts'
import { CHURN_RULES } from './churn-options.ts'
import { FEELERS_RULES } from './feelers-options.ts'
import type { CandidateSourceInit } from './candidate-source-names.ts'
import type { ChurnInit } from './churn-options.ts'
import type { DialRateInit } from './dial-rate.ts'
import type { FeelersInit } from './feelers-options.ts'
import type { RetryChance } from './retry-chance.ts'
import type { OptionRule, OptionRules } from '../options.ts'

/**
 * How a number of connections to peers of the node's own choice is kept
 */
export interface TopUpInit {
  /**
   * To how many peers there should be a connection that we have opened. While there
   * are fewer, peers are dialled. Bitcoin Core and btcd have 8, Geth a third of all
   * its connections.
   *
   * @default 0
   */
  target?: number

  /**
   * The part of all connections that we should have opened, from 0 to 1. Holds where
   * it is more than `target`.
   *
   * @default 0
   */
  ratio?: number

  /**
   * Where candidates come from: `peer-store`, `bootstrap` (peers with the tag of that
   * name), `peer-routing` (looks for random ids), and functions or iterables of the
   * user. They are asked in turn.
   *
   * @default ['peer-store', 'peer-routing', 'bootstrap']
   */
  sources?: CandidateSourceInit[]

  /**
   * Peers that are known to speak none of these protocols are not dialled, and hung
   * up on when that turns out later
   *
   * @default []
   */
  protocols?: string[]

  /**
   * How many connections there may be to one group of addresses that share a
   * network (`groupOf`). `Infinity` for no such rule.
   *
   * @default 1
   */
  groupLimit?: number

  /**
   * Candidates of groups to which there are enough connections are dialled after all
   * others, instead of never
   *
   * @default false
   */
  softGroups?: boolean

  /**
   * How many peers are dialled at the same time
   *
   * @default 16
   */
  maxParallel?: number

  /**
   * How many dials may be started per second, and how many at once
   *
   * @default { perSecond: 10, burst: 10 }
   */
  rate?: Partial<DialRateInit>

  /**
   * How likely a peer is to be dialled again after earlier dials. No peer is dialled
   * again within 35 s.
   *
   * @default coreRetryChance
   */
  retryChance?: RetryChance

  /**
   * How many peers are remembered when the node stops, and dialled first when it
   * starts again
   *
   * @default 2
   */
  anchors?: number

  /**
   * In ms: how often it is looked whether peers are missing, besides when something
   * happens
   *
   * @default 10_000
   */
  interval?: number

  /**
   * Hang up on peers with the tag `bootstrap`, and take the tag from them, once the
   * target is reached without them. Not on those that are protected or kept alive, or
   * that the application uses.
   *
   * @default true
   */
  releaseBootstrap?: boolean

  /**
   * Now and then, while the target is reached, close a connection to make room for
   * another peer
   *
   * @default false
   */
  churn?: ChurnInit | false

  /**
   * Now and then, while the target is reached, connect to a peer for a short time to
   * see whether it is there
   *
   * @default false
   */
  feelers?: FeelersInit | false
}

const aPart = numberRule('a number from 0 to 1', value => value >= 0 && value <= 1)
const aCount = numberRule('a whole number of at least 0', value => Number.isSafeInteger(value) && value >= 0)
const sources: OptionRule = {
  expected: `a list of ${SOURCE_NAMES.map(name => JSON.stringify(name)).join(', ')}, functions and iterables`,
  isValid: value => Array.isArray(value) && value.every(isSource)
}

const RULES: OptionRules<TopUpInit> = {
  target: aCount,
  ratio: aPart,
  sources,
  protocols: someStrings,
  groupLimit: atLeastOne,
  softGroups: aFlag,
  maxParallel: atLeastOne,
  rate: anObject,
  retryChance: aFunction,
  anchors: aCount,
  interval: numberRule('a number of ms of at least 1', value => value >= 1),
  releaseBootstrap: aFlag,
  churn: orFalse(anObject),
  feelers: orFalse(anObject)
}

const RATE_RULES: OptionRules<DialRateInit> = {
  perSecond: numberRule('a number of more than 0', value => value > 0),
  burst: atLeastOne
}

/**
 * What is not given is filled in where it is needed
 *
 * @throws {InvalidOptionError} if an option is unknown or not usable
 */
export function assertTopUp (init: TopUpInit): void {
  assertPart('outbound', init, RULES)
  assertPart('outbound.rate', init.rate, RATE_RULES)
  assertPart('outbound.churn', init.churn, CHURN_RULES)
  assertPart('outbound.feelers', init.feelers, FEELERS_RULES)
}

function isSource (value: unknown): boolean {
  if (typeof value === 'string') {
    return SOURCE_NAMES.some(name => name === value)
  }

  return typeof value === 'function' || (typeof value === 'object' && value != null && (Symbol.iterator in value || Symbol.asyncIterator in value))
}

/**
 * Whether any peer is to be dialled that nobody asked for
 */
export function isTopUpEnabled ({ target, ratio }: TopUpInit): boolean {
  return (target ?? 0) > 0 || (ratio ?? 0) > 0
}
