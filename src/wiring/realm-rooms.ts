import { peerIdFromString } from '@libp2p/peer-id'
import { hostOf, networkOf, sourceOf } from '../core/index.ts'
import { Realms, overShare } from '../resources/index.ts'
import { GracePeriod, candidatesAmong, compareVictims } from '../trimming/index.ts'
import { worseThan } from './realm-victims.ts'
import type { Emit } from './context.ts'
import type { Departures } from './departures.ts'
import type { RealmCandidate, RealmNewcomer, RealmOrigin } from './realm-victims.ts'
import type { GroupOf } from '../addresses/index.ts'
import type { ExceededLimit } from '../admission/index.ts'
import type { Clock } from '../clock.ts'
import type { ConnectionTable } from '../core/index.ts'
import type { RealmLimitReached, RealmOf, ResourceLimitError, ResourceManager } from '../resources/index.ts'
import type { CandidateRules, RealmShares, Standing, TrimCandidate } from '../trimming/index.ts'
import type { ComponentLogger, Connection, IdentifyResult, Libp2pEvents, Logger, MessageStreamDirection, PeerId, PeerUpdate } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { TypedEventTarget } from 'main-event'

export interface RealmRoomsComponents {
  clock: Clock
  log: Logger
  logger: ComponentLogger
  events: TypedEventTarget<Libp2pEvents>
  emit: Emit
  resources: ResourceManager
  table: ConnectionTable
  standing: Standing
  departures: Departures
  rules: CandidateRules

  /**
   * Which addresses share a network
   */
  groupOf?: GroupOf

  /**
   * Is told of connected peers that are in another realm than before
   */
  open: { onRealm(peerId: PeerId): void }

  /**
   * Closes a connection for which its realm has no room
   */
  refuse(connection: Connection, exceeded: ExceededLimit): void
}

export interface RealmRoomsInit {
  realmOf?: RealmOf
  realms: Iterable<string>
  gracePeriod: number
}

/**
 * What a peer speaks, and so its realm, is known soon after it has connected. When
 * the realm turns out to be full within this many ms, the peer came for nothing. When
 * it was put there later, it stays where it is.
 */
const NEWCOMER_PERIOD = 60_000

const REALM_SCOPE = 'realm:'
const CONNECTION_FIELDS = ['connections', 'connectionsInbound', 'connectionsOutbound'] as const

/**
 * Connects the realms with what is known of peers, and closes connections of a
 * realm for the realm alone
 */
export class RealmRooms {
  readonly realms: Realms
  readonly #components: RealmRoomsComponents
  readonly #gracePeriod: number

  /**
   * The protocols that connected peers speak
   */
  readonly #protocols = new Map<string, readonly string[]>()

