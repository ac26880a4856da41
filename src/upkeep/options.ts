import { CONNECTION_CLOSE_TIMEOUT, DRAIN_TIMEOUT, DUPLICATE_DELAY, RECYCLE_COOLDOWN } from '../constants.ts'
import { HOUSEKEEPING_PROTOCOLS } from '../core/index.ts'
import { InvalidOptionError } from '../errors.ts'
import { atLeastOne, aFunction, aFlag, anObject, duration, orFalse, notNegative, resolvePart, someFunctions, someStrings, withDefaults } from '../options.ts'
import { FLAPPING_DEFAULTS } from './flapping.ts'
import { NORMAL_LIVENESS } from './liveness-policy.ts'
import { DEFAULT_PING } from './liveness.ts'
import type { FlappingInit } from './flapping.ts'
import type { AfterConnect, BeforeConnect } from './hooks.ts'
import type { LivenessTimes } from './liveness-policy.ts'
import type { PingInit } from './liveness.ts'
import type { SelectConnection } from './path-keeper.ts'
import type { OptionRule, OptionRules } from '../options.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * When open connections are pinged, and when they are given up
 */
export interface LivenessInit extends Partial<LivenessTimes> {
  /**
   * The protocol of pings is `/<prefix>/ping/1.0.0`
   *
   * @default 'ipfs'
   */
  protocolPrefix?: string

  /**
   * A ping has at least this many ms to be answered. How long it has follows from the
   * round trip time.
   *
   * @default 2_000
   */
  minPingTimeout?: number

  /**
   * A ping has at most this many ms to be answered
   *
   * @default 20_000, or minPingTimeout if that is longer
   */
  maxPingTimeout?: number

  /**
   * Other times for some peers, where they differ. `false`: the peer is never
   * pinged, `undefined`: as all others.
   *
   * @default undefined, the same for all
   */
  timesOf?(peerId: PeerId): Partial<LivenessTimes> | false | undefined
}

/**
 * What becomes of open connections
 */
export interface ConnectionsInit {
  /**
   * How many ms closing a connection may take before it is aborted
   *
   * @default 1_000
   */
  connectionCloseTimeout?: number

  /**
   * Find dead connections. Replaces libp2p's own connection monitor, unless it is
   * `false`. If that monitor is disabled in the configuration of the node, ours is
   * only used when it is asked for here. What is given in `connectionMonitor` of the
   * node holds where it is not given here. With `maxMisses: Infinity` connections are
   * pinged, and never given up.
   *
   * @default { interval: 30_000, maxMisses: 3, minSilence: 60_000 }
   */
  liveness?: LivenessInit | false

  /**
   * Connections that the application does not use for this many ms are closed,
   * unless the peer is protected, is to be kept connected, has reserved a place on
   * this relay, or is one of a realm that has no more than what is reserved for it, or
   * unless it is relayed and nobody can dial this node (`whilePrivate`)
   *
   * @default Infinity
   */
  idleTimeout?: number

  /**
   * Inbound connections on which no application stream was opened within this many
   * ms are closed, with the same exceptions
   *
   * @default Infinity
   */
  firstStreamTimeout?: number

  /**
   * Streams of these protocols are no use of the application
   *
   * @default identify, identify push, ping, AutoNAT, DCUtR
   */
  housekeepingProtocols?: string[]

  /**
   * Streams that hold more than this many bytes which were not read or not sent,
   * for `streamBufferGracePeriod` ms, are reset
   *
   * @default Infinity
   */
  maxStreamBuffer?: number

  /**
   * For how many ms the buffer of a stream may be larger than `maxStreamBuffer` before the
   * stream is reset
   *
   * @default 10_000
   */
  streamBufferGracePeriod?: number

  /**
   * Over which of its connections a peer is best reached. Replaces the order: not
   * limited, direct, faster by 5 ms and 20 %, more streams, newer.
   *
   * @default undefined
   */
  selectConnection?: SelectConnection

  /**
   * A relayed connection is closed when there is a direct one, as soon as no stream
   * is open on it, in this many ms at the latest. The same holds for one of two
   * connections that both ends have dialled at the same time. No new streams are
   * opened on it meanwhile.
   *
   * @default 60_000
   */
  drainTimeout?: number

  /**
   * How many ms to wait before one of two connections that both ends have dialled
   * at the same time is closed, or a relayed one when there is a direct one
   *
   * @default 2_500
   */
  duplicateDelay?: number

  /**
   * Close one of two connections that both ends have dialled at the same time
   *
   * @default true
   */
  closeDuplicates?: boolean

