import { INBOUND_CONNECTION_THRESHOLD, MAX_INCOMING_PENDING_CONNECTIONS } from '../constants.ts'
import { anObject, notNegative, orFalse, someStrings } from '../options.ts'
import type { LoadMonitorInit } from './load.ts'
import type { OptionRules } from '../options.ts'

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
   * No inbound connection is accepted while this many others are being encrypted
   * and multiplexed
   *
   * @default 10
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
   * @default { maxEventLoopDelay: 1_000, maxHeapRatio: 0.95, interval: 250 }
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
  load: orFalse(anObject)
}

/**
 * What these options are where they are not given
 */
export const ADMISSION_DEFAULTS: Required<Omit<AdmissionInit, 'load'>> = {
  allow: [],
  deny: [],
  maxIncomingPendingConnections: MAX_INCOMING_PENDING_CONNECTIONS,
  inboundConnectionThreshold: INBOUND_CONNECTION_THRESHOLD
}
