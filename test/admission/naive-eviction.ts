import { keyedHash } from '../../src/admission/keyed-hash.ts'
import type { EvictionCandidate, HashKey } from '../../src/admission/index.ts'

type Property = (candidate: EvictionCandidate) => number

/**
 * Those that few have, in the order in which they are served where as many have them
 */
const MINORITIES = ['webrtc', 'webrtc-direct', 'webtransport', 'wss', 'ws', 'circuit']

/**
 * What `chooseEviction` is to choose, written down as it is told: with a sort for
 * each rule, and with the places of the minorities handed out one by one
 */
export function naiveEviction (candidates: readonly EvictionCandidate[], key: HashKey): EvictionCandidate | undefined {
  let rest = without(candidates, 4, ({ group }) => keyedHash(key, group))
  rest = without(rest, 8, ({ rtt }) => -rtt)
  rest = without(rest, 4, ({ lastUseful }) => lastUseful)
  rest = without(rest, 4, ({ value }) => value)
  rest = withoutOldest(rest)
  const discouraged = rest.filter(({ isDiscouraged }) => isDiscouraged)
  rest = discouraged.length > 0 ? discouraged : rest
  const sizes = Map.groupBy(candidates, ({ group }) => group)
  const size = (name: string): number => sizes.get(name)?.length ?? 0

  return [...rest].sort((a, b) => size(b.group) - size(a.group) ||
    keyedHash(key, a.group) - keyedHash(key, b.group) ||
    a.group.localeCompare(b.group) ||
    -olderFirst(a, b))[0]
}

function without (candidates: readonly EvictionCandidate[], count: number, of: Property): EvictionCandidate[] {
  // what is no number is worse than everything
  const rank = (candidate: EvictionCandidate): [number, number] => Number.isNaN(of(candidate)) ? [1, 0] : [0, of(candidate)]
  const best = [...candidates].sort((a, b) => {
    const [noNumberA, valueA] = rank(a)
    const [noNumberB, valueB] = rank(b)

    return noNumberA - noNumberB || Number(valueB > valueA) - Number(valueB < valueA) || olderFirst(a, b)
  }).slice(0, count)

  return candidates.filter(candidate => !best.includes(candidate))
}

function withoutOldest (candidates: readonly EvictionCandidate[]): EvictionCandidate[] {
  const places = Math.floor(candidates.length / 2)
  const byAge = [...candidates].sort(olderFirst)
  const waiting = MINORITIES
    .map(kind => byAge.filter(({ transport }) => transport === kind))
    .sort((a, b) => a.length - b.length)
  const kept = new Set<EvictionCandidate>()

  while (waiting.some(members => members.length > 0)) {
    for (const members of waiting) {
      const [first] = members.splice(0, 1)

      if (first != null && kept.size < Math.floor(places / 2)) {
        kept.add(first)
      }
    }
  }

  for (const candidate of byAge) {
    if (kept.size < places) {
      kept.add(candidate)
    }
  }

  return candidates.filter(candidate => !kept.has(candidate))
}

function olderFirst (a: EvictionCandidate, b: EvictionCandidate): number {
  return Number(a.opened > b.opened) - Number(a.opened < b.opened) || (a.id < b.id ? -1 : 1)
}
