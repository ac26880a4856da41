import { multiaddr } from '@multiformats/multiaddr'
import { optionWarnings, resolveConfig } from './config.ts'
import * as constants from './constants.ts'
import { readProperty } from './error-message.ts'
import { anObject } from './options.ts'
import { assertSupported } from './start-checks.ts'
import { NORMAL_LIVENESS } from './upkeep/index.ts'
import { loggedOr } from './user-functions.ts'
import type { ConnectionManagerConfig, ConnectionManagerInit } from './config.ts'
import type { LivenessInit } from './upkeep/index.ts'
import type { Logger } from '@libp2p/interface'

/**
 * What the options of the node can be read from: the configuration itself is not kept,
 * but what libp2p has built of it is
 */
export interface ConfiguredComponents {
  connectionManager: object
  upgrader: object
  connectionMonitor?: object
}

/**
 * Our options, and those of the node that stand for ours which were not given
 */
export interface TakenOver {
  readonly init: ConnectionManagerInit

  /**
   * What was taken over, e.g. `connectionManager.maxConnections`
   */
  readonly taken: readonly string[]

  /**
   * What there is to say of options of the node that have no effect
   */
  readonly warnings: readonly string[]
}

/**
 * An option of `createLibp2p`
 */
interface NodeOption {
  /**
   * Where it is in the configuration
   */
  readonly name: string

  /**
   * Where it belongs now, e.g. `liveness.interval`. `undefined` if there is no such option.
   */
  readonly place?: string
  readonly value: unknown
}

type Path = readonly string[]

/**
 * Where libp2p's own connection manager keeps the options that it was given, and what is
 * there if it was given none
 */
const MANAGER_FIELDS: ReadonlyArray<readonly [option: keyof ConnectionManagerInit, path: Path, preset: unknown]> = [
  ['maxConnections', ['maxConnections'], constants.MAX_CONNECTIONS],
  ['maxIncomingPendingConnections', ['maxIncomingPendingConnections'], constants.MAX_INCOMING_PENDING_CONNECTIONS],
  ['inboundConnectionThreshold', ['inboundConnectionRateLimiter', 'points'], constants.INBOUND_CONNECTION_THRESHOLD],
  ['allow', ['allow'], []],
  ['deny', ['deny'], []],
  ['addressSorter', ['dialQueue', 'addressSorter'], undefined],
  ['maxParallelDials', ['dialQueue', 'queue', 'concurrency'], constants.MAX_PARALLEL_DIALS],
  ['maxDialQueueLength', ['dialQueue', 'maxDialQueueLength'], constants.MAX_DIAL_QUEUE_LENGTH],
  ['maxPeerAddrsToDial', ['dialQueue', 'maxPeerAddrsToDial'], constants.MAX_PEER_ADDRS_TO_DIAL],
  ['dialTimeout', ['dialQueue', 'dialTimeout'], constants.DIAL_TIMEOUT],
  ['addressDialTimeout', ['dialQueue', 'addressDialTimeout'], constants.ADDRESS_DIAL_TIMEOUT],
  ['resolvers', ['dialQueue', 'resolvers'], undefined],
  ['reconnectRetries', ['reconnectQueue', 'retries'], constants.RECONNECT_RETRIES],
  ['reconnectRetryInterval', ['reconnectQueue', 'retryInterval'], undefined],
  ['reconnectBackoffFactor', ['reconnectQueue', 'backoffFactor'], undefined],
  ['maxParallelReconnects', ['reconnectQueue', 'queue', 'concurrency'], constants.MAX_PARALLEL_RECONNECTS]
]

/**
 * The same of the upgrader, which gets some options of the connection manager
 */
const UPGRADER_FIELDS: ReadonlyArray<readonly [option: keyof ConnectionManagerInit, preset: number]> = [
  ['inboundUpgradeTimeout', constants.UPGRADE_TIMEOUT],
  ['inboundStreamProtocolNegotiationTimeout', constants.UPGRADE_TIMEOUT],
  ['outboundStreamProtocolNegotiationTimeout', constants.UPGRADE_TIMEOUT],
  ['connectionCloseTimeout', constants.CONNECTION_CLOSE_TIMEOUT]
]

