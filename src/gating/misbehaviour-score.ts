/**
 * How much somebody has misbehaved: a part that stays and a part that decays
 */
export interface MisbehaviourScore {
  readonly persistent: number

  /**
   * The value at `updated`
   */
  readonly transient: number

  /**
   * When the decaying part was last changed, by a clock that never goes back
   */
  readonly updated: number
}

/**
 * What an offence adds to a score. Numbers of 0 and more.
 */
export interface Penalty {
  /**
   * Added for good
   *
   * @default 0
   */
  persistent?: number

  /**
   * Added to the part that decays
   *
   * @default 0
   */
  transient?: number
}

/**
 * Half of the decaying part is gone after this many ms (btcd)
 */
export const MISBEHAVIOUR_HALF_LIFE = 60_000

/**
 * After this many ms nothing is left of the decaying part (btcd)
 */
export const MISBEHAVIOUR_HORIZON = 1_800_000

/**
 * What a score comes to at a time
 */
export function scoreAt (score: MisbehaviourScore, now: number, halfLife: number): number {
  return score.persistent + Math.floor(transientAt(score, now, halfLife))
}

/**
 * A score after an offence
 */
export function addPenalty (score: MisbehaviourScore | undefined, penalty: Penalty, now: number, halfLife: number): MisbehaviourScore {
  return {
    persistent: (score?.persistent ?? 0) + (penalty.persistent ?? 0),
    transient: (score == null ? 0 : transientAt(score, now, halfLife)) + (penalty.transient ?? 0),
    updated: now
  }
}

function transientAt ({ transient, updated }: MisbehaviourScore, now: number, halfLife: number): number {
  const elapsed = now - updated

  return elapsed > MISBEHAVIOUR_HORIZON && halfLife !== Infinity ? 0 : transient * 2 ** (-elapsed / halfLife)
}
