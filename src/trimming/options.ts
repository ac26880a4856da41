import { GRACE_PERIOD, LOW_WATER_RATIO, REPUTATION_SIZE, REPUTATION_TTL, SILENCE_PERIOD } from '../constants.ts'
import { aFunction, anObject, atLeastOne, duration, finite, notNegative, resolvePart, withDefaults } from '../options.ts'
import { resolveRealmSettings } from './realm-settings.ts'
import type { RealmSettings, ResolvedRealmSettings } from './realm-settings.ts'
import type { ValueOf } from './standing.ts'
import type { SelectVictims } from './user-choice.ts'
import type { OptionRules } from '../options.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * What is trimmed, and when
 */
export interface TrimmingInit {
  /**
   * No inbound connection is accepted when this many connections are open. This
   * is what `getMaxConnections()` returns.
   *
   * @default Math.ceil(highWater / 0.75) if `highWater` is given, otherwise 300, in browsers 100
   */
  maxConnections?: number

  /**
   * When more connections than this are open, the least valuable are closed. Pass
   * `Infinity` to never trim. Lowered while `limits.system`, or what is kept for realms,
   * leaves fewer places; what is given must not be above `limits.system`.
   *
   * @default maxConnections
   */
  highWater?: number

  /**
   * How many connections a trim leaves open. Lowered with `highWater`, if it is more than
   * 80 % of that.
   *
   * @default Math.floor(highWater * 0.8), at least 1
   */
  lowWater?: number

  /**
   * For this many ms after a peer has connected it is not trimmed, so that it has
   * time to show its value
   *
   * @default 60_000
   */
  gracePeriod?: number

  /**
   * The watermark is not checked more often than once in this many ms
   *
   * @default 10_000
   */
  silencePeriod?: number

  /**
   * What a peer is worth to you. Replaces the sum of its tags. Called for every
   * connected peer in each trim, so it has to be quick.
   *
   * It has to return a number. Its type says more only because every object has
   * a `valueOf` of its own, which is not taken for an option.
   *
   * @default the sum of the tags of the peer
   */
  valueOf?(peerId: PeerId): number | object

  /**
   * Which connections to trim. Replaces the whole choice, except that what must
   * not be closed is not among the candidates.
   *
   * @default selectVictims
   */
  selectVictims?: SelectVictims

  /**
   * The tags of peers that are gone are remembered, so that a peer that returns
   * is worth what it was: of how many peers, and for how many ms
   *
   * @default { size: 10_000, ttl: 3_600_000 }
   */
  reputation?: {
    size?: number
    ttl?: number
  }

  /**
   * What holds for single realms instead, by their name
   *
   * @default {}
   */
  realmSettings?: Record<string, RealmSettings>
}

/**
 * The options with their defaults, besides the watermarks
 */
export interface TrimmingConfig {
  gracePeriod: number
  silencePeriod: number
  reputation: { size: number, ttl: number }
  realmSettings: ReadonlyMap<string, ResolvedRealmSettings>
  valueOf?: ValueOf
  selectVictims?: SelectVictims
}

/**
 * What each of these options may be
 */
export const TRIMMING_RULES: OptionRules<TrimmingInit> = {
  maxConnections: atLeastOne,
  highWater: atLeastOne,
  lowWater: notNegative,
  gracePeriod: duration,
  silencePeriod: finite(duration),
  valueOf: aFunction,
  selectVictims: aFunction,
  reputation: anObject,
  realmSettings: anObject
}

/**
 * The options with their defaults
 *
 * @throws {InvalidOptionError} if an option within an option is not usable
 */
export function resolveTrimming (init: TrimmingInit): TrimmingConfig {
  return {
    ...withDefaults(init, { gracePeriod: GRACE_PERIOD, silencePeriod: SILENCE_PERIOD }),
    reputation: resolvePart('reputation', init.reputation, { size: notNegative, ttl: duration }, { size: REPUTATION_SIZE, ttl: REPUTATION_TTL }),
    realmSettings: resolveRealmSettings(init.realmSettings ?? {}, LOW_WATER_RATIO),
    valueOf: Object.hasOwn(init, 'valueOf') ? init.valueOf : undefined,
    selectVictims: init.selectVictims
  }
}
