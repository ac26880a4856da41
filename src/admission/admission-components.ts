import type { EvictionCandidate } from './eviction.ts'
import type { AdmissionRefusal, ExceededLimit } from './refusals.ts'
import type { OriginLimits } from './subnet-counts.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Clock } from '../clock.ts'
import type { ConnectionEntry } from '../core/index.ts'
import type { Random } from '../random.ts'
import type { ConnectionLimitError, ConnectionScope, OpenConnectionOptions, RateLimits, Resource } from '../resources/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The place that a newcomer would have
 */
export interface WantedPlace {
  /**
   * What there is not enough of
   */
  readonly resource: Resource

  /**
   * The id of the newcomer, if it is known. Nobody has to go who is worth more.
   */
  readonly peer?: string
}

/**
 * What the pipeline asks others about. Each has to answer at once, in a time that
 * does not depend on how many connections are open; only `evictionCandidates` may
 * go through all of them.
 */
export interface AdmissionComponents<C extends EvictionCandidate = EvictionCandidate> {
  clock: Clock
  random: Random

  /**
   * How many connections are open, in both directions. What is about to be closed
   * by `evict` does not count.
   */
  connectionCount(): number

  /**
   * The connections that are accepted or open
   */
  entries(): Iterable<ConnectionEntry>

  /**
   * The inbound connections that may be closed for another one. What is about to be
   * closed by `evict` is none of them.
   *
   * @param wanted - what the newcomer needs, if not just one place of `maxConnections`
   */
  evictionCandidates(wanted?: WantedPlace): readonly C[]

  /**
   * Close a connection for a newcomer, not before this call has returned
   */
  evict(victim: C): void

  resources: {
    /**
     * Reserve what a connection costs
     *
     * @throws {ResourceLimitError} if there is no room
     */
    openConnection(options: OpenConnectionOptions): ConnectionScope

    /**
     * How many places are kept for realms that do not use all that is reserved for them
     *
     * @default 0
     */
    readonly unusedReserve?: number
  }

  /**
   * There is no place for a connection. Returns whether another one of less value has
   * given up its place for this peer, or for whoever it is while that is not known.
   *
   * @default no
   */
  makePlace?(error: ConnectionLimitError, peer?: string): boolean

  realms: {
    /**
     * The peer of a connection is about to count in a realm, which may be full. Called as
     * the last step, so that nobody has to go for a connection that is refused after all.
     */
    makeRoomFor(realm: string, peer: string, direction: 'inbound', remoteAddr: Multiaddr): void
  }

  bans: {
    ofPeer(peer: string): unknown
    ofIp(ip: IpAddress): unknown
  }

  discouraged: {
    hasPeer(peer: string): boolean
    hasIp(ip: IpAddress): boolean
  }

  deny: { has(ip: IpAddress): boolean }

  /**
   * If given, nothing else may connect
   */
  netRestrict?: { has(ip: IpAddress): boolean }

  allowList: {
    has(ip: IpAddress): boolean
    allows(ip: IpAddress, peer: string): boolean
  }

  /**
   * Counts a connection of a host, unless it connects too often
   */
  hostRate: { take(ip: IpAddress): ExceededLimit | undefined }

  load?: { check(): ExceededLimit | undefined }

  /**
   * Which hosts this node has asked a moment ago to dial it
   */
  dialBacks: { has(ip: IpAddress): boolean, take(ip: IpAddress): void }

  /**
   * Whether a peer comes in though there are as many connections as there may be
   */
  isTrusted(peer: string): boolean

  /**
   * The peer id of this node
   */
  self: string

  /**
   * Called for every connection that is refused
   */
  onRefuse(refusal: RefusedConnection): void

  /**
   * A connection gives back what was taken for it
   */
  giveBack(entry: ConnectionEntry): void
}

/**
 * A connection that was refused
 */
export interface RefusedConnection extends AdmissionRefusal {
  readonly remoteAddr: Multiaddr

  /**
   * The id of the peer, if it was known by then
   */
  readonly peer?: string
}

/**
 * The limits that the pipeline holds
 */
export interface AdmissionLimits {
  /**
   * How many connections there may be, in both directions, those included whose peer is
   * known and that are not upgraded yet. `Infinity` for no limit.
   */
  maxConnections: number

  /**
   * How many connections may wait to be upgraded. One of a crowded network, or that waits for
   * long, gives way to newcomers.
   */
  maxPending: number

  /**
   * How many of these may come from one network or relay
   */
  pending: OriginLimits

  /**
   * How many connections may come from one network or relay
   */
  subnets: OriginLimits

  /**
   * How often networks may connect
   */
  rates: RateLimits
}
