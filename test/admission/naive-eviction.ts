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
  const n = candidates.length
  const sizes = Map.groupBy(candidates, ({ group }) => group)
  let rest = without(candidates, Math.floor(n / 64), ({ group }) => keyedHash(key, group) + 1)
  rest = without(rest, Math.floor(n / 32), ({ rtt }) => Number(rtt < Infinity), ({ rtt }) => -rtt)
  rest = without(rest, Math.floor(n / 64), ({ lastUseful }) => lastUseful)

  const worthy = rest.filter(({ value }) => value > 0)
  const places = Math.max(Math.floor(n / 16), Math.min(4, Math.floor(n / 2)))
  const first = best(onePerGroup(worthy, ({ value }) => value), places, ({ value }) => value)
  const then = best(worthy.filter(candidate => !first.includes(candidate)), places - first.length, ({ value }) => value)
  rest = withoutOldest(rest.filter(candidate => !first.includes(candidate) && !then.includes(candidate)))
  const discouraged = rest.filter(({ isDiscouraged }) => isDiscouraged)
  rest = discouraged.length > 0 ? discouraged : rest
  const size = (name: string): number => sizes.get(name)?.length ?? 0

  return [...rest].sort((a, b) => size(b.group) - size(a.group) ||
    keyedHash(key, a.group) - keyedHash(key, b.group) ||
    a.group.localeCompare(b.group) ||
    -olderFirst(a, b))[0]
}

/**
 * Without the `count` best ones, one of each group, of whom something is known at all
 */
function without (candidates: readonly EvictionCandidate[], count: number, isKnown: Property, of: Property = isKnown): EvictionCandidate[] {
  const protectedOnes = best(onePerGroup(candidates.filter(candidate => isKnown(candidate) > 0), of), count, of)

  return candidates.filter(candidate => !protectedOnes.includes(candidate))
}

function onePerGroup (candidates: readonly EvictionCandidate[], of: Property): EvictionCandidate[] {
  return [...Map.groupBy(candidates, ({ group }) => group).values()].flatMap(members => best(members, 1, of))
}

function best (candidates: readonly EvictionCandidate[], count: number, of: Property): EvictionCandidate[] {
  return [...candidates].sort((a, b) => Number(of(b) > of(a)) - Number(of(b) < of(a)) || olderFirst(a, b)).slice(0, count)
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
