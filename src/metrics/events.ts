import type { Connection, MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Why connections were trimmed
 *
 * - `high-water` more connections are open than the high watermark allows
 * - `requested` `trim()` was called
 * - `count` `trimConnections(n)` was called
 * - `max-connections` `setMaxConnections(n)` has lowered the limit
 * - `emergency` an emergency trim was requested
 */
export type TrimReason = 'high-water' | 'requested' | 'count' | 'max-connections' | 'emergency'

/**
 * A connection that was trimmed, and what the choice was based on
 */
export interface TrimmedConnection {
  readonly connection: Connection
  readonly peerId: PeerId

  /**
   * What the peer was worth
   */
  readonly value: number

  /**
   * `true` if the peer had a better connection, which stays
   */
  readonly duplicate: boolean

  /**
   * How many application streams were open
   */
  readonly streams: number

  readonly direction: MessageStreamDirection

  /**
   * For how many ms the connection was open
   */
  readonly age: number
}

/**
 * What a trim did
 */
export interface TrimResult {
  readonly reason: TrimReason

  /**
   * How many connections were open before
   */
  readonly before: number

  /**
   * How many connections were to be closed
   */
  readonly wanted: number

  /**
   * Those that were
   */
  readonly closed: readonly TrimmedConnection[]

  /**
   * The realm whose own watermark was exceeded, then all numbers are about this realm
   */
  readonly realm?: string

  /**
   * How many connections could not be chosen, by reason. Zero for what the trim
   * did not have to spare.
   */
  readonly kept: {
    readonly protected: number
    readonly inGrace: number
    readonly allowListed: number
  }

  /**
   * `false` if more connections are open than was aimed at, because of those
   * that were kept
   */
  readonly complete: boolean
}

/**
 * Why an inbound connection may not come in
 *
 * - `stopped` the node is not running
 * - `banned` the peer, its address or its relay is banned
 * - `denied` the address is on the deny list
 * - `net-restrict` the address is in none of the only networks that may connect
 * - `rate` its host or network connects too often
 * - `subnet-pending` too many connections of its network are not upgraded yet
 * - `pending` too many connections are not upgraded yet, or it had to give way to others of them
 * - `load` the event loop is late, or the heap or the memory nearly full
 * - `discouraged` it has misbehaved, and only the last place is free
 * - `subnet` its network has too many connections
 * - `max-connections` there are as many connections as there may be, and none is worse
 * - `resources` a scope of the resource manager is full
 * - `self` it is this node itself
 * - `flapping` the peer connects and disconnects again and again
 * - `hook` one of the `afterConnect` hooks denies it
 * - `gater` the connection gater of the user denies it
 */
export type RefusalReason = 'stopped' | 'banned' | 'denied' | 'net-restrict' | 'rate' | 'subnet-pending' | 'pending' |
  'load' | 'discouraged' | 'subnet' | 'max-connections' | 'resources' | 'self' | 'flapping' | 'hook' | 'gater'

/**
 * An inbound connection that was refused
 */
export interface Refusal {
  readonly reason: RefusalReason
  readonly remoteAddr: Multiaddr

  /**
   * The id of the peer, if it was known by then
   */
  readonly peer?: string

  /**
   * What the limit applies to, e.g. `system`, `subnet:203.0.113.0/24` or
   * `peer:12D3KooW…`
   */
  readonly scope: string

  /**
   * How much of the limit was in use
   */
  readonly current: number

  readonly limit: number

  /**
   * What a function of the user has thrown, if that is why
   */
  readonly error?: Error
}

/**
 * What metrics are made of
 */
export interface MeasuredEvents {
  /**
   * Connections were trimmed, or should have been and could not
   */
  'connection:trim': CustomEvent<TrimResult>

  /**
   * An inbound connection was refused
   */
  'connection:refuse': CustomEvent<Refusal>
}