  /**
   * For how many ms a peer is left alone after a connection to it was recycled
   *
   * @default 120_000
   */
  recycleCooldown?: number

  /**
   * Keep out peers that connect and disconnect again and again
   *
   * @default false
   */
  flapping?: FlappingInit | false

  /**
   * Asked, one after the other, before a peer is dialled, or an address that does not
   * tell its peer. The first that returns `false` or throws denies it.
   *
   * @default []
   */
  beforeConnect?: BeforeConnect[]

  /**
   * Asked, one after the other, before a connection in either direction is opened,
   * when its peer is authenticated. The first that returns `false` or throws
   * denies it.
   *
   * @default []
   */
  afterConnect?: AfterConnect[]
}

/**
 * How connections are watched
 */
export interface LivenessConfig extends LivenessTimes, PingInit, Pick<LivenessInit, 'timesOf'> {}

/**
 * The options with their defaults
 */
export interface ConnectionsConfig extends Required<Omit<ConnectionsInit, 'flapping' | 'liveness' | 'selectConnection'>> {
  flapping: Required<FlappingInit> | false
  liveness: LivenessConfig | false
  selectConnection?: SelectConnection
}

/**
 * What each of these options may be
 */
export const CONNECTIONS_RULES: OptionRules<ConnectionsInit> = {
  connectionCloseTimeout: duration,
  liveness: orFalse(anObject),
  idleTimeout: duration,
  firstStreamTimeout: duration,
  housekeepingProtocols: someStrings,
  maxStreamBuffer: notNegative,
  streamBufferGracePeriod: duration,
  selectConnection: aFunction,
  drainTimeout: duration,
  duplicateDelay: duration,
  closeDuplicates: aFlag,
  recycleCooldown: duration,
  flapping: orFalse(anObject),
  beforeConnect: someFunctions,
  afterConnect: someFunctions
}

const aPrefix: OptionRule = { expected: 'a text without a slash at either end', isValid: value => typeof value === 'string' && /^[^/](.*[^/])?$/.test(value) }
const LIVENESS_RULES: OptionRules<LivenessInit> = { interval: atLeastOne, maxMisses: atLeastOne, minSilence: duration, protocolPrefix: aPrefix, minPingTimeout: duration, maxPingTimeout: duration, timesOf: aFunction }
const FLAPPING_RULES: OptionRules<FlappingInit> = { shortSession: duration, sessions: atLeastOne, window: duration, cooldown: duration }

const DEFAULTS = {
  connectionCloseTimeout: CONNECTION_CLOSE_TIMEOUT,
  idleTimeout: Infinity,
  firstStreamTimeout: Infinity,
  housekeepingProtocols: [...HOUSEKEEPING_PROTOCOLS],
  maxStreamBuffer: Infinity,
  streamBufferGracePeriod: 10_000,
  drainTimeout: DRAIN_TIMEOUT,
  duplicateDelay: DUPLICATE_DELAY,
  closeDuplicates: true,
  recycleCooldown: RECYCLE_COOLDOWN,
  beforeConnect: [],
  afterConnect: [],
  selectConnection: undefined
}

const LIVENESS_DEFAULTS: LivenessConfig = { ...NORMAL_LIVENESS, ...DEFAULT_PING, timesOf: undefined }

/**
 * The options with their defaults
 *
 * @throws {InvalidOptionError} if an option within an option is not usable
 */
export function resolveConnections (init: ConnectionsInit): ConnectionsConfig {
  return {
    ...withDefaults(init, DEFAULTS),
    liveness: resolveLiveness(init.liveness),
    flapping: resolvePart('flapping', init.flapping ?? false, FLAPPING_RULES, FLAPPING_DEFAULTS)
  }
}

function resolveLiveness (init: ConnectionsInit['liveness']): LivenessConfig | false {
  const liveness = resolvePart('liveness', init, LIVENESS_RULES, LIVENESS_DEFAULTS)

  if (liveness === false || init === false || liveness.minPingTimeout <= liveness.maxPingTimeout) {
    return liveness
  }

  if (init?.minPingTimeout != null && init.maxPingTimeout != null) {
    throw new InvalidOptionError('liveness.minPingTimeout', init.minPingTimeout, `at most maxPingTimeout (${init.maxPingTimeout})`)
  }

  // only one of the two was given
  return init?.maxPingTimeout == null
    ? { ...liveness, maxPingTimeout: liveness.minPingTimeout }
    : { ...liveness, minPingTimeout: liveness.maxPingTimeout }
}
