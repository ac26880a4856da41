import { ADDRESS_DIAL_TIMEOUT, DIAL_TIMEOUT, MAX_DIAL_QUEUE_LENGTH, MAX_PARALLEL_DIALS, MAX_PEER_ADDRS_TO_DIAL } from '../constants.ts'
import { aFunction, anObject, atLeastOne, duration, finite, notNegative, numberRule, optionsOf, orFalse } from '../options.ts'
import { DIAL_BUDGETS } from './budgets.ts'
import { dialRanker } from './ranker.ts'
import type { DialBackOffInit } from './back-off.ts'
import type { BlackHoleInit } from './black-hole.ts'
import type { DialRanker } from './ranker.ts'
import type { GroupOf } from '../addresses/index.ts'
import type { OptionRule, OptionRules } from '../options.ts'
import type { AddressSorter, MultiaddrResolver } from '@libp2p/interface'

/**
 * How peers are dialled
 */
export interface DialingInit {
  /**
   * Sorts the addresses of a peer, which are then dialled one after the other, at
   * a distance of 250 ms. `dialRanker` decides about the distance, too.
   *
   * @default the order of `dialRanker`
   */
  addressSorter?: AddressSorter

  /**
   * Decides in which order and at what distance the addresses of a peer are
   * dialled
   *
   * @default QUIC, TCP, WebRTC, relayed; IPv6 and IPv4 in turn; 250 ms apart
   */
  dialRanker?: DialRanker

  /**
   * How many peers are dialled at the same time
   *
   * @default 100, in browsers 50
   */
  maxParallelDials?: number

  /**
   * When this many dials are running or waiting, another one fails with a
   * `DialError`
   *
   * @default 500
   */
  maxDialQueueLength?: number

  /**
   * How many addresses of a peer are dialled before giving up
   *
   * @default 25
   */
  maxPeerAddrsToDial?: number

  /**
   * How many ms a dial may take, including the time it waits. Not used when a
   * signal is passed.
   *
   * @default 10_000
   */
  dialTimeout?: number

  /**
   * How many ms dialling one address may take
   *
   * @default 6_000
   */
  addressDialTimeout?: number

  /**
   * How many addresses of all peers are dialled at the same time
   *
   * @default 320
   */
  maxParallelAddressDials?: number

  /**
   * How many addresses of one peer are dialled at the same time
   *
   * @default 8
   */
  maxParallelDialsPerPeer?: number

  /**
   * How many addresses are dialled at the same time over one kind of transport.
   * Kinds that are not listed are bounded by the other limits only. WebSockets
   * count as `tcp`.
   *
   * @default { tcp: 160, webtransport: 48, webrtc: 16, circuit: 64 }
   */
  maxParallelDialsPerTransport?: Record<string, number>

  /**
   * How many addresses that share a network are dialled at the same time, by
   * dials that nobody asked for
   *
   * @default 4
   */
  maxParallelDialsPerGroup?: number

  /**
   * Which addresses share a network, e.g. their autonomous system. With
   * `undefined` an address gets the group it has without this function.
   *
   * @default the /16 of an IPv4 address, the /32 of an IPv6 address
   */
  groupOf?: GroupOf

  /**
   * How long an address that failed is left alone. Dials that somebody asked for
   * try it all the same, after the others. `false` forgets failures.
   *
   * @default { base: 5_000, coefficient: 1_000, max: 300_000, jitter: 0.1, maxEntries: 10_000 }
   */
  backOff?: DialBackOffInit | false

  /**
   * When UDP or IPv6 counts as not working in this network. Dials that somebody
   * asked for try it all the same, after the others. `false` never thinks so.
   *
   * @default { window: 100, minSuccesses: 5, probeInterval: 60_000 }
   */
  blackHole?: BlackHoleInit | false

  /**
   * Turn addresses into those that can be dialled
   *
   * @default { dnsaddr }
   */
  resolvers?: Record<string, MultiaddrResolver>
}

const backOff = optionsOf({ base: duration, coefficient: duration, max: duration, jitter: fraction(), maxEntries: atLeastOne, random: anObject })
const blackHole = optionsOf({ window: atLeastOne, minSuccesses: finite(notNegative), probeInterval: duration })

/**
 * What each of these options may be
 */
export const DIALING_RULES: OptionRules<DialingInit> = {
  addressSorter: aFunction,
  dialRanker: aFunction,
  maxParallelDials: atLeastOne,
  maxDialQueueLength: notNegative,
  maxPeerAddrsToDial: notNegative,
  dialTimeout: duration,
  addressDialTimeout: duration,
  maxParallelAddressDials: atLeastOne,
  maxParallelDialsPerPeer: atLeastOne,
  maxParallelDialsPerTransport: {
    expected: 'an object with a number of at least 1 for every kind of transport',
    isValid: value => anObject.isValid(value) && Object.values(value ?? {}).every(cap => atLeastOne.isValid(cap))
  },
  maxParallelDialsPerGroup: atLeastOne,
  groupOf: aFunction,
  backOff: orFalse(backOff),
  blackHole: orFalse(blackHole),
  resolvers: anObject
}

/**
 * What these options are where they are not given
 */
export const DIALING_DEFAULTS: Required<Omit<DialingInit, 'addressSorter' | 'resolvers'>> = {
  dialRanker,
  maxParallelDials: MAX_PARALLEL_DIALS,
  maxDialQueueLength: MAX_DIAL_QUEUE_LENGTH,
  maxPeerAddrsToDial: MAX_PEER_ADDRS_TO_DIAL,
  dialTimeout: DIAL_TIMEOUT,
  addressDialTimeout: ADDRESS_DIAL_TIMEOUT,
  ...DIAL_BUDGETS,
  groupOf: () => undefined,
  backOff: {},
  blackHole: {}
}

function fraction (): OptionRule {
  return numberRule('a number from 0 to 1', value => value >= 0 && value <= 1)
}