  constructor (components: RealmRoomsComponents, init: RealmRoomsInit) {
    this.#components = components
    this.#gracePeriod = init.gracePeriod
    this.realms = new Realms({
      ...components,
      traitsOf: peerId => ({ tags: components.standing.tagNames(peerId), protocols: this.#protocols.get(peerId.toString()) }),
      isConnected: peerId => components.table.getPeer(peerId)?.admitted === true,
      connectionsOf: peerId => components.table.byPeer.get(peerId) ?? [],
      trimRealm: (realm, count) => count - this.#close(realm, count),
      makeRoom: (realm, peer) => this.#replaceFor(realm, peer),
      onNotMoved: reached => { this.#onNotMoved(reached) }
    }, init)
    this.realms.addEventListener('realm:assign', ({ detail }) => {
      components.open.onRealm(detail.peer)
      components.emit('realm:assign', detail)
    })
    this.realms.addEventListener('realm:limit', ({ detail }) => { components.emit('realm:limit', detail) })
  }

  start (): void {
    this.#components.events.addEventListener('peer:update', this.#onPeerUpdate)
    this.#components.events.addEventListener('peer:identify', this.#onIdentify)
    this.realms.start()
  }

  stop (): void {
    this.#components.events.removeEventListener('peer:update', this.#onPeerUpdate)
    this.#components.events.removeEventListener('peer:identify', this.#onIdentify)
    this.realms.stop()
    this.#protocols.clear()
  }

  peerDisconnected (peerId: PeerId): void {
    this.#protocols.delete(peerId.toString())
    this.realms.peerDisconnected(peerId)
  }

  /**
   * Has the realm of a connected peer no more connections than are reserved for it?
   * Then none of them may go for the sake of others.
   */
  isReserved (peerId: PeerId): boolean {
    const realm = this.realms.shareOf(peerId)
    const stat = realm == null ? undefined : this.#components.resources.scopeStat(`realm:${realm}`)

    return stat != null && stat.usage.connections <= (stat.limits.reserved ?? 0)
  }

  /**
   * How connections are spread over the realms. `undefined` if there are none.
   */
  shares (): RealmShares | undefined {
    const usages = this.realms.usages(this.#components.table.size)

    if (usages.length < 2) {
      return
    }

    const spare = new Map(usages.map(({ realm, connections, reserved = 0 }) => [realm, Math.max(0, connections - reserved)]))

    return {
      spare: realm => spare.get(realm) ?? Infinity,
      over: left => overShare(usages, left)
    }
  }

  /**
   * A connection of the peer is about to be counted. Returns where, once there is a place
   * in its realm, if another one gives up its own for it.
   */
  makePlace (peerId: PeerId, direction: MessageStreamDirection, remoteAddr?: Multiaddr): { peer: string, realm: string | undefined } {
    const peer = peerId.toString()
    const realm = this.realms.placeOf(peerId)

    if (realm != null) {
      this.makeRoomFor(realm, peer, direction, remoteAddr)
    }

    return { peer, realm }
  }

  /**
   * A peer is about to count in a realm. If the realm is full, a connection that is worse
   * loses its place, if there is one, unless the peer may have no other one.
   */
  makeRoomFor (realm: string, peer: string, direction: MessageStreamDirection, remoteAddr?: Multiaddr): void {
    const missing = this.#missing(realm, [direction])

    if (missing > 0 && this.#missing(peer, [direction], 'peer') <= 0) {
      const peerId = peerIdFromString(peer)
      this.#replace(realm, missing, {
        ...this.#newcomer(realm, peerId),
        isDialled: direction === 'outbound',
        origins: remoteAddr == null ? [] : [{ network: networkOf(remoteAddr, peer, this.#components.groupOf), host: hostOf(remoteAddr, peer) }]
      })
    }
  }

  /**
   * May a connection that we dial count in a realm besides so many more, without
   * another one losing its place?
   */
  hasPlace (realm: string, more: number): boolean {
    return this.#missing(realm, new Array<MessageStreamDirection>(more + 1).fill('outbound')) === 0
  }

  /**
   * A connection was refused for this scope. If that is a realm, it is full.
   */
  tellFull ({ scope }: Pick<ExceededLimit, 'scope'>, peer: PeerId | undefined, error?: ResourceLimitError): void {
    if (scope.startsWith(REALM_SCOPE)) {
      this.realms.safeDispatchEvent('realm:limit', { detail: { realm: scope.slice(REALM_SCOPE.length), peer, error, kept: 0 } })
    }
  }

  /**
   * The connections of a connected peer should count in a realm. Returns whether there are
   * places for them now.
   */
  #replaceFor (realm: string, peerId: PeerId): boolean {
    const connections = [...this.#components.table.byPeer.get(peerId) ?? []].filter(connection => !this.#components.departures.has(connection))
    const missing = this.#missing(realm, connections.map(({ direction }) => direction))

    return this.#replace(realm, missing, { ...this.#newcomer(realm, peerId), isDialled: false, origins: connections.map(connection => this.#originOf(connection)) })
  }

  #newcomer (realm: string, peerId: PeerId): Pick<RealmNewcomer, 'value' | 'isProtected' | 'isClaimed'> {
    const { standing } = this.#components

    return {
      value: standing.value(peerId),
      isProtected: standing.protection.isProtected(peerId.toString()),
      isClaimed: this.realms.isClaimed(peerId, realm)
    }
  }

  /**
   * How many connections have to go before these fit in
   */
  #missing (name: string, directions: readonly MessageStreamDirection[], kind: 'realm' | 'peer' = 'realm'): number {
    const { usage, limits } = this.#components.resources.scopeStat(`${kind}:${name}`) ?? {}
    const inbound = directions.filter(direction => direction === 'inbound').length
    const wanted = { connections: directions.length, connectionsInbound: inbound, connectionsOutbound: directions.length - inbound }

    // what is not limited by a number has place for all
    return Math.max(0, ...CONNECTION_FIELDS
      .filter(field => wanted[field] > 0)
      .map(field => Number(usage?.[field]) + wanted[field] - Number(limits?.[field]))
      .filter(missing => missing > 0))
  }

  readonly #onPeerUpdate = ({ detail: { peer } }: CustomEvent<PeerUpdate>): void => {
    this.#learn(peer.id, peer.protocols)
  }

  /**
   * A peer that returns and speaks what it spoke before is no update
   */
  readonly #onIdentify = ({ detail: { peerId, protocols } }: CustomEvent<IdentifyResult>): void => {
    this.#learn(peerId, protocols)
  }

  #learn (peerId: PeerId, protocols: readonly string[]): void {
    try {
      if (this.#components.table.getPeer(peerId) != null) {
        this.#protocols.set(peerId.toString(), protocols)
        this.realms.refresh(peerId)
      }
    } catch (err) {
      this.#components.log.error('could not tell the realm of %p - %e', peerId, err)
    }
  }

