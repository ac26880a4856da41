import { familyOf, isPublicIp } from '../addresses/index.ts'
import { InvalidOptionError } from '../errors.ts'
import { anObject } from '../options.ts'
import type { MappingInit, ProbeInit, ReachabilityInit, ServerInit } from './options.ts'

/**
 * Options with every default filled in
 */
export interface ReachabilityOptions {
  mapping: Required<Omit<MappingInit, 'externalAddress'>> & Pick<MappingInit, 'externalAddress'>
  probe: Required<ProbeInit>
  server: Required<ServerInit>
  protocolPrefix: string
}

const MAPPING_DEFAULTS: ReachabilityOptions['mapping'] = {
  enabled: true,
  protocols: ['pcp', 'pmp', 'upnp'],
  lease: 3_600_000,
  renewAt: 0.5,
  checkInterval: 30_000,
  entryCheckInterval: 60_000,
  discoveryTimeout: 10_000,
  maxFailures: 3,
  minBackOff: 5_000,
  maxBackOff: 300_000,
  requestTimeout: 5_000,
  fallbackPorts: 3,
  fallbackRange: [10_000, 65_535],
  unmapOnStop: true,
  stopTimeout: 2_000,
  description: 'libp2p',
  ipv6Pinholes: true,
  gateways: [],
  mapDelay: 0,
  debounce: 250,
  announcements: true
}

const PROBE_DEFAULTS: ReachabilityOptions['probe'] = {
  enabled: true,
  targetConfidence: 3,
  minConfidence: 2,
  newAddressDelay: 1_000,
  reprobeReachable: 3_600_000,
  reprobeUnreachable: 300_000,
  concurrency: 3,
  timeout: 30_000,
  serverThrottle: 120_000,
  maxCandidates: 10,
  observedIpMinObservers: 2,
  walk: 'auto',
  settleTime: 10_000
}

const SERVER_DEFAULTS: ReachabilityOptions['server'] = {
  enabled: true,
  requestsPerMinute: 60,
  requestsPerMinutePerPeer: 12,
  dialDataPerMinute: 12,
  concurrentPerPeer: 2,
  maxAddresses: 50,
  maxJitter: 3_000
}

const MAX_DESCRIPTION_LENGTH = 64
const MAX_PORT = 0xffff

// gateways count the seconds in 32 bits
const MAX_LEASE = 0xffff_ffff * 1_000

// what may be zero: switches something off, or means "at once"
const MAY_BE_ZERO = new Set(['fallbackPorts', 'mapDelay', 'debounce', 'newAddressDelay', 'settleTime', 'maxJitter', 'stopTimeout'])

/**
 * Fill in the defaults
 *
 * @throws {InvalidOptionError}
 */
export function resolveOptions (init: ReachabilityInit = {}): ReachabilityOptions {
  assertObject('reachability', init)
  const options: ReachabilityOptions = {
    mapping: withDefaults('mapping', MAPPING_DEFAULTS, init.mapping),
    probe: withDefaults('probe', PROBE_DEFAULTS, init.probe),
    server: withDefaults('server', SERVER_DEFAULTS, init.server),
    protocolPrefix: init.protocolPrefix ?? 'libp2p'
  }

  if (typeof options.protocolPrefix !== 'string' || !/^[\w.-]+$/.test(options.protocolPrefix)) {
    throw new InvalidOptionError('protocolPrefix', options.protocolPrefix, 'one part of a protocol name')
  }

  checkMapping(options.mapping)

  if (options.probe.walk !== 'auto' && options.probe.walk !== 'never') {
    throw new InvalidOptionError('probe.walk', options.probe.walk, "'auto' or 'never'")
  }

  // libp2p's client runs three requests, a fourth would only wait for them
  if (options.probe.concurrency > 3) {
    throw new InvalidOptionError('probe.concurrency', options.probe.concurrency, 'at most 3')
  }

  if (options.probe.targetConfidence < options.probe.minConfidence) {
    throw new InvalidOptionError('probe.targetConfidence', options.probe.targetConfidence, `at least probe.minConfidence, ${options.probe.minConfidence}`)
  }

  return options
}

function checkMapping (mapping: ReachabilityOptions['mapping']): void {
  const { protocols, lease, renewAt, fallbackRange: [from, to], description, gateways, externalAddress } = mapping

  if (!protocols.every(protocol => MAPPING_DEFAULTS.protocols.includes(protocol))) {
    throw new InvalidOptionError('mapping.protocols', protocols, "a list of 'pcp', 'pmp' and 'upnp'")
  }

  if (lease > MAX_LEASE) {
    throw new InvalidOptionError('mapping.lease', lease, `at most ${MAX_LEASE} ms`)
  }

  if (renewAt >= 1) {
    throw new InvalidOptionError('mapping.renewAt', renewAt, 'between 0 and 1')
  }

  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 1 || to > MAX_PORT || from > to) {
    throw new InvalidOptionError('mapping.fallbackRange', mapping.fallbackRange, 'two ports, the lower one first')
  }

  if (description.length > MAX_DESCRIPTION_LENGTH || ![...description].every(char => char >= ' ' && char <= '~')) {
    throw new InvalidOptionError('mapping.description', description, `at most ${MAX_DESCRIPTION_LENGTH} printable ASCII characters`)
  }

  if (externalAddress != null && (typeof externalAddress !== 'string' || !isPublicIp(externalAddress, 4))) {
    throw new InvalidOptionError('mapping.externalAddress', externalAddress, 'a public IPv4 address')
  }

  for (const gateway of gateways) {
    if (typeof gateway !== 'string' || (familyOf(gateway) == null && !(URL.canParse(gateway) && new URL(gateway).protocol === 'http:'))) {
      throw new InvalidOptionError('mapping.gateways', gateway, 'IP addresses and http URLs')
    }
  }
}

function withDefaults<T extends object> (section: string, defaults: T, init: Partial<T> | undefined): T {
  assertObject(section, init)
  const options = { ...defaults }

  for (const [name, value] of Object.entries(init ?? {})) {
    // what is null was not given, as in libp2p's own configuration
    if (value == null) {
      continue
    }

    const usual: unknown = Object.hasOwn(defaults, name) ? defaults[name as keyof T] : undefined

    // nothing of it means "never" or "no limit"
    if (typeof usual === 'number' && (typeof value !== 'number' || !(value > 0 || (value === 0 && MAY_BE_ZERO.has(name))) || value === Infinity)) {
      throw new InvalidOptionError(`${section}.${name}`, value, 'a positive, finite number')
    }

    if ((typeof usual === 'boolean' || typeof usual === 'string') && typeof value !== typeof usual) {
      throw new InvalidOptionError(`${section}.${name}`, value, `a ${typeof usual}`)
    }

    if (Array.isArray(usual) && !Array.isArray(value)) {
      throw new InvalidOptionError(`${section}.${name}`, value, 'a list')
    }

    Object.assign(options, { [name]: value })
  }

  return options
}

function assertObject (name: string, value: unknown): void {
  if (value != null && !anObject.isValid(value)) {
    throw new InvalidOptionError(name, value, anObject.expected)
  }
}
