import { ADMISSION_RULES, resolveAdmission } from './admission/index.ts'
import { assertConnectionBounds } from './connection-bounds.ts'
import * as constants from './constants.ts'
import { DIALING_DEFAULTS, DIALING_RULES } from './dialing/index.ts'
import { InvalidOptionError } from './errors.ts'
import { GATING_RULES } from './gating/index.ts'
import { aFlag, anObject, assertOptions, duration, unknownOptions, withDefaults } from './options.ts'
import { OUTBOUND_RULES, resolveOutbound } from './outbound/index.ts'
import { RESOURCES_RULES, validateLimits } from './resources/index.ts'
import { TRIMMING_RULES, resolveTrimming, resolveWatermarks } from './trimming/index.ts'
import { CONNECTIONS_RULES, resolveConnections } from './upkeep/index.ts'
import type { AdmissionInit } from './admission/index.ts'
import type { DialingInit } from './dialing/index.ts'
import type { GatingInit } from './gating/index.ts'
import type { OptionRules } from './options.ts'
import type { OutboundConfig, OutboundInit } from './outbound/index.ts'
import type { ResourcesInit } from './resources/index.ts'
import type { TrimmingConfig, TrimmingInit, WatermarkDefaults, Watermarks } from './trimming/index.ts'
import type { ConnectionsConfig, ConnectionsInit } from './upkeep/index.ts'

/**
 * The options of `connectionManager()`. All are optional. Those that libp2p's own
 * connection manager has keep their names, meanings and defaults.
 */
export interface ConnectionManagerInit extends TrimmingInit, AdmissionInit, GatingInit, ResourcesInit, DialingInit, ConnectionsInit, OutboundInit {
  /**
   * How many ms encrypting and multiplexing an inbound connection may take
   *
   * @default 10_000
   */
  inboundUpgradeTimeout?: number

  /**
   * How many ms negotiating the protocol of an outbound stream may take. Not used
   * when a signal is passed.
   *
   * @default 10_000
   */
  outboundStreamProtocolNegotiationTimeout?: number

  /**
   * How many ms negotiating the protocol of an inbound stream may take
   *
   * @default 10_000
   */
  inboundStreamProtocolNegotiationTimeout?: number

  /**
   * Refuse options that do not exist, which may be misspelt. Without it they are told
   * when the node starts, and have no effect.
   *
   * @default false
   */
  strict?: boolean
}

/**
 * The options with their defaults
 */
export interface ConnectionManagerConfig extends
  Watermarks,
  TrimmingConfig,
  Required<Omit<AdmissionInit, 'load'>>,
  Pick<AdmissionInit, 'load'>,
  GatingInit,
  ResourcesInit,
  Required<Omit<DialingInit, 'addressSorter' | 'resolvers'>>,
  Pick<DialingInit, 'addressSorter' | 'resolvers'>,
  ConnectionsConfig,
  OutboundConfig {
  /**
   * Does `inboundConnectionThreshold` hold for loopback and private addresses?
   */
  limitPrivateHosts: boolean

  /**
   * What was given
   */
  readonly init: ConnectionManagerInit
}

/**
 * How the watermarks follow from each other
 */
export const WATERMARK_DEFAULTS: WatermarkDefaults = {
  maxConnections: constants.MAX_CONNECTIONS,
  lowWaterRatio: constants.LOW_WATER_RATIO,
  highWaterRatio: constants.HIGH_WATER_RATIO
}

const RULES: OptionRules<ConnectionManagerInit> = {
  ...TRIMMING_RULES,
  ...ADMISSION_RULES,
  ...GATING_RULES,
  ...RESOURCES_RULES,
  ...DIALING_RULES,
  ...CONNECTIONS_RULES,
  ...OUTBOUND_RULES,
  inboundUpgradeTimeout: duration,
  outboundStreamProtocolNegotiationTimeout: duration,
  inboundStreamProtocolNegotiationTimeout: duration,
  strict: aFlag
}

/**
 * What to say at start of options that are not refused, and have no effect
 */
export function optionWarnings (init: ConnectionManagerInit): string[] {
  return unknownOptions(init, RULES)
}

/**
 * Fills in the defaults. `hasMonitor` tells whether the node watches its connections
 * by itself: where it does not, neither do we, unless that is asked for.
 *
 * @throws {InvalidOptionError} if an option has a value that it may not have, if
 * options contradict each other, or, with `strict`, if an option is unknown
 */
export function resolveConfig (init: ConnectionManagerInit = {}, hasMonitor = true): ConnectionManagerConfig {
  if (!anObject.isValid(init)) {
    throw new InvalidOptionError('connectionManager', init, anObject.expected)
  }

  assertOptions(init, RULES, '', init.strict === true)

  const watermarks = resolveWatermarks(init, WATERMARK_DEFAULTS)
  const trimming = resolveTrimming(init)
  const outbound = resolveOutbound(init)
  assertConnectionBounds({ ...init, limits: init.limits === false ? false : validateLimits(init.limits ?? {}) }, watermarks, trimming)

  return {
    ...init,
    init,
    limitPrivateHosts: init.inboundConnectionThreshold != null,
    ...watermarks,
    ...trimming,
    ...resolveAdmission(init),
    ...withDefaults(init, DIALING_DEFAULTS),
    ...resolveConnections(hasMonitor || init.liveness != null ? init : { ...init, liveness: false }),
    ...outbound
  }
}
