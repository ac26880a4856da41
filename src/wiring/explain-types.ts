import type { Decision } from './decisions.ts'
import type { Ban } from '../gating/index.ts'
import type { ParkReason } from '../outbound/index.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * What there is to say about one of the connections of a peer
 */
export interface ExplainedConnection {
  readonly id: string
  readonly direction: MessageStreamDirection
  readonly address: string

  /**
   * For how many ms it has been open
   */
  readonly age: number

  /**
   * The round trip time in ms, if it is known
   */
  readonly rtt?: number
  readonly path: 'direct' | 'relayed'

  /**
   * May it carry only so many bytes, or for only so long?
   */
  readonly limited: boolean

  /**
   * Does another connection take its place, and it is closed when nothing uses it?
   */
  readonly draining: boolean

  /**
   * Are new streams opened on it?
   */
  readonly selected: boolean

  /**
   * How many streams the application has open on it
   */
  readonly streams: number

  /**
   * The protocols of all its streams
   */
  readonly protocols: readonly string[]

  /**
   * How many ms ago something was heard last, if that is watched
   */
  readonly silence?: number

  /**
   * How many pings in a row were not answered
   */
  readonly misses?: number

  /**
   * The realm that it counts in
   */
  readonly realm?: string
}

/**
 * When it is the turn of a connection
 */
export interface TrimRank {
  /**
   * 1 for the connection that is closed first
   */
  readonly position: number

  /**
   * How many connections may be closed
   */
  readonly of: number
}

/**
 * What there is to say about a peer. Plain data, that can be turned to JSON.
 */
export interface PeerExplanation {
  readonly peer: string

  /**
   * `false` if nothing is known of the peer
   */
  readonly known: boolean

  /**
   * The same in a few sentences, for people
   */
  readonly summary: string

  /**
   * What it is worth
   */
  readonly value: number

  /**
   * Its tags, those in the peer store and those that were given with `tag`, with their
   * values of this moment
   */
  readonly tags: Readonly<Record<string, number>>

  /**
   * The tags that protect it
   */
  readonly protectedBy: readonly string[]

  /**
   * The realm that it belongs to
   */
  readonly realm?: string

  /**
   * All realms that it is in, the one that counts first
   */
  readonly realms: readonly string[]

  /**
   * For how many ms it is not trimmed yet. 0 if it is not connected.
   */
  readonly graceRemaining: number

  /**
   * The place of that of its connections which is closed first, among all that may be
   * closed. `undefined` if none of them may be, or if a function of the user chooses.
   * Realms that have more than their share may pay before it is their turn.
   */
  readonly trimRank?: TrimRank
  readonly connections: readonly ExplainedConnection[]

  /**
   * The bans of the peer and of the addresses that it is connected from. `expires` is
   * missing if a ban does not end.
   */
  readonly bans: ReadonlyArray<Omit<Ban, 'expires'> & { readonly expires?: number }>
  readonly misbehaviour: number

  /**
   * May it stay only while there is room?
   */
  readonly discouraged: boolean

  /**
   * Is it kept out, as it connects and disconnects again and again?
   */
  readonly flapping: boolean

  /**
   * Is it one of the static peers?
   */
  readonly static: boolean

  /**
   * Is it dialled again when it disconnects, because of a `keep-alive` tag?
   */
  readonly keepAlive: boolean

  /**
   * Why it is not dialled again without being asked before there is room, and for how
   * many ms it has not been. `undefined` if it is not parked.
   */
  readonly parked?: { readonly reason: ParkReason, readonly age: number }

  /**
   * Why it could not be dialled the last time, if it could not
   */
  readonly lastDialError?: string

  /**
   * How the last of its connections came to its end, if one has
   */
  readonly lastClosed?: Decision

  /**
   * Why it was refused the last time, if it was
   */
  readonly lastRefused?: Decision

  /**
   * The last decisions about it, the latest at the end
   */
  readonly decisions: readonly Decision[]
}