  #onNotMoved (reached: RealmLimitReached): void {
    const { clock, departures, refuse, standing, table } = this.#components
    const peer = reached.peer == null ? undefined : table.getPeer(reached.peer)

    if (peer == null || clock.now() - peer.firstSeen >= NEWCOMER_PERIOD || standing.protection.isProtected(peer.key)) {
      return
    }

    const { scope = `realm:${reached.realm}`, current = 0, limit = 0 } = reached.error ?? {}

    for (const connection of [...peer.connections]) {
      if (!departures.has(connection)) {
        refuse(connection, { scope, current, limit })
      }
    }
  }

  /**
   * Returns how many connections have lost their place
   */
  #close (realm: string, count: number): number {
    const victims = this.#candidates(realm)
      .sort(compareVictims)
      .slice(0, count)
    this.#evict(realm, victims, 'the limit was lowered')

    return victims.length
  }

  /**
   * Close the `count` worst connections of a realm for a newcomer, or none if not all of
   * them are worse than it. Returns whether there are places now.
   */
  #replace (realm: string, count: number, newcomer: RealmNewcomer): boolean {
    const victims = worseThan(newcomer, this.#candidates(realm), this.#counting(realm).map(connection => this.#originOf(connection)), count)
    this.#evict(realm, victims, 'it was full')

    return victims.length === count && count > 0
  }

  #evict (realm: string, victims: readonly TrimCandidate[], why: string): void {
    const { departures, emit } = this.#components

    for (const { connection, peerId } of victims) {
      departures.add(connection, 'evict', `realm ${realm}, ${why}`)
      emit('connection:evict', { connection, peerId, realm })
    }
  }

  /**
   * A peer in several realms counts in one, and gives no place in the others
   */
  #counting (realm: string): Connection[] {
    const { departures, table } = this.#components

    return this.realms.connections(realm).filter(connection => table.get(connection)?.scope?.realm === realm && !departures.has(connection))
  }

  #candidates (realm: string): Array<TrimCandidate & RealmCandidate> {
    const { clock, rules, table } = this.#components

    return candidatesAmong(this.#counting(realm), table, rules, new GracePeriod(this.#gracePeriod, clock.now()))
      .map(candidate => ({ ...candidate, ...this.#originOf(candidate.connection), isClaimed: this.realms.isClaimed(candidate.peerId, realm) }))
  }

  /**
   * Where a connection comes from or leads to
   */
  #originOf (connection: Connection): RealmOrigin {
    const { remoteAddr, remotePeer } = connection
    const { groupOf, table } = this.#components
    const peer = remotePeer.toString()
    const entry = table.get(connection)

    return { network: entry == null ? networkOf(remoteAddr, peer, groupOf) : sourceOf(entry, groupOf).group, host: hostOf(remoteAddr, peer) }
  }
}
