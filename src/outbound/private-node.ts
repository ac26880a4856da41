import { aFlag, numberRule, resolvePart } from '../options.ts'
import type { OptionRules } from '../options.ts'
import type { Reachability, ReachabilityReason } from '../reachability/index.ts'

/**
 * What is different while nobody can dial this node
 */
export interface WhilePrivateInit {
  /**
   * How many times as many peers are connected to as `outbound.target` says, at most
   * as many as `lowWater`. Besides, `outbound.ratio` is taken of `lowWater`, as the
   * inbound connections that the rest stands for cannot come. A target and a ratio of
   * 0 stay 0.
   *
   * @default 2
   */
  outboundFactor?: number

  /**
   * Whether relays on which this node has a reservation are protected, by the tag
   * `relay`, and relayed connections with limits are not the first that are trimmed or
   * evicted, and not closed for being idle: nobody gets here in another way
   *
   * @default true
   */
  keepRelays?: boolean
}

/**
 * The options with their defaults, `false` if nothing is different
 */
export type WhilePrivateConfig = Required<WhilePrivateInit> | false

const RULES: OptionRules<WhilePrivateInit> = {
  outboundFactor: numberRule('a number of at least 1', value => value >= 1 && value < Infinity),
  keepRelays: aFlag
}

// peers dial this node no more, so it does for both ends
const DEFAULTS: Required<WhilePrivateInit> = { outboundFactor: 2, keepRelays: true }

/**
 * @throws {InvalidOptionError} if an option is unknown or not usable
 */
export function resolveWhilePrivate (init?: WhilePrivateInit | false): WhilePrivateConfig {
  return resolvePart('whilePrivate', init, RULES, DEFAULTS)
}

/**
 * Whether nobody can dial a node: no address of it can be dialled, or nobody could
 * try, but the gateway has no public address itself
 */
export function isPrivateNode ({ state, reason }: { state: Reachability, reason?: ReachabilityReason }): boolean {
  return state === 'private' || (state === 'unknown' && reason === 'double-nat')
}
