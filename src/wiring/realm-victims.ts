import { compareVictims } from '../trimming/index.ts'
import type { TrimRecord } from '../trimming/index.ts'

/**
 * Where a connection comes from or leads to
 */
export interface RealmOrigin {
  /**
   * The network or relay, so that the connections of one operator have the same
   */
  readonly network: string

  /**
   * The single host in it
   */
  readonly host: string
}

/**
 * A connection of a realm that may be closed for another one
 */
export interface RealmCandidate extends TrimRecord, RealmOrigin {
  /**
   * Is its peer in the realm for no other reason than that it speaks a protocol?
   */
  readonly isClaimed: boolean
}

/**
 * A peer for which a full realm has no place
 */
export interface RealmNewcomer {
  readonly value: number
  readonly isProtected: boolean

  /**
   * Is it in the realm for no other reason than that it speaks a protocol?
   */
  readonly isClaimed: boolean

  /**
   * Does this node dial it?
   */
  readonly isDialled: boolean

  /**
   * Where each of its connections comes from. None where that is not known.
   */
  readonly origins: readonly RealmOrigin[]
}

/**
 * The `count` connections of a full realm that are closed for a newcomer, or none if not
 * as many are worse than it is.
 *
 * A protected peer is better than all others. Otherwise who is worth more is better, then
 * who was put into the realm and does not merely claim to be of it, then who is dialled,
 * then who makes the networks of the realm more diverse, and in one network the hosts. Of
 * two that are equal the one stays that is there.
 *
 * @param newcomer - who wants in
 * @param candidates - who may go
 * @param members - where all connections of the realm come from
 * @param count - how many have to go
 */
export function worseThan<C extends RealmCandidate> (newcomer: RealmNewcomer, candidates: readonly C[], members: readonly RealmOrigin[], count: number): C[] {
  const networks = countBy(members, ({ network }) => network)
  const hosts = countBy(members, ({ host }) => host)
  const rest = new Set(candidates)
  const victims: C[] = []

  while (victims.length < count) {
    const victim = [...rest]
      .filter(candidate => isWorse(candidate, newcomer, networks, hosts))
      .sort((a, b) => compareCandidates(a, b, networks, hosts))
      .at(0)

    if (victim == null) {
      return []
    }

    victims.push(victim)
    rest.delete(victim)
    networks.set(victim.network, countOf(networks, victim.network) - 1)
    hosts.set(victim.host, countOf(hosts, victim.host) - 1)
  }

  return victims
}

type Counts = Map<string, number>

function isWorse (candidate: RealmCandidate, newcomer: RealmNewcomer, networks: Counts, hosts: Counts): boolean {
  if (newcomer.isProtected || candidate.duplicate) {
    return true
  }

  if (candidate.value !== newcomer.value) {
    return candidate.value < newcomer.value
  }

  if (candidate.isClaimed !== newcomer.isClaimed) {
    return candidate.isClaimed
  }

  return newcomer.isDialled || addsDiversity(candidate, newcomer.origins, networks, hosts)
}

/**
 * Has the newcomer fewer in its network, or on its host, than the candidate has, even once
 * it is in?
 */
function addsDiversity ({ network, host }: RealmCandidate, origins: readonly RealmOrigin[], networks: Counts, hosts: Counts): boolean {
  return origins.length > 0 && origins.every(origin => origin.network === network
    ? origin.host !== host && countOf(hosts, origin.host) + origins.length < countOf(hosts, host)
    : countOf(networks, origin.network) + origins.length < countOf(networks, network))
}

function compareCandidates (a: RealmCandidate, b: RealmCandidate, networks: Counts, hosts: Counts): number {
  if (a.duplicate !== b.duplicate || a.value !== b.value) {
    return compareVictims(a, b)
  }

  if (a.isClaimed !== b.isClaimed) {
    return a.isClaimed ? -1 : 1
  }

  return countOf(networks, b.network) - countOf(networks, a.network) || countOf(hosts, b.host) - countOf(hosts, a.host) || compareVictims(a, b)
}

function countBy (origins: readonly RealmOrigin[], keyOf: (origin: RealmOrigin) => string): Counts {
  const counts: Counts = new Map()

  for (const origin of origins) {
    counts.set(keyOf(origin), countOf(counts, keyOf(origin)) + 1)
  }

  return counts
}

function countOf (counts: Counts, key: string): number {
  return counts.get(key) ?? 0
}
