import type { CloseReason } from '../core/index.ts'
import type { DialFailureReason, ForgottenFailures } from '../dialing/index.ts'
import type { Ban, EndedBan } from '../gating/index.ts'
import type { DialOutcome, MeasuredEvents } from '../metrics/index.ts'
import type { SkippedCandidate } from '../outbound/index.ts'
import type { Reachability, ReachabilityReason } from '../reachability/index.ts'
import type { RealmEvents, RefusedAttempt, ResourceLimitError } from '../resources/index.ts'
import type { ConnectionUpgrade, RecycleRequest } from '../upkeep/index.ts'
import type { Connection, MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * A connection that is closed for a better one
 */
export interface Eviction {
  readonly connection: Connection
  readonly peerId: PeerId

  /**
   * The realm that was full, or whose limit was lowered. `undefined` if the node was
   * full.
   */
  readonly realm?: string
}

/**
 * A connection on which nothing was heard any more
 */
export interface DeadConnection {
  readonly connection: Connection
  readonly peerId: PeerId
  readonly remoteAddr: Multiaddr

  /**
   * How many pings in a row were not answered
   */
  readonly misses: number

  /**
   * Was nothing heard since the network has changed?
   */
  readonly networkChanged: boolean
}

/**
 * A connection or a stream that did not fit into a scope
 */
export interface ResourceRefusal {
  /**
   * Which limit it was, and how much of it was in use
   */
  readonly error: ResourceLimitError

  /**
   * What was asked for
   */
  readonly attempt: RefusedAttempt
}

/**
 * A connection that was opened, and was let in
 */
export interface OpenedConnection {
  readonly connection: Connection
  readonly peerId: PeerId
  readonly remoteAddr: Multiaddr
  readonly direction: MessageStreamDirection
}

/**
 * A connection that was closed
 */
export interface ClosedConnection extends OpenedConnection {
  readonly reason: CloseReason

  /**
   * More about the reason, if there is more to say: who or what was banned and why, why
   * the trim, which realm, why it was recycled
   */
  readonly cause?: string

  /**
   * For how many ms it was open
   */
  readonly duration: number

  /**
   * What went wrong, if something did
   */
  readonly error?: Error
}

/**
 * A connection that was pinged
 */
export interface PingedConnection {
  readonly connection: Connection
  readonly peerId: PeerId

  /**
   * After how many ms it answered, `undefined` if it did not
   */
  readonly rtt?: number
}

/**
 * An address that is dialled
 */
export interface DialAttempt {
  /**
   * `undefined` where an address is dialled that does not tell
   */
  readonly peerId?: PeerId
  readonly multiaddr: Multiaddr

  /**
   * How many ms after the first address of the same dial
   */
  readonly delay: number
}

/**
 * An address that was dialled and could not be connected to
 */
export interface FailedDialAttempt {
  readonly peerId?: PeerId
  readonly multiaddr: Multiaddr
  readonly reason: DialFailureReason
  readonly error: Error
}

/**
 * A dial that has ended
 */
export interface EndedDial {
  readonly peerId?: PeerId
  readonly outcome: DialOutcome

  /**
   * How many ms it took, without the wait for a place in the queue
   */
  readonly duration: number

  /**
   * Why there is no connection. `dialReport` and `explainDialError` say more about it.
   */
  readonly error?: Error
}

/**
 * A tag that was given to a peer
 */
export interface TaggedPeer {
  readonly peerId: PeerId
  readonly tag: string

  /**
   * What was passed: the value of the tag or, if it can be bumped, what it was bumped by
   */
  readonly value: number
}

/**
 * A tag that was taken from a peer
 */
export interface UntaggedPeer {
  readonly peerId: PeerId
  readonly tag: string
}

/**
 * A protection that was given to a peer, or taken from it
 */
export interface ProtectionChange {
  readonly peerId: PeerId
  readonly tag: string

  /**
   * Is the peer protected now, by this tag or another?
   */
  readonly isProtected: boolean
}

/**
 * A host that is discouraged
 */
export interface DiscouragedAddress {
  /**
   * In CIDR notation: one IPv4 address, or a /64
   */
  readonly range: string

  /**
   * The peer that has misbehaved
   */
  readonly peerId: PeerId
}

/**
 * The number of open connections has come to be above a watermark, or is no longer
 */
export interface WatermarkCrossing {
  readonly watermark: 'low' | 'high'
  readonly direction: 'up' | 'down'

  /**
   * The watermark
   */
  readonly level: number

  /**
   * How many connections are open
   */
  readonly connections: number
}

/**
 * Whether others can dial this node, as far as is known, and why
 */
export interface NodeReachabilityStatus {
  readonly state: Reachability
  readonly reason?: ReachabilityReason
}

/**
 * Whether others can dial this node is another thing now
 */
export interface NodeReachabilityChange extends NodeReachabilityStatus {
  readonly previous: Reachability

  /**
   * Does the node dial more peers now, and hold on to its relays, as nobody can dial it?
   */
  readonly isPrivate: boolean
}

/**
 * What was done because the network has changed
 */
export interface NetworkChange extends ForgottenFailures {
  /**
   * How many static peers, and peers with a `keep-alive` tag, waited to be dialled again
   * and are dialled at once
   */
  readonly redialled: number

  /**
   * How many connections are probed
   */
  readonly probed: number
}

/**
 * The events of the connection manager, beside those that it emits on the node
 * because libp2p's own does (`peer:connect`, `peer:disconnect`,
 * `connection:prune`, `peer:reconnect-failure`)
 */
export interface ConnectionManagerEvents extends MeasuredEvents, RealmEvents {
  /**
   * A connection was opened, and was let in
   */
  'connection:open': CustomEvent<OpenedConnection>

  /**
   * A connection was closed, by whomever
   */
  'connection:close': CustomEvent<ClosedConnection>

  /**
   * A connection was pinged, as it was silent or its round trip time was not measured for long
   */
  'connection:ping': CustomEvent<PingedConnection>

  /**
   * An address is dialled
   */
  'dial:attempt': CustomEvent<DialAttempt>

  /**
   * An address was dialled and could not be connected to
   */
  'dial:fail': CustomEvent<FailedDialAttempt>

  /**
   * The dial of a peer has ended
   */
  'dial:end': CustomEvent<EndedDial>

  /**
   * A peer was given a tag with `tag`
   */
  'peer:tag': CustomEvent<TaggedPeer>

  /**
   * A tag was taken from a peer with `untag`
   */
  'peer:untag': CustomEvent<UntaggedPeer>

  /**
   * A tag protects a peer that it did not protect before
   */
  'peer:protect': CustomEvent<ProtectionChange>

  /**
   * A tag protects a peer no more
   */
  'peer:unprotect': CustomEvent<ProtectionChange>

  /**
   * A peer has misbehaved, and may stay only while there is room
   */
  'peer:discourage': CustomEvent<PeerId>

  /**
   * A host from which somebody has misbehaved may stay only while there is room, whichever
   * peer it is
   */
  'address:discourage': CustomEvent<DiscouragedAddress>

  /**
   * There are more connections than a watermark now, or no longer
   */
  'watermark:cross': CustomEvent<WatermarkCrossing>

  /**
   * Whether others can dial this node is another thing now, and with it how many peers
   * it dials itself, and whether it holds on to its relays
   */
  'reachability:change': CustomEvent<NodeReachabilityChange>

  /**
   * A connection is closed for a better one, or for a realm whose limit was lowered
   */
  'connection:evict': CustomEvent<Eviction>

  /**
   * A direct connection has taken the place of a relayed one
   */
  'connection:upgrade': CustomEvent<ConnectionUpgrade>

  /**
   * A connection was aborted because nothing was heard any more
   */
  'connection:dead': CustomEvent<DeadConnection>

  /**
   * Dispatch it to have a connection closed, and its peer dialled again
   */
  'connection:recycle-requested': CustomEvent<RecycleRequest>

  /**
   * A connection was closed to be replaced
   */
  'connection:recycle': CustomEvent<RecycleRequest>

  /**
   * The network has changed: what was known of the one before is forgotten
   */
  'network:change': CustomEvent<NetworkChange>

  /**
   * A candidate for an automatic dial was not dialled. Sent often: once for every peer
   * that is known, every few seconds, while connections are missing.
   */
  'outbound:skip': CustomEvent<SkippedCandidate>

  /**
   * Somebody was banned, or was banned for longer
   */
  'peer:ban': CustomEvent<Ban>

  /**
   * A ban has ended
   */
  'peer:unban': CustomEvent<EndedBan>

  /**
   * A connection or a stream did not fit into a scope
   */
  'resource:refuse': CustomEvent<ResourceRefusal>
}
