import { TypedEventEmitter } from 'main-event'
import { steadyClock, systemClock } from '../clock.ts'
import { InvalidOptionError } from '../errors.ts'
import { ResourceLimitError } from './errors.ts'
import { RealmAssignments } from './realm-assignments.ts'
import { RealmIndex } from './realm-index.ts'
import { isRealm, MAX_REALM_LENGTH, memberships, primaryMembership, REALM_TAG_PREFIX, realmInProtocol } from './realm-membership.ts'
import type { RealmUsage } from './fair-share.ts'
import type { RealmLimits } from './limits.ts'
import type { IndexedPeer } from './realm-index.ts'
import type { Membership, MembershipClaim } from './realm-membership.ts'
import type { AssignOptions, RealmEvents, RealmLimitReached, RealmOf, RealmsComponents, RealmsInit, RealmStat } from './realm-types.ts'
import type { Connection, Logger, PeerId, Startable } from '@libp2p/interface'

/**
 * Which peer is in which realm.
 *
 * A realm is a named group of peers with limits of its own. A peer counts in one of
 * them, first hit wins: the one that it was assigned to, that of a tag
 * `realm:<name>`, that of a protocol that it speaks, that which `realmOf` tells for
 * it. Peers in no realm are only limited by everything else.
 */
export class Realms extends TypedEventEmitter<RealmEvents> implements Startable {
  readonly #log: Logger
  readonly #components: RealmsComponents
  readonly #realmOf: RealmOf
  readonly #assignments: RealmAssignments
  readonly #index = new RealmIndex()

  /**
   * The realms that this node itself speaks of. The others are only claimed by
   * remote peers.
   */
  readonly #known: Set<string>

  constructor (components: RealmsComponents, init: RealmsInit = {}) {
    super()

    this.#components = components
    this.#log = components.logger.forComponent('libp2p:connmgr:realms')
    this.#known = new Set(init.realms)
    this.#realmOf = init.realmOf ?? (({ protocol = '' }) => this.#knownRealmIn(protocol))
    this.#assignments = new RealmAssignments(steadyClock(components.clock ?? systemClock), (peer, realm) => { this.#expired(peer, realm) })
  }

  start (): void {
    this.#assignments.start()
  }

  stop (): void {
    this.#assignments.stop()
  }

  /**
   * Put a peer into a realm. Its open connections count there from now on. If the
   * realm has no room for them they count where they did, and there is a
   * `realm:limit` event.
   *
   * @throws {InvalidOptionError} when it is not the name of a realm, or the duration
   * is not a positive number, and then nothing has changed
   */
  assign (peer: PeerId, realm: string, options: AssignOptions = {}): void {
    checkRealm(realm)

    const duration = options.for ?? Infinity

    if (!(duration > 0)) {
      throw new InvalidOptionError('for', duration, 'a positive number of ms')
    }

    const before = this.of(peer)
    this.#known.add(realm)
    this.#assignments.set(peer, realm, duration)
    this.#changed(peer, before)
  }

  /**
   * Undo `assign`. The peer's tags and protocols tell its realm again.
   */
  unassign (peer: PeerId): void {
    const before = this.of(peer)
    this.#assignments.delete(peer)
    this.#changed(peer, before)
  }

