import { keyedHash } from './keyed-hash.ts'
import type { HashKey } from './keyed-hash.ts'
import type { TransportKind } from '../addresses/index.ts'

/**
 * An inbound connection that may be closed for a newcomer. Whoever is protected,
 * trusted or allow-listed is no candidate.
 */
export interface EvictionCandidate {
  /**
   * Unique among the candidates
   */
  readonly id: string

  /**
   * The network or relay that the connection comes from, so that the connections
   * of one operator are in one group
   */
  readonly group: string

  /**
   * The lowest round trip time that was measured, in ms. `Infinity` if none was.
   */
  readonly rtt: number

  /**
   * When the peer last opened an application stream, in ms since the Unix epoch,
   * 0 if it never did
   */
  readonly lastUseful: number

  /**
   * What the peer is worth
   */
  readonly value: number

  /**
   * When the connection was opened, in ms since the Unix epoch
   */
  readonly opened: number

  readonly transport: TransportKind

  /**
   * Whether the peer has misbehaved
   */
  readonly isDiscouraged: boolean
}

/**
 * Which part of the candidates is protected by what. Bitcoin Core protects 4 by group, 8 by
 * ping and 4 by the last transaction, which a useful stream stands for here, and these are
 * as many of 256. Numbers that do not follow that of the candidates would protect all of a
 * small node.
 */
const SHARE_BY_GROUP = 1 / 64
const SHARE_BY_RTT = 1 / 32
const SHARE_BY_USE = 1 / 64
const SHARE_BY_VALUE = 1 / 16

/**
 * How many are protected by value where that share is less, if these are no more than half
 * of the candidates: what a peer is worth the application says itself, also on a small node
 */
const LEAST_BY_VALUE = 4

/**
 * Transports of peers that can not choose: those in browsers, and those that can
 * not be reached. Nodes have few of them, so they would lose to the others.
 */
const MINORITY_TRANSPORTS: readonly TransportKind[] = ['webrtc', 'webrtc-direct', 'webtransport', 'wss', 'ws', 'circuit']

/**
 * Which connection to close for a newcomer, `undefined` if none.
 *
 * An attacker who wants to push others out would have to be better than they are
 * in ways that are hard to have at the same time. Protected are, one after the
 * other: a few by the hash of their group, which he can not predict; those with the
 * lowest round trip time, which he can not be near to everywhere; those that were
 * useful last and those that are worth most, which costs him work; of each group only the
 * best one in each of these ways; then half of
 * what is left by how long they are connected, which costs him time, of which up to
 * half goes to transports that few have. Of the rest one of the discouraged has to
 * go, if there are any; from the group that has most, as an attacker's is, those that
 * are protected included; of several groups from the one with the lowest hash; and of
 * that group the youngest. All of these are parts of the number of candidates, so that
 * somebody is left, however few they are.
 *
 * By the hash, and not by age: while no group has more than one, an attacker who comes
 * again and again would otherwise push out every newcomer, and keep what he has got.
 * So he gains nothing by coming more often, only by having more networks.
 *
 * The order of the candidates does not matter.
 */
export function chooseEviction<C extends EvictionCandidate> (candidates: readonly C[], key: HashKey): C | undefined {
  const groups = groupsOf(candidates, key)
  const hashOf = ({ group }: C): number => groups.get(group)?.hash ?? 0
  const places = (share: number): number => Math.floor(candidates.length * share)

  const leastByValue = Math.min(LEAST_BY_VALUE, places(1 / 2))
  let rest = withoutBest(candidates, places(SHARE_BY_GROUP), candidate => -hashOf(candidate))
  rest = withoutBest(rest, places(SHARE_BY_RTT), ({ rtt }) => rtt)
  rest = withoutBest(rest, places(SHARE_BY_USE), ({ lastUseful }) => lastUseful > 0 ? -lastUseful : Infinity)
  rest = withoutMostValuable(rest, Math.max(places(SHARE_BY_VALUE), leastByValue))
  rest = withoutLongestConnected(rest)

  if (rest.some(({ isDiscouraged }) => isDiscouraged)) {
    rest = rest.filter(({ isDiscouraged }) => isDiscouraged)
  }

  return rest.reduce<C | undefined>((first, candidate) => first == null || compareVictims(candidate, first, groups) < 0 ? candidate : first, undefined)
}

/**
 * Candidates without the `count` that have the lowest of some number, at most one of each
 * group. Whoever has `Infinity` or no number has nothing that would protect it.
 */
