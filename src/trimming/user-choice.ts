import type { TrimCandidate } from './candidates.ts'
import type { Logger } from '@libp2p/interface'

/**
 * The user's own choice of the connections that are closed
 */
export interface SelectVictims {
  /**
   * Returns at most `n` of the candidates. The candidates do not contain what
   * must not be closed: protected peers, peers in their grace period, and
   * connections from the allow list. If it throws, nothing is closed.
   */
  (candidates: readonly TrimCandidate[], n: number): Iterable<TrimCandidate>
}

/**
 * What the user's function returns is taken only as far as it was asked for
 */
export function chosenByUser (selectVictims: SelectVictims, candidates: TrimCandidate[], n: number, log: Logger): TrimCandidate[] {
  const known = new Set(candidates)
  const chosen = new Set<TrimCandidate>()

  if (n === 0) {
    return []
  }

  try {
    for (const candidate of selectVictims(candidates, n)) {
      if (known.has(candidate)) {
        chosen.add(candidate)
      }

      if (chosen.size === n) {
        break
      }
    }
  } catch (err: unknown) {
    log.error('selectVictims failed, no connection is trimmed - %e', err)
    return []
  }

  return [...chosen]
}
