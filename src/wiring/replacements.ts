import { peerIdFromString } from '@libp2p/peer-id'
import { GracePeriod, candidatesAmong, compareVictims } from '../trimming/index.ts'
import type { Emit } from './context.ts'
import type { Departures } from './departures.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { Clock } from '../clock.ts'
import type { ConnectionTable } from '../core/index.ts'
import type { ConnectionLimitError, Resource } from '../resources/index.ts'
import type { CandidateRules, Standing, TrimCandidate, Trimmer } from '../trimming/index.ts'
import type { Connection } from '@libp2p/interface'

export interface ReplacementsComponents {
  clock: Clock
  emit: Emit
  table: ConnectionTable
  standing: Standing
  departures: Departures
  realms: Pick<RealmRooms, 'isReserved'>
  rules: CandidateRules
  trimmer: Pick<Trimmer, 'full'>
}

/**
 * A connection for which there is no place
 */
export interface Newcomer {
  /**
   * The id of its peer, if that is known
   */
  readonly peer?: string

  /**
   * Does this node dial?
   */
  readonly isDialled: boolean
}

/**
 * Closes a connection for another one where all places are taken that `limits.system`
 * allows, or the rest is kept for realms
 */
export class Replacements {
  readonly #components: ReplacementsComponents
  readonly #gracePeriod: number

  constructor (components: ReplacementsComponents, init: { gracePeriod: number }) {
    this.#components = components
    this.#gracePeriod = init.gracePeriod
  }

  /**
   * Returns whether a connection has given up its place. Protected peers get that of the
   * least valuable one, dials of this node that of the least valuable inbound one, and any
   * peer that of one which is worth less than it is. Whose grace period is not over goes
   * only if there is nobody else.
   */
  makePlace (error: ConnectionLimitError, newcomer: Newcomer): boolean {
    const { departures, emit, standing, trimmer } = this.#components

    // the limit is never exceeded, so this is when the watermark has to show
    if (error.scope === 'system') {
      trimmer.full()
    }

    // a limit that was lowered at run time is held by trims
    if (error.current + error.requested > error.limit + 1) {
      return false
    }

    const { isDialled, peer } = newcomer
    const isProtected = peer != null && standing.protection.isProtected(peer)
    const value = peer == null ? 0 : standing.value(peerIdFromString(peer))

    // those that come in great numbers have no value: nobody has to be looked for
    if (!isDialled && !isProtected && value <= 0) {
      return false
    }

    const isWorse = (candidate: TrimCandidate): boolean => isProtected || candidate.value < value || (isDialled && candidate.direction === 'inbound')
    const victim = this.#choose(error.resource, isWorse, false) ?? this.#choose(error.resource, isWorse, true)

    if (victim == null) {
      return false
    }

    const { connection, peerId } = victim
    departures.add(connection, 'evict')
    emit('connection:evict', { connection, peerId })

    return true
  }

  /**
   * Would the place of this connection be of use to one for which there is not enough of
   * a resource?
   */
  frees (connection: Connection, resource: Resource): boolean {
    switch (resource) {
      case 'connectionsInbound':
        return connection.direction === 'inbound'
      case 'connectionsOutbound':
        return connection.direction === 'outbound'
      case 'fileDescriptors':
        return (this.#components.table.get(connection)?.scope?.stat().usage.fileDescriptors ?? 0) > 0
      default:
        return true
    }
  }

  #choose (resource: Resource, isWorse: (candidate: TrimCandidate) => boolean, isGraceIgnored: boolean): TrimCandidate | undefined {
    const { clock, departures, realms, rules, table } = this.#components
    const grace = new GracePeriod(isGraceIgnored ? 0 : this.#gracePeriod, clock.now())
    const connections = table.allConnections().filter(connection => !departures.has(connection) && this.frees(connection, resource))
    let first: TrimCandidate | undefined

    for (const candidate of candidatesAmong(connections, table, isGraceIgnored ? { ...rules, gracePeriodOf: () => 0 } : rules, grace)) {
      if (isWorse(candidate) && !realms.isReserved(candidate.peerId) && (first == null || compareVictims(candidate, first) < 0)) {
        first = candidate
      }
    }

    return first
  }
}