function withoutBest<C extends EvictionCandidate> (candidates: readonly C[], count: number, numberOf: (candidate: C) => number): readonly C[] {
  const best = new Map<string, C>()

  for (const candidate of count > 0 ? candidates : []) {
    const other = best.get(candidate.group)

    if (numberOf(candidate) < Infinity && (other == null || (compare(numberOf(candidate), numberOf(other)) || olderFirst(candidate, other)) < 0)) {
      best.set(candidate.group, candidate)
    }
  }

  const isBest = lowest([...best.values()], count, numberOf)

  return isBest.size === 0 ? candidates : candidates.filter(candidate => !isBest.has(candidate))
}

/**
 * Candidates without the `count` that are worth most: the best one of each group, and only
 * then others
 */
function withoutMostValuable<C extends EvictionCandidate> (candidates: readonly C[], count: number): readonly C[] {
  const numberOf = ({ value }: C): number => value > 0 ? -value : Infinity
  const rest = withoutBest(candidates, count, numberOf)
  const others = lowest(rest.filter(({ value }) => value > 0), count - (candidates.length - rest.length), numberOf)

  return others.size === 0 ? rest : rest.filter(candidate => !others.has(candidate))
}

/**
 * The `count` that have the lowest of some number, of equals those that are connected for
 * longest. Sorting nothing but the numbers takes a fraction of sorting the candidates.
 */
function lowest<C extends EvictionCandidate> (candidates: readonly C[], count: number, numberOf: (candidate: C) => number): Set<C> {
  if (count <= 0) {
    return new Set()
  }

  const last = new Float64Array(candidates.map(numberOf)).sort()[Math.min(count, candidates.length) - 1]
  const chosen = new Set(candidates.filter(candidate => numberOf(candidate) < last))
  const asLow = candidates.filter(candidate => numberOf(candidate) === last).sort(olderFirst)
  asLow.slice(0, count - chosen.size).forEach(candidate => { chosen.add(candidate) })

  return chosen
}

/**
 * Half of the candidates are protected by how long they are connected. Up to half
 * of these places are handed out to the transports that few have, one to each in turn,
 * those with the fewest candidates first; what they do not use goes to all.
 */
function withoutLongestConnected<C extends EvictionCandidate> (candidates: readonly C[]): readonly C[] {
  const places = Math.floor(candidates.length / 2)
  const minorities = MINORITY_TRANSPORTS
    .map(kind => candidates.filter(({ transport }) => transport === kind))
    .sort((a, b) => a.length - b.length)
  let rest = candidates.filter(({ transport }) => !MINORITY_TRANSPORTS.includes(transport))
  let minorityPlaces = Math.floor(places / 2)

  minorities.forEach((members, i) => {
    const share = Math.min(members.length, Math.ceil(minorityPlaces / (minorities.length - i)))
    minorityPlaces -= share
    rest = rest.concat(withoutOldest(members, share))
  })

  return withoutOldest(rest, rest.length - candidates.length + places)
}

/**
 * Candidates without the `count` that are connected for longest. Sorting nothing but the
 * times takes a fraction of sorting the candidates.
 */
function withoutOldest<C extends EvictionCandidate> (candidates: readonly C[], count: number): C[] {
  const times = new Float64Array(candidates.map(({ opened }) => opened)).sort()
  const last = times[count - 1]
  const younger: C[] = []
  const asOld: C[] = []

  for (const candidate of candidates) {
    const order = compare(candidate.opened, last)

    if (order >= 0) {
      (order > 0 ? younger : asOld).push(candidate)
    }
  }

  const left = candidates.length - count - younger.length
  asOld.sort(olderFirst)

  return younger.concat(asOld.slice(asOld.length - left))
}

/**
 * Who of two has to go first: who is in the group that has most connections, the youngest
 * of that
 */
function compareVictims (a: EvictionCandidate, b: EvictionCandidate, groups: Groups): number {
  if (a.group === b.group) {
    return olderFirst(b, a)
  }

  const { hash: hashA = 0, size: sizeA = 0 } = groups.get(a.group) ?? {}
  const { hash: hashB = 0, size: sizeB = 0 } = groups.get(b.group) ?? {}

  return sizeB - sizeA || hashA - hashB || (a.group < b.group ? -1 : 1)
}

function olderFirst (a: EvictionCandidate, b: EvictionCandidate): number {
  return compare(a.opened, b.opened) || (a.id < b.id ? -1 : 1)
}

/**
 * A difference would not be a number for two infinite values. What is no number
 * comes last.
 */
function compare (a: number, b: number): number {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) {
    return 0
  }

  return a < b || Number.isNaN(b) ? -1 : 1
}

interface Group {
  readonly hash: number
  size: number
}

type Groups = ReadonlyMap<string, Group>

function groupsOf (candidates: readonly EvictionCandidate[], key: HashKey): Groups {
  const groups = new Map<string, Group>()

  for (const { group: name } of candidates) {
    const group = groups.get(name)

    if (group == null) {
      groups.set(name, { hash: keyedHash(key, name), size: 1 })
    } else {
      group.size++
    }
  }

  return groups
}
