import { InvalidOptionError } from '../errors.ts'
import { anObject, assertOptions, atLeastOne, duration, notNegative, orFalse } from '../options.ts'
import { ratioOf } from './watermarks.ts'
import type { LivenessTimes } from '../upkeep/index.ts'

/**
 * What holds for the connections that count in one realm, instead of what holds for
 * all
 */
export interface RealmSettings {
  /**
   * For this many ms after a peer has connected it is not trimmed
   *
   * @default gracePeriod
   */
  gracePeriod?: number

  /**
   * When more connections than this count in the realm, its least valuable are
   * closed, and none of another realm
   *
   * @default Infinity
   */
  highWater?: number

  /**
   * How many connections such a trim leaves in the realm
   *
   * @default Math.floor(highWater * 0.8), at least 1
   */
  lowWater?: number

  /**
   * When connections are pinged, and given up. `false`: never. What is left out is as
   * for all others.
   *
   * @default liveness
   */
  liveness?: Partial<LivenessTimes> | false
}

/**
 * The settings of a realm with their defaults
 */
export interface ResolvedRealmSettings extends RealmSettings {
  lowWater: number
  highWater: number
}

const RULES = { gracePeriod: duration, highWater: atLeastOne, lowWater: notNegative, liveness: orFalse(anObject) }
const LIVENESS_RULES = { interval: atLeastOne, maxMisses: atLeastOne, minSilence: duration }

/**
 * The settings by the name of the realm
 *
 * @throws {InvalidOptionError} that names the field, e.g.
 * `realmSettings.chain.lowWater`
 */
export function resolveRealmSettings (settings: Record<string, RealmSettings>, lowWaterRatio: number): Map<string, ResolvedRealmSettings> {
  return new Map(Object.entries(settings).map(([realm, given]) => [realm, resolve(`realmSettings.${realm}`, given, lowWaterRatio)]))
}

function resolve (path: string, given: RealmSettings, lowWaterRatio: number): ResolvedRealmSettings {
  if (!anObject.isValid(given)) {
    throw new InvalidOptionError(path, given, anObject.expected)
  }

  assertOptions(given, RULES, `${path}.`, true)

  if (given.liveness !== false) {
    assertOptions(given.liveness ?? {}, LIVENESS_RULES, `${path}.liveness.`, true)
  }

  const { highWater = Infinity } = given
  const lowWater = given.lowWater ?? (highWater === Infinity ? Infinity : ratioOf(highWater, lowWaterRatio))

  if (lowWater > highWater || (given.lowWater != null && given.highWater == null)) {
    throw new InvalidOptionError(`${path}.lowWater`, given.lowWater, given.highWater == null ? 'given together with highWater' : `at most highWater (${highWater})`)
  }

  return { ...given, highWater, lowWater }
}
