import type { ResourceLimitError } from './errors.ts'
import type { RealmLimits } from './limits.ts'
import type { PeerTraits, RealmSource } from './realm-membership.ts'
import type { ResourceManager } from './resource-manager.ts'
import type { Clock } from '../clock.ts'
import type { ComponentLogger, Connection, PeerId } from '@libp2p/interface'

/**
 * Tells the realm of a protocol, of a peer, or of what a peer speaks
 */
export type RealmOf = (of: { peer?: PeerId, protocol?: string }) => string | undefined

/**
 * A peer is in another realm than before
 */
export interface RealmAssignment {
  readonly peer: PeerId

  /**
   * The realm that it is in now, if any
   */
  readonly realm: string | undefined

  /**
   * Why
   */
  readonly source: RealmSource | undefined

  /**
   * The realm that it was in
   */
  readonly previous: string | undefined
}

/**
 * A realm is full, or has more connections than its limit
 */
export interface RealmLimitReached {
  readonly realm: string

  /**
   * The peer that should count in the realm, or was to be connected to, and for which
   * there was no room. What it has open still counts where it did before.
   */
  readonly peer?: PeerId

  /**
   * Which limit it was
   */
  readonly error?: ResourceLimitError

  /**
   * How many connections the realm has above its limit, because none of them may be
   * closed
   */
  readonly kept: number
}

/**
 * What realms tell
 */
export interface RealmEvents {
  /**
   * A peer is in another realm than before
   */
  'realm:assign': CustomEvent<RealmAssignment>

  /**
   * A realm is full, or has more connections than its limit
   */
  'realm:limit': CustomEvent<RealmLimitReached>
}

/**
 * For how long a peer is in a realm
 */
export interface AssignOptions {
  /**
   * For how many ms
   *
   * @default Infinity
   */
  for?: number
}

/**
 * A realm, and what it uses
 */
export interface RealmStat {
  readonly realm: string

  /**
   * How many connected peers are in it, whether they count in it or not
   */
  readonly peers: number

  /**
   * How many peers are assigned to it, connected or not
   */
  readonly assigned: number

  /**
   * How many connections count in it
   */
  readonly connections: number

  /**
   * Everything that is limited at all
   */
  readonly limits: RealmLimits
}

/**
 * What realms use of the manager
 */
export interface RealmsComponents {
  logger: ComponentLogger
  resources: ResourceManager
  clock?: Clock

  /**
   * What is known of a peer
   */
  traitsOf?(peer: PeerId): PeerTraits | undefined

  /**
   * Was `peerConnected` called for the peer, and `peerDisconnected` not yet? Whoever calls
   * these knows it, and there may be very many peers.
   */
  isConnected(peer: PeerId): boolean

  /**
   * The open connections of a peer
   */
  connectionsOf?(peer: PeerId): readonly Connection[]

  /**
   * Close up to `count` connections of a realm, and only of this one, because its
   * limit was lowered. Returns how many of them have to stay.
   */
  trimRealm?(realm: string, count: number): number

  /**
   * Release as many connections of a realm, and only of this one, as have to go for those
   * of `peer` that should count in it, or none if it is no better. Returns `true` if that
   * is worth another try.
   */
  makeRoom?(realm: string, peer: PeerId): boolean

  /**
   * The connections of a peer should count in a realm that has no room for them, and
   * count where they did
   */
  onNotMoved?(reached: RealmLimitReached): void
}

/**
 * How peers come into realms
 */
export interface RealmsInit {
  /**
   * Tells the realm of a protocol or peer. Neither may it throw, nor may it take
   * long: it is asked for every stream and for every protocol of a peer.
   *
   * @default the name behind `/realm/` in a protocol, if there is a realm of that
   * name: in `limits.realms`, or assigned by this node
   */
  realmOf?: RealmOf

  /**
   * The realms that there are, whether somebody is in them or not
   *
   * @default []
   */
  realms?: Iterable<string>
}