/**
 * The defaults of libp2p's connection monitor, and of the timeout that it has
 */
const MONITOR_INTERVAL = 10_000
const MONITOR_PROTOCOL = /^\/(.+)\/ping\/1\.0\.0$/
const MONITOR_PREFIX = 'ipfs'
const TIMEOUT_FIELDS: ReadonlyArray<readonly [option: string, path: Path, preset: number, place?: string]> = [
  ['minTimeout', ['minTimeout'], 5_000, 'liveness.minPingTimeout'],
  ['maxTimeout', ['maxTimeout'], 60_000, 'liveness.maxPingTimeout'],
  ['timeoutMultiplier', ['timeoutMultiplier'], 1.2],
  ['failureMultiplier', ['failureMultiplier'], 2],
  ['interval', ['success', 'timeSpan'], 5_000]
]

/**
 * The options with their defaults, and what there is to say of those that have no effect
 *
 * @throws {InvalidOptionError} if the options are not usable
 * @throws {UnsupportedVersionError} if the libp2p of the node is too old
 */
export function configure (given: ConnectionManagerInit, components: ConfiguredComponents, log: Logger): { config: ConnectionManagerConfig, warnings: string[] } {
  assertSupported(components)

  const { init, taken, warnings } = takeOverOptions(given, components)
  const config = resolveConfig(init, readProperty(components, 'connectionMonitor') != null)

  if (taken.length > 0) {
    log('took over the options %s of the node', taken.join(', '))
  }

  return {
    config: { ...config, groupOf: loggedOr('groupOf', config.groupOf, () => undefined, log) },
    warnings: [...optionWarnings(given), ...warnings]
  }
}

/**
 * Takes over the options that are left in `connectionManager` and `connectionMonitor` of
 * `createLibp2p`, where ours mean the same and were not given. The others are told. An
 * option that was given with its default value cannot be told from one that was not.
 */
export function takeOverOptions (init: ConnectionManagerInit, components: ConfiguredComponents): TakenOver {
  // told by who looks at the options
  if (!anObject.isValid(init) || !(init.liveness == null || init.liveness === false || anObject.isValid(init.liveness))) {
    return { init, taken: [], warnings: [] }
  }

  const own: Record<string, unknown> = { ...init }
  const isWatched = init.liveness !== false
  const liveness: Record<string, unknown> = { ...init.liveness === false ? undefined : init.liveness }
  const taken: string[] = []
  const warnings: string[] = []

  // without our liveness the monitor goes on with its options
  const options = [...managerOptions(components), ...(isWatched ? monitorOptions(components) : [])]

  for (const { name, place, value } of options) {
    if (place == null) {
      warnings.push(`"${name}" of the node has no effect, as there is no such option here`)
      continue
    }

    const isLiveness = place.startsWith(LIVENESS)
    const target = isLiveness ? liveness : own
    const key = isLiveness ? place.slice(LIVENESS.length) : place
    const given = target[key]

    const highest = Math.max(init.highWater ?? 0, init.lowWater ?? 0)

    if (key === 'maxConnections' && given == null && highest > Number(value)) {
      warnings.push(`"${name}" of the node (${String(value)}) has no effect, as it is less than the watermarks that were given to connectionManager()`)
    } else if (given == null) {
      target[key] = value
      taken.push(name)
    } else if (!isSame(given, value)) {
      warnings.push(`"${name}" of the node has no effect, as "${place}" was given to connectionManager()`)
    }
  }

  if (Object.keys(liveness).length > 0) {
    own.liveness = livenessOf(liveness, init)
  }

  // with the values that the user has given for options of the same name
  return { init: own as ConnectionManagerInit, taken, warnings }
}

const LIVENESS = 'liveness.'

/**
 * How long a connection has to be silent is in proportion to the interval, as it is by
 * default, but no longer than by default
 */