  /**
   * The realm that a peer belongs to
   */
  of (peer: PeerId): string | undefined {
    return primaryMembership(this.#claims(peer))?.realm
  }

  /**
   * The realm that a new connection of the peer counts in. That of a connected peer
   * counts where its others do, so that all of them are in one realm, though this may
   * not be the one that the peer should be in.
   */
  placeOf (peer: PeerId): string | undefined {
    return this.#components.isConnected(peer) ? this.#index.get(peer).realm : this.of(peer)
  }

  /**
   * All realms that a peer is in, the one that counts first
   */
  memberships (peer: PeerId): string[] {
    return memberships(this.#claims(peer)).map(({ realm }) => realm)
  }

  /**
   * Is a peer in a realm for no other reason than that it speaks a protocol, which anybody
   * may do?
   */
  isClaimed (peer: PeerId, realm: string): boolean {
    return memberships(this.#claims(peer)).find(membership => membership.realm === realm)?.source === 'protocol'
  }

  /**
   * The realm of a protocol
   */
  ofProtocol (protocol: string): string | undefined {
    return this.#ask({ protocol })
  }

  /**
   * The open connections of all peers that are in a realm, whether they count in it
   * or not
   */
  connections (realm: string): Connection[] {
    return [...this.#index.members(realm)].flatMap(({ peer }) => this.#components.connectionsOf?.(peer) ?? [])
  }

  /**
   * Change the limits of a realm. Fields that are left out stay as they are. What is
   * above the new limits is closed at once, and nothing else is.
   *
   * @returns how many connections above the limits had to stay
   * @throws {InvalidOptionError} when it is not a limit, and then nothing has changed
   */
  setLimit (realm: string, limits: RealmLimits): number {
    const { resources } = this.#components

    checkRealm(realm)
    resources.setLimit(`realm:${realm}`, limits)
    this.#known.add(realm)

    const { connections: excess } = resources.excess(`realm:${realm}`)
    const kept = excess === 0 ? 0 : this.#components.trimRealm?.(realm, excess) ?? excess

    if (kept > 0) {
      this.safeDispatchEvent('realm:limit', { detail: { realm, kept } })
    }

    this.#admitRefused(realm)

    return kept
  }

  /**
   * All realms that have limits, or that a connected or assigned peer is in
   */
  list (): RealmStat[] {
    const assigned = this.#assignments.counts()
    const names = new Set([...this.#known, ...this.#index.names(), ...assigned.keys()])

    return [...names].map(realm => {
      const { connections, limits } = this.#usage(realm)

      return { realm, connections, limits, peers: [...this.#index.members(realm)].length, assigned: assigned.get(realm) ?? 0 }
    })
  }

  /**
   * How the open connections are spread over the realms, for `overShare`. A realm
   * that only remote peers speak of counts with those that are in none: who claims
   * more realms gets no larger share.
   *
   * @param total - how many connections are open
   */
  usages (total: number): RealmUsage[] {
    const usages: RealmUsage[] = []
    let rest = total

    for (const realm of this.#known) {
      const { connections, limits } = this.#usage(realm)
      usages.push({ realm, connections, reserved: limits.reserved })
      rest -= connections
    }

    usages.push({ realm: undefined, connections: Math.max(0, rest) })

    return usages
  }

  /**
   * The realm under which `usages` counts the connections of a peer
   */
  shareOf (peer: PeerId): string | undefined {
    const { realm } = this.#index.get(peer)

    return realm != null && this.#known.has(realm) ? realm : undefined
  }

  /**
   * A peer has connected. To be called at its first connection.
   */
  peerConnected (peer: PeerId): void {
    this.#place(this.#index.get(peer))
  }

  /**
   * A peer has disconnected. To be called after its last connection.
   */
  peerDisconnected (peer: PeerId): void {
    this.#index.remove(peer)
  }

  /**
   * The tags or protocols of a peer may have changed
   */
  refresh (peer: PeerId): void {
    if (this.#components.isConnected(peer)) {
      this.#place(this.#index.get(peer))
    }
  }

  #expired (peer: PeerId, realm: string): void {
    try {
      this.#changed(peer, realm)
    } catch (err) {
      this.#log.error('could not take %p out of realm %s - %e', peer, realm, err)
    }
  }

  /**
   * The assignment of a peer has changed
   */
  #changed (peer: PeerId, before: string | undefined): void {
    if (this.#components.isConnected(peer)) {
      this.#place(this.#index.get(peer))
      return
    }

    const membership = primaryMembership(this.#claims(peer))

    if (membership?.realm !== before) {
      this.#announce(peer, membership, before)
    }
  }

  /**
   * Count a connected peer where it belongs
   */
  #place (indexed: IndexedPeer): void {
    const { peer, realm: previous } = indexed
    const all = memberships(this.#claims(peer))
    const membership = all.at(0)

    this.#index.update(indexed, all)
    indexed.refusedBy = undefined

    if (membership != null && (membership.source === 'assigned' || membership.source === 'tag')) {
      this.#known.add(membership.realm)
    }

    const error = this.#move(peer, membership?.realm)

    if (error != null && membership != null) {
      indexed.refusedBy = membership.realm
      // its connection may have been dialled when it was in another one
      this.#tryMove(peer, previous)
      const reached: RealmLimitReached = { realm: membership.realm, peer, error, kept: 0 }
      this.safeDispatchEvent('realm:limit', { detail: reached })
      this.#components.onNotMoved?.(reached)
      return
    }

    if (membership?.realm !== previous) {
      indexed.realm = membership?.realm
      this.#announce(peer, membership, previous)
    }
  }

  /**
   * Returns why the connections of the peer could not be moved
   */
  #move (peer: PeerId, realm: string | undefined): ResourceLimitError | undefined {
    const error = this.#tryMove(peer, realm)

    if (error == null || realm == null) {
      return error
    }

    return this.#components.makeRoom?.(realm, peer) === true ? this.#tryMove(peer, realm) : error
  }

  #tryMove (peer: PeerId, realm: string | undefined): ResourceLimitError | undefined {
    try {
      this.#components.resources.setPeerRealm(peer.toString(), realm)
    } catch (err) {
      if (err instanceof ResourceLimitError) {
        return err
      }

      throw err
    }
  }

  /**
   * The limits of a realm have changed: there may be room for those that had none
   */
  #admitRefused (realm: string): void {
    const refused = [...this.#index.members(realm)].filter(({ refusedBy }) => refusedBy === realm)

    for (const indexed of refused) {
      this.#place(indexed)
    }
  }

  #usage (realm: string): { connections: number, limits: RealmLimits } {
    const stat = this.#components.resources.scopeStat(`realm:${realm}`)

    if (stat == null) {
      const counting = [...this.#index.members(realm)].filter(indexed => indexed.realm === realm)

      return { connections: counting.reduce((sum, { peer }) => sum + (this.#components.connectionsOf?.(peer).length ?? 0), 0), limits: {} }
    }

    return { connections: stat.usage.connections, limits: stat.limits }
  }

  /**
   * What may say the realm of a peer: that it was assigned to one, then its tags, its
   * protocols, and what is told for the peer itself. Asked one after the other.
   */
  * #claims (peer: PeerId): Iterable<MembershipClaim> {
    const { tags = [], protocols = [] } = this.#components.traitsOf?.(peer) ?? {}

    yield { realm: this.#assignments.get(peer), source: 'assigned' }

    for (const tag of tags) {
      if (tag.startsWith(REALM_TAG_PREFIX)) {
        yield { realm: tag.slice(REALM_TAG_PREFIX.length), source: 'tag' }
      }
    }

    for (const protocol of protocols) {
      yield { realm: this.#ask({ peer, protocol }), source: 'protocol' }
    }

    yield { realm: this.#ask({ peer }), source: 'peer' }
  }

  #ask (of: { peer?: PeerId, protocol?: string }): string | undefined {
    try {
      const realm: unknown = this.#realmOf(of)

      return isRealm(realm) ? realm : undefined
    } catch (err) {
      this.#log.error('could not tell the realm of %s - %e', of.protocol ?? of.peer, err)
    }
  }

  #knownRealmIn (protocol: string): string | undefined {
    const realm = realmInProtocol(protocol)

    return realm != null && this.#known.has(realm) ? realm : undefined
  }

  #announce (peer: PeerId, membership: Membership | undefined, previous: string | undefined): void {
    const { realm, source } = membership ?? {}
    this.#log('%p is in realm %s', peer, realm)
    this.safeDispatchEvent('realm:assign', { detail: { peer, realm, source, previous } })
  }
}

function checkRealm (realm: string): void {
  if (!isRealm(realm)) {
    throw new InvalidOptionError('realm', realm, `a name of 1 to ${MAX_REALM_LENGTH} characters`)
  }
}
