import { MAX_PARALLEL_RECONNECTS, RECONNECT_BACKOFF_FACTOR, RECONNECT_RETRIES, RECONNECT_RETRY_INTERVAL } from '../constants.ts'
import { anObject, atLeastOne, duration, finite, notNegative, numberRule, orFalse, withDefaults } from '../options.ts'
import { parseStaticPeer, parseTrustedPeer } from './parse-peers.ts'
import { resolveWhilePrivate } from './private-node.ts'
import { assertTopUp } from './top-up-options.ts'
import type { StaticPeerInput } from './parse-peers.ts'
import type { WhilePrivateConfig, WhilePrivateInit } from './private-node.ts'
import type { TopUpInit } from './top-up-options.ts'
import type { OptionRule, OptionRules } from '../options.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Whom to be connected to
 */
export interface OutboundInit {
  /**
   * Peers to be connected to always: addresses that end with the id of the peer, or
   * ids of peers whose addresses are found by peer routing. They are dialled again
   * whenever they are not connected, after 1 s at first and 5 min at most, count for
   * the target of `outbound` but are dialled whatever it is, and are protected by the
   * tag `static`. Who is hung up on is left alone until it connects, or is added
   * again. They can be changed at run time with `manager.staticPeers`.
   *
   * @default []
   */
  staticPeers?: StaticPeerInput[]

  /**
   * Ids of peers that are trusted: they are protected by the tag `trusted`, so they
   * are neither trimmed nor evicted, nor closed for being idle, and are not banned
   * for misbehaviour; they are not refused for being discouraged, for connecting
   * and disconnecting too often, or because there are `maxConnections`. Limits that hold
   * before a peer is known, limits of resources and bans by hand hold for them as for all
   * others. They can be changed at run time
   * with `manager.trustedPeers`.
   *
   * @default []
   */
  trustedPeers?: Array<string | PeerId>

  /**
   * Keep a number of connections to peers of the node's own choice. Without a
   * `target` or a `ratio` there are none.
   *
   * @default { target: 0, ratio: 0 }
   */
  outbound?: TopUpInit

  /**
   * What is different while nobody can dial this node, which `reachabilityChanged`
   * tells the manager: it opens more connections itself, and holds on to its relays.
   * `false`: nothing is.
   *
   * @default { outboundFactor: 2, keepRelays: true }
   */
  whilePrivate?: WhilePrivateInit | false

  /**
   * How often reconnecting to a peer with a `keep-alive` tag is tried again. `Infinity`:
   * until it succeeds.
   *
   * @default 5
   */
  reconnectRetries?: number

  /**
   * How many ms to wait before the first of these attempts
   *
   * @default 1_000
   */
  reconnectRetryInterval?: number

  /**
   * By how much that wait grows from one attempt to the next
   *
   * @default 2
   */
  reconnectBackoffFactor?: number

  /**
   * To how many peers to reconnect at the same time
   *
   * @default 5
   */
  maxParallelReconnects?: number
}

/**
 * The options with their defaults
 */
export interface OutboundConfig extends Required<Omit<OutboundInit, 'outbound' | 'whilePrivate'>> {
  outbound: TopUpInit
  whilePrivate: WhilePrivateConfig
}

const aList: OptionRule = { expected: 'a list', isValid: value => Array.isArray(value) }

/**
 * What each of these options may be
 */
export const OUTBOUND_RULES: OptionRules<OutboundInit> = {
  staticPeers: aList,
  trustedPeers: aList,
  outbound: anObject,
  whilePrivate: orFalse(anObject),
  reconnectRetries: numberRule('a whole number of at least 0, or Infinity', value => value >= 0 && (Number.isInteger(value) || value === Infinity)),
  reconnectRetryInterval: finite(duration),
  reconnectBackoffFactor: finite(notNegative),
  maxParallelReconnects: atLeastOne
}

const DEFAULTS: Required<Omit<OutboundInit, 'outbound' | 'whilePrivate'>> = {
  staticPeers: [],
  trustedPeers: [],
  reconnectRetries: RECONNECT_RETRIES,
  reconnectRetryInterval: RECONNECT_RETRY_INTERVAL,
  reconnectBackoffFactor: RECONNECT_BACKOFF_FACTOR,
  maxParallelReconnects: MAX_PARALLEL_RECONNECTS
}

/**
 * The options with their defaults
 *
 * @throws {InvalidOptionError} if an option within an option is not usable
 */
export function resolveOutbound (init: OutboundInit): OutboundConfig {
  const config = {
    ...withDefaults(init, DEFAULTS),
    outbound: init.outbound ?? {},
    whilePrivate: resolveWhilePrivate(init.whilePrivate)
  }

  assertTopUp(config.outbound)
  config.staticPeers.forEach((peer, i) => { parseStaticPeer(peer, `staticPeers[${i}]`) })
  config.trustedPeers.forEach((peer, i) => { parseTrustedPeer(peer, `trustedPeers[${i}]`) })

  return config
}
