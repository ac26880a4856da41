import type { ChurnInit } from './churn-options.ts'
import type { Random } from '../random.ts'

/**
 * A connected peer, as far as churn is concerned
 */
export interface ChurnCandidate {
  readonly key: string

  /**
   * For how many ms it has been connected
   */
  readonly age: number
  readonly value: number

  /**
   * It is static, trusted or protected, or the application uses it
   */
  readonly isSpared: boolean
}

/**
 * Which peers go: one at random (Geth), or a part of those with the lowest values
 * (Dingo). Never the last one.
 */
export function chooseChurned <T extends ChurnCandidate> (peers: readonly T[], init: Omit<Required<ChurnInit>, 'interval'>, random: Random): T[] {
  const best = peers.filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value || compareKeys(a, b))
    .slice(0, Math.floor(peers.length * init.protectFraction))
  const candidates = peers.filter(peer => !peer.isSpared && peer.age >= init.minAge && !best.includes(peer))

  if (candidates.length === 0 || peers.length < 2) {
    return []
  }

  if (init.fraction === 0) {
    return [candidates[Math.floor(random.next() * candidates.length)]]
  }

  const count = Math.min(candidates.length, peers.length - 1, Math.max(1, Math.floor(peers.length * init.fraction)))

  return candidates.sort((a, b) => a.value - b.value || compareKeys(a, b)).slice(0, count)
}

function compareKeys (a: ChurnCandidate, b: ChurnCandidate): number {
  return a.key < b.key ? -1 : Number(a.key > b.key)
}
