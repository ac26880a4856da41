import { InvalidOptionError } from '../errors.ts'
import { aFunction, assertOptions, numberRule } from '../options.ts'
import { overwrite, sum } from './decay.ts'
import type { Bump, Decay, DecayContext } from './decay.ts'
import type { OptionRules } from '../options.ts'

/**
 * How a tag behaves over time
 */
export interface TagOptions {
  /**
   * How the value decays. Without it the value stays until it is replaced or
   * removed.
   */
  decay?: Decay

  /**
   * The time of one decay step in ms
   *
   * @default 60_000, for `expire` the time after which the tag expires
   */
  interval?: number

  /**
   * How a new value is combined with the current one
   *
   * @default sum() for a decaying tag, overwrite() for any other
   */
  bump?: Bump
}

/**
 * The state of one tag of one peer
 */
export interface Tag {
  /**
   * The value when it was last written
   */
  value: number

  /**
   * When the current decay step began, in ms since the epoch
   */
  anchor: number

  /**
   * When the value was last bumped, in ms since the epoch
   */
  bumpedAt: number

  decay?: Decay
  interval: number
  bump: Bump
}

/**
 * One minute, the resolution of go-libp2p's decayer
 */
export const DEFAULT_DECAY_INTERVAL = 60_000

const RULES: OptionRules<TagOptions> = {
  decay: aFunction,
  bump: aFunction,
  interval: numberRule('a positive number of ms', value => value > 0 && value < Infinity)
}

const OVERWRITE = overwrite()
const SUM = sum()

/**
 * The value of a tag at a moment. 0 means that the tag has decayed to nothing.
 */
export function evaluateTag (tag: Tag, now: number): number {
  if (tag.decay == null) {
    return tag.value
  }

  const steps = Math.floor((now - tag.anchor) / tag.interval)

  if (steps < 1) {
    return tag.value
  }

  const value = callDecay(tag.decay, tag.value, { steps, idle: now - tag.bumpedAt })

  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

/**
 * Is the tag that these make, where there was none or such a one, nothing but its value?
 */
export function isPlain (value: number, { bump, decay, interval }: TagOptions): boolean {
  return Number.isFinite(value) && decay == null && interval == null && bump == null
}

/**
 * A tag that is nothing but its value
 */
export function plainTag (value: number): Tag {
  return { value, anchor: 0, bumpedAt: 0, interval: DEFAULT_DECAY_INTERVAL, bump: OVERWRITE }
}

/**
 * A tag that was set to 0 is a tag, one that has decayed to 0 is gone
 */
export function hasDecayed (tag: Tag, now: number): boolean {
  return tag.decay != null && evaluateTag(tag, now) === 0
}

/**
 * What the function of the user returns or throws: one that fails must not keep peers
 * from being compared
 */
function callDecay (decay: Decay, value: number, context: DecayContext): unknown {
  try {
    return decay(value, context)
  } catch (err) {
    return err
  }
}

/**
 * The tag after it was given another value. Options that are not given stay what
 * they are for a tag that exists.
 *
 * @throws {InvalidOptionError} if the value or an option is not usable
 */
export function bumpTag (tag: Tag | undefined, delta: number, options: TagOptions, now: number): Tag {
  if (!Number.isFinite(delta)) {
    throw new InvalidOptionError('value', delta, 'a finite number')
  }

  assertOptions(options, RULES)

  const decay = options.decay ?? tag?.decay
  const interval = options.interval ?? options.decay?.interval ?? tag?.interval ?? DEFAULT_DECAY_INTERVAL
  const bump = options.bump ?? tag?.bump ?? (decay == null ? OVERWRITE : SUM)
  const current = tag == null ? 0 : evaluateTag(tag, now)
  const value = bump(current, delta)

  if (!Number.isFinite(value)) {
    throw new InvalidOptionError('bump', value, 'a function that returns a finite number')
  }

  // it is called later, where nobody is told of its mistakes
  const decayed = options.decay == null ? 0 : callDecay(options.decay, value, { steps: 1, idle: interval })

  if (!Number.isFinite(decayed)) {
    throw new InvalidOptionError('decay', decayed, 'a function that returns a finite number')
  }

  return { value, anchor: nextAnchor(tag, interval, current, now), bumpedAt: now, decay, interval, bump }
}

/**
 * A bump in the middle of a decay step does not put the next step off, so that a
 * tag which is bumped often still decays
 */
function nextAnchor (tag: Tag | undefined, interval: number, current: number, now: number): number {
  if (tag?.decay == null || current === 0 || tag.interval !== interval) {
    return now
  }

  return now - (now - tag.anchor) % interval
}
