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
  const places = (share: number): number => Math.floor(candidates.length * share)
  const leastByValue = Math.min(LEAST_BY_VALUE, places(1 / 2))
  let rest = membersOf(candidates, key)
  rest = withoutBest(rest, places(SHARE_BY_GROUP), ({ group }) => -group.hash)
  rest = withoutBest(rest, places(SHARE_BY_RTT), ({ candidate }) => candidate.rtt)
  rest = withoutBest(rest, places(SHARE_BY_USE), ({ candidate: { lastUseful } }) => lastUseful > 0 ? -lastUseful : Infinity)
  rest = withoutMostValuable(rest, Math.max(places(SHARE_BY_VALUE), leastByValue))
  rest = withoutLongestConnected(rest)

  if (rest.some(({ candidate }) => candidate.isDiscouraged)) {
    rest = rest.filter(({ candidate }) => candidate.isDiscouraged)
  }

  return rest.reduce<Member<C> | undefined>((first, member) => first == null || compareVictims(member, first) < 0 ? member : first, undefined)?.candidate
}

interface Group<C extends EvictionCandidate> {
  readonly name: string
  readonly hash: number
  size: number

  /**
   * The best one that was found of it so far, by what is looked for
   */
  best: Member<C> | undefined
}

/**
 * A candidate among the others
 */
interface Member<C extends EvictionCandidate> {
  readonly candidate: C
  readonly group: Group<C>
  isProtected: boolean
}

function membersOf<C extends EvictionCandidate> (candidates: readonly C[], key: HashKey): Array<Member<C>> {
  const groups = new Map<string, Group<C>>()

  return candidates.map(candidate => {
    const name = candidate.group
    let group = groups.get(name)

    if (group == null) {
      group = { name, hash: keyedHash(key, name), size: 0, best: undefined }
      groups.set(name, group)
    }

    group.size++

    return { candidate, group, isProtected: false }
  })
}

/**
 * What is compared of a candidate: the lowest is the best. `Infinity`, or no number, if it
 * has nothing that would protect it.
 */
interface NumberOf { <C extends EvictionCandidate>(member: Member<C>): number }

/**
 * Those without the `count` that have the lowest of some number, at most one of each group
 */
function withoutBest<C extends EvictionCandidate> (members: Array<Member<C>>, count: number, numberOf: NumberOf): Array<Member<C>> {
  const groups: Array<Group<C>> = []

  for (const member of count > 0 ? members : []) {
    const { group } = member

    if (numberOf(member) < Infinity) {
      if (group.best == null) {
        groups.push(group)
        group.best = member
      } else if ((compare(numberOf(member), numberOf(group.best)) || olderFirst(member, group.best)) < 0) {
        group.best = member
      }
    }
  }

  const best: Array<Member<C>> = []

  for (const group of groups) {
    // there is one
    best.push(group.best as Member<C>)
    group.best = undefined
  }

  return withoutLowest(members, best, count, numberOf)
}

/**
 * Those without the `count` that are worth most: the best one of each group, and only then
 * others
 */
function withoutMostValuable<C extends EvictionCandidate> (members: Array<Member<C>>, count: number): Array<Member<C>> {
  const numberOf: NumberOf = ({ candidate: { value } }) => value > 0 ? -value : Infinity
  const rest = withoutBest(members, count, numberOf)
  const left = count - (members.length - rest.length)

  return withoutLowest(rest, left > 0 ? rest.filter(({ candidate }) => candidate.value > 0) : [], left, numberOf)
}

/**
 * Those without the `count` of some of them that have the lowest of some number, of equals
 * those that are connected for longest. Sorting nothing but the numbers takes a fraction of
 * sorting the candidates.
 */
function withoutLowest<C extends EvictionCandidate> (members: Array<Member<C>>, some: ReadonlyArray<Member<C>>, count: number, numberOf: NumberOf): Array<Member<C>> {
  if (count <= 0 || some.length === 0) {
    return members
  }

  const numbers = new Float64Array(some.length)
  some.forEach((member, i) => { numbers[i] = numberOf(member) })
  const last = numbers.slice().sort()[Math.min(count, some.length) - 1]
  const asLow: Array<Member<C>> = []
  let left = count

  for (let i = 0; i < some.length; i++) {
    if (numbers[i] < last) {
      some[i].isProtected = true
      left--
    } else if (numbers[i] === last) {
      asLow.push(some[i])
    }
  }

  asLow.sort(olderFirst).slice(0, left).forEach(member => { member.isProtected = true })

  return members.filter(({ isProtected }) => !isProtected)
}

/**
 * Half of the candidates are protected by how long they are connected. Up to half
 * of these places are handed out to the transports that few have, one to each in turn,
 * those with the fewest candidates first; what they do not use goes to all.
 */
function withoutLongestConnected<C extends EvictionCandidate> (members: Array<Member<C>>): Array<Member<C>> {
  const places = Math.floor(members.length / 2)
  const minorities = MINORITY_TRANSPORTS
    .map(kind => members.filter(({ candidate: { transport } }) => transport === kind))
    .sort((a, b) => a.length - b.length)
  let rest = members.filter(({ candidate: { transport } }) => !MINORITY_TRANSPORTS.includes(transport))
  let minorityPlaces = Math.floor(places / 2)

  minorities.forEach((few, i) => {
    const share = Math.min(few.length, Math.ceil(minorityPlaces / (minorities.length - i)))
    minorityPlaces -= share
    rest = rest.concat(withoutOldest(few, share))
  })

  return withoutOldest(rest, rest.length - members.length + places)
}

/**
 * Those without the `count` that are connected for longest
 */
function withoutOldest<C extends EvictionCandidate> (members: Array<Member<C>>, count: number): Array<Member<C>> {
  const times = new Float64Array(members.map(({ candidate }) => candidate.opened)).sort()
  const last = times[count - 1]
  const younger: Array<Member<C>> = []
  const asOld: Array<Member<C>> = []

  for (const member of members) {
    const order = compare(member.candidate.opened, last)

    if (order >= 0) {
      (order > 0 ? younger : asOld).push(member)
    }
  }

  const left = members.length - count - younger.length
  asOld.sort(olderFirst)

  return younger.concat(asOld.slice(asOld.length - left))
}

/**
 * Who of two has to go first: who is in the group that has most connections, the youngest
 * of that
 */
function compareVictims<C extends EvictionCandidate> (a: Member<C>, b: Member<C>): number {
  if (a.group === b.group) {
    return olderFirst(b, a)
  }

  return b.group.size - a.group.size || a.group.hash - b.group.hash || (a.group.name < b.group.name ? -1 : 1)
}

function olderFirst<C extends EvictionCandidate> ({ candidate: a }: Member<C>, { candidate: b }: Member<C>): number {
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
