import type { CandidateInput } from './candidate.ts'

/**
 * The tag that `@libp2p/bootstrap` gives to its peers
 */
export const BOOTSTRAP_TAG = 'bootstrap'

/**
 * Candidates of the user: asked again whenever more are needed, or read on from
 * where it was left
 */
export type UserCandidates =
  ((options: { signal: AbortSignal }) => Iterable<CandidateInput> | AsyncIterable<CandidateInput> | Promise<Iterable<CandidateInput>>) |
  Iterable<CandidateInput> |
  AsyncIterable<CandidateInput>

/**
 * Where candidates come from
 *
 * - `peer-store` the peers that the node knows
 * - `bootstrap` those of them that have the tag `bootstrap`
 * - `peer-routing` peers that are found by looking for random ids, where the node
 * has a DHT or the like
 */
export type CandidateSourceName = typeof SOURCE_NAMES[number]

export const SOURCE_NAMES = ['peer-store', 'bootstrap', 'peer-routing'] as const

/**
 * One of the node's own sources, or candidates of the user
 */
export type CandidateSourceInit = CandidateSourceName | UserCandidates
