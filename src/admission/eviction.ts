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

// Bitcoin Core protects as many by group, by ping, by the last transaction and by
// the last block, which a useful stream and the value of a peer stand for here
const PROTECTED_BY_GROUP = 4
const PROTECTED_BY_RTT = 8
const PROTECTED_BY_USE = 4
const PROTECTED_BY_VALUE = 4

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
 * useful last and those that are worth most, which costs him work; then half of
 * what is left by how long they are connected, which costs him time, of which up to
 * half goes to transports that few have. Of the rest one of the discouraged has to
 * go, if there are any; from the group that has most, as an attacker's is, those that
 * are protected included; of several groups from the one with the lowest hash; and of
 * that group the youngest.
 *
 * By the hash, and not by age: while no group has more than one, an attacker who comes
 * again and again would otherwise push out every newcomer, and keep what he has got.
 * So he gains nothing by coming more often, only by having more networks.
 *
 * The order of the candidates does not matter.
 */
export function chooseEviction<C extends EvictionCandidate> (candidates: readonly C[], key: HashKey): C | undefined {
  const groups = groupsOf(candidates, key)
  let rest = withoutLowest(candidates, PROTECTED_BY_GROUP, ({ group }) => -(groups.get(group)?.hash ?? 0))
  rest = withoutLowest(rest, PROTECTED_BY_RTT, ({ rtt }) => rtt)
  rest = withoutLowest(rest, PROTECTED_BY_USE, ({ lastUseful }) => -lastUseful)
  rest = withoutLowest(rest, PROTECTED_BY_VALUE, ({ value }) => -value)
  rest = withoutLongestConnected(rest)

  if (rest.some(({ isDiscouraged }) => isDiscouraged)) {
    rest = rest.filter(({ isDiscouraged }) => isDiscouraged)
  }

  return rest.reduce<C | undefined>((first, candidate) => first == null || compareVictims(candidate, first, groups) < 0 ? candidate : first, undefined)
}

/**
 * Candidates without the `count` that have the lowest of some number, of equals those
 * that are connected for longest. A pass with an insertion into a short list, as sorting
 * all for a few would be wasted.
 */
function withoutLowest<C extends EvictionCandidate> (candidates: readonly C[], count: number, numberOf: (candidate: C) => number): C[] {
  const lowest: C[] = []
  const numbers: number[] = []

  for (const candidate of candidates) {
    const number = numberOf(candidate)
    let place = lowest.length

    while (place > 0 && (compare(number, numbers[place - 1]) || olderFirst(candidate, lowest[place - 1])) < 0) {
      place--
    }

    if (place < count) {
      lowest.splice(place, 0, candidate)
      numbers.splice(place, 0, number)
      lowest.length = numbers.length = Math.min(lowest.length, count)
    }
  }

  const isLowest = new Set(lowest)

  return candidates.filter(candidate => !isLowest.has(candidate))
}

/**
 * Half of the candidates are protected by how long they are connected. Up to half
 * of these places are handed out to the transports that few have, one to each in turn,
 * those with the fewest candidates first; what they do not use goes to all.
 */
function withoutLongestConnected<C extends EvictionCandidate> (candidates: C[]): C[] {
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
function withoutOldest<C extends EvictionCandidate> (candidates: C[], count: number): C[] {
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