function livenessOf (liveness: LivenessInit, init: ConnectionManagerInit): LivenessInit {
  const givenInterval = init.liveness === false ? undefined : init.liveness?.interval
  const { interval, minSilence } = liveness
  const result = { ...liveness }

  if (minSilence == null && givenInterval == null && interval != null) {
    result.minSilence = Math.min(NORMAL_LIVENESS.minSilence, 2 * interval)
  }

  return result
}

/**
 * Another service may have taken the place of libp2p's own manager already
 */
function managerOptions ({ connectionManager, upgrader }: ConfiguredComponents): NodeOption[] {
  if (readProperty(connectionManager, Symbol.toStringTag) !== '@libp2p/connection-manager') {
    return []
  }

  const found: Array<readonly [option: string, value: unknown, preset: unknown]> = [
    ...MANAGER_FIELDS.map(([option, path, preset]) => [option, optionValue(option, read(connectionManager, path)), preset] as const),
    ...UPGRADER_FIELDS.map(([option, preset]) => [option, readProperty(upgrader, option), preset] as const)
  ]

  return found
    .filter(([, value, preset]) => value != null && !isSame(value, preset))
    .map(([option, value]) => ({ name: `connectionManager.${option}`, place: option, value }))
}

function monitorOptions (components: ConfiguredComponents): NodeOption[] {
  // a node without one must not be asked for it
  const monitor = readProperty(components, 'connectionMonitor')

  if (readProperty(monitor, Symbol.toStringTag) !== '@libp2p/connection-monitor') {
    return []
  }

  const options: NodeOption[] = []
  const add = (name: string, place: string | undefined, value: unknown): void => { options.push({ name: `connectionMonitor.${name}`, place, value }) }
  const interval = readProperty(monitor, 'pingIntervalMs')
  const prefix = MONITOR_PROTOCOL.exec(`${readProperty(monitor, 'protocol') as string}`)?.[1]

  if (interval != null && interval !== MONITOR_INTERVAL) {
    add('pingInterval', 'liveness.interval', interval)
  }

  if (readProperty(monitor, 'abortConnectionOnPingFailure') === false) {
    add('abortConnectionOnPingFailure', 'liveness.maxMisses', Infinity)
  }

  if (prefix != null && prefix !== MONITOR_PREFIX) {
    add('protocolPrefix', 'liveness.protocolPrefix', prefix)
  }

  for (const [option, path, preset, place] of TIMEOUT_FIELDS) {
    const value = read(monitor, ['timeout', ...path])

    if (value != null && value !== preset) {
      add(`pingTimeout.${option}`, place, value)
    }
  }

  return options
}

function optionValue (option: string, value: unknown): unknown {
  if (option === 'resolvers') {
    return isPresetResolvers(value) ? undefined : value
  }

  return Array.isArray(value) ? value.map(toRange) : value
}

/**
 * libp2p's own resolver has a name that bundlers shorten, but no other has these members
 */
function isPresetResolvers (resolvers: unknown): boolean {
  const [only, ...others] = Object.keys(Object(resolvers))
  const resolver = readProperty(resolvers, 'dnsaddr')

  return only === 'dnsaddr' && others.length === 0 && typeof readProperty(resolver, 'getDNS') === 'function'
}

/**
 * `192.0.2.0/24`, as ranges are kept, as a multiaddr
 */
function toRange (range: unknown): string {
  const [network, bits] = `${range as string}`.split('/')

  return multiaddr(`/${network.includes(':') ? 'ip6' : 'ip4'}/${network}/ipcidr/${bits}`).toString()
}

function isSame (a: unknown, b: unknown): boolean {
  return Array.isArray(a) && Array.isArray(b) ? `${a.map(withRange)}` === `${b.map(withRange)}` : a === b
}

/**
 * An address stands for the range that has no other
 */
function withRange (address: unknown): string {
  const text = `${address as string}`

  return text.includes('/ipcidr/') ? text : `${text}/ipcidr/${text.startsWith('/ip6/') ? 128 : 32}`
}

function read (from: unknown, path: Path): unknown {
  return path.reduce(readProperty, from)
}
