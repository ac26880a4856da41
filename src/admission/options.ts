import { INBOUND_CONNECTION_THRESHOLD, MAX_INCOMING_PENDING_CONNECTIONS } from '../constants.ts'
import { notNegative, optionsOf, orFalse, someStrings, withDefaults } from '../options.ts'
import { machine } from '../resources/index.ts'
import { LOAD_RULES } from './load.ts'
import type { LoadMonitorInit } from './load.ts'
import type { OptionRules } from '../options.ts'
import type { Limits, Machine, ResourcesInit } from '../resources/index.ts'

/**
 * Which inbound connections come in
 */
export interface AdmissionInit {
  /**
   * IP addresses or ranges, as multiaddrs, that may connect even when the other
   * limits are reached, and are not trimmed, e.g. `/ip4/192.0.2.0/ipcidr/24`
   *
   * @default []
   */
  allow?: string[]

  /**
   * IP addresses or ranges, as multiaddrs, that may not connect. Takes precedence
   * over `allow`.
   *
   * @default []
   */
  deny?: string[]

  /**
   * How many inbound connections may be being encrypted and multiplexed at the same time. When
   * so many are, one that comes in takes the place of one of a more crowded network, or of one
   * that has not finished within a second; if there is none, it is refused. They do not count
   * towards `maxConnections` before the remote has said who it is.
   *
   * @default one for each 4 MiB of memory and for each 8 file descriptors, from 10 to 1_024;
   * at most a quarter of `limits.system`, if that is given; 10 in browsers
   */
  maxIncomingPendingConnections?: number

  /**
   * How many connections a single host may open within one second. If it is
   * given, it holds for loopback and private addresses too, which the default
   * exempts.
   *
   * @default 5
   */
  inboundConnectionThreshold?: number

  /**
   * Refuse inbound connections while the node can hardly serve those that it has
   *
   * @default { maxEventLoopDelay: 1_000, maxHeapRatio: 0.95, maxMemoryRatio: 0.9, interval: 250 }
   */
  load?: LoadMonitorInit | false
}

/**
 * What each of these options may be
 */
export const ADMISSION_RULES: OptionRules<AdmissionInit> = {
  allow: someStrings,
  deny: someStrings,
  maxIncomingPendingConnections: notNegative,
  inboundConnectionThreshold: notNegative,
  load: orFalse(optionsOf(LOAD_RULES))
}

/**
 * These options with their defaults
 */
export function resolveAdmission (init: AdmissionInit & Pick<ResourcesInit, 'limits'>): Required<Omit<AdmissionInit, 'load'>> {
  return withDefaults(init, {
    allow: [],
    deny: [],
    maxIncomingPendingConnections: defaultMaxPending(machine(), init.limits),
    inboundConnectionThreshold: INBOUND_CONNECTION_THRESHOLD
  })
}

/**
 * A connection that is not upgraded takes about 16 KiB. So those of a flood take no more
 * than 1/256 of the memory, and an eighth of the file descriptors.
 */
const MEMORY_PER_PENDING = 256 * 16 * 1024
const FILE_DESCRIPTORS_PER_PENDING = 8

/**
 * What is given for the system has to be enough for open connections, too
 */
const SYSTEM_PER_PENDING = 4

/**
 * With as many, nearly all honest newcomers get in while 1 000 others a second never finish
 */
const MOST_PENDING = 1_024

/**
 * How many connections may be being upgraded on a machine. What is not known of it does not
 * count, except that browsers tell nothing, and nobody can connect to many of them.
 */
export function defaultMaxPending ({ memory, fileDescriptors }: Machine, limits?: Limits | false): number {
  const { connections, connectionsInbound } = limits === false ? {} : limits?.system ?? {}
  const most = [
    memory / MEMORY_PER_PENDING,
    Number(fileDescriptors === 0 ? NaN : fileDescriptors) / FILE_DESCRIPTORS_PER_PENDING,
    Number(connections) / SYSTEM_PER_PENDING,
    Number(connectionsInbound) / SYSTEM_PER_PENDING
  ].filter(most => !Number.isNaN(most))

  return Math.max(MAX_INCOMING_PENDING_CONNECTIONS, Math.floor(Math.min(MOST_PENDING, ...most)))
}
