import type { StreamLimitError } from './errors.ts'
import type { ScopeStat } from './limited-usage.ts'
import type { RealmLimits } from './limits.ts'
import type { ConnectionScope, OnFull, SpanScope, StreamScope } from './scope-types.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * A connection that is about to cost something
 */
export interface OpenConnectionOptions {
  direction: MessageStreamDirection

  /**
   * The peer id, if it is known already, as it is for a dial
   */
  peer?: string

  /**
   * The realm of the peer
   */
  realm?: string

  /**
   * May use what is kept for allow-listed connections when there is no other room
   *
   * @default false
   */
  allowListed?: boolean

  /**
   * Does the connection need a file descriptor of its own? TCP connections do.
   *
   * @default false
   */
  fileDescriptor?: boolean

  /**
   * Asked once if there is no place for the connection
   *
   * @default nobody gives up his place
   */
  onFull?: OnFull
}

/**
 * A stream that is about to cost something
 */
export interface OpenStreamOptions {
  direction: MessageStreamDirection

  /**
   * The scope of the connection, whose peer must be known
   */
  connection?: ConnectionScope

  /**
   * The peer id, if there is no scope of the connection. The stream then counts for
   * the peer, but in no realm of it.
   */
  peer?: string

  /**
   * Asked once if there are as many streams as there may be whose protocol is not known.
   * Returns `true` if another one has given up its place.
   *
   * @default nobody gives up his place
   */
  onTransientFull?(error: StreamLimitError): boolean
}

/**
 * Who uses what, against which limit. Only scopes that are in use are listed.
 */
export interface ResourceStat {
  readonly system: ScopeStat
  readonly transient: ScopeStat
  readonly allowListed: ScopeStat
  readonly allowListedTransient: ScopeStat
  readonly peers: Readonly<Record<string, ScopeStat>>
  readonly realms: Readonly<Record<string, ScopeStat>>
  readonly protocols: Readonly<Record<string, SharedScopeStat>>
  readonly services: Readonly<Record<string, SharedScopeStat>>

  /**
   * How many connections of `system` are kept for realms that do not use all that
   * is reserved for them
   */
  readonly unusedReserve: number
}

/**
 * The scope of a protocol or service
 */
export interface SharedScopeStat extends ScopeStat {
  /**
   * The share of each peer
   */
  readonly peers: Readonly<Record<string, ScopeStat>>
}

/**
 * Counts what connections and streams use, and refuses what exceeds a limit.
 *
 * Whoever opens something asks first, keeps the scope that he is given while it is
 * open, and releases it when it is closed. What is refused has taken nothing.
 */
export interface ResourceManager {
  /**
   * How many connections there may be before no more inbound ones are accepted. What is
   * reserved for realms is kept of these, too.
   *
   * @throws {InvalidOptionError} when it is set to less than the realms reserve
   */
  maxConnections: number

  /**
   * How many connections there may be at this moment, without those that are kept for
   * realms: the least of `maxConnections` and the limits of `system`, less `unusedReserve`.
   * `Infinity` if nothing is limited.
   */
  readonly places: number

  /**
   * How many places are kept for realms that do not use all that is reserved for them
   */
  readonly unusedReserve: number

  /**
   * Ask for a connection, before it costs anything
   *
   * @throws {ConnectionLimitError} when there is no room for it
   */
  openConnection(options: OpenConnectionOptions): ConnectionScope

  /**
   * Ask for a stream
   *
   * @throws {StreamLimitError} when there is no room for it
   * @throws {ScopeStateError} when the connection's peer is not known, or after the
   * connection's release
   */
  openStream(options: OpenStreamOptions): StreamScope

  /**
   * Memory for something that is neither a connection nor a stream. It counts in
   * the scope of that name and in `system`.
   *
   * @param scope - `system`, `transient`, `peer:<peer id>`, `realm:<realm>`,
   * `protocol:<protocol>` or `service:<service>`
   * @throws {InvalidOptionError} when there can be no such scope
   */
  beginSpan(scope: string): SpanScope

  /**
   * Count all connections of a peer in another realm, or in none. Does nothing when
   * it has none.
   *
   * @throws {ResourceLimitError} when they do not fit, and then nothing has changed
   */
  setPeerRealm(peer: string, realm: string | undefined): void

  /**
   * Change limits. Fields that are left out stay as they are. What is open stays
   * open when it is more than the new limit, and nothing more is let in.
   *
   * @param scope - a key of `limits` that is not a plural, e.g. `system` or `peer`,
   * which changes it for all peers that have no limit of their own; or one with the
   * name of one scope, e.g. `peer:12D3KooW…`, `realm:chain`,
   * `protocolPeer:/ipfs/ping/1.0.0`
   * @throws {InvalidOptionError} when there can be no such scope, or it is no limit,
   * and then nothing has changed
   */
  setLimit(scope: string, limits: RealmLimits): void

  /**
   * What one scope uses, or `undefined` if nothing is counted
   *
   * @param scope - as in `beginSpan`
   * @throws {InvalidOptionError} when there can be no such scope
   */
  scopeStat(scope: string): ScopeStat | undefined

  /**
   * By how many connections a scope exceeds its limits, because they were lowered
   *
   * @param scope - as in `beginSpan`
   * @throws {InvalidOptionError} when there can be no such scope
   */
  excess(scope: string): ConnectionExcess

  /**
   * Who uses what, against which limit
   */
  stat(): ResourceStat

  /**
   * The protocols that have open streams, without the shares of peers: there are few
   * of them, however many peers there are
   */
  protocolStats(): Iterable<[protocol: string, stat: ScopeStat]>
}

/**
 * How many connections have to be closed for a limit to be held. Those of the
 * directions count for `connections` as well.
 */
export interface ConnectionExcess {
  readonly connections: number
  readonly inbound: number
  readonly outbound: number
}
