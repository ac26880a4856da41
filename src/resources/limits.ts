/**
 * How much of something may be in use: a whole number, `'unlimited'`, or
 * `'blockAll'`, which is the same as 0
 */
export type LimitValue = number | 'unlimited' | 'blockAll'

/**
 * The limits of one scope. What is left out keeps its default.
 */
export interface ScopeLimits {
  /**
   * Connections in both directions together
   */
  connections?: LimitValue

  connectionsInbound?: LimitValue

  connectionsOutbound?: LimitValue

  /**
   * File descriptors that connections use. Only those connections count that
   * say that they need one.
   */
  fileDescriptors?: LimitValue

  /**
   * Streams in both directions together
   */
  streams?: LimitValue

  streamsInbound?: LimitValue

  streamsOutbound?: LimitValue

  /**
   * Reserved memory in bytes
   */
  memory?: LimitValue
}

/**
 * The limits of one realm
 */
export interface RealmLimits extends ScopeLimits {
  /**
   * How many connections are kept for this realm: others may not use them, and
   * the trimming for the high watermark leaves the realm that many
   *
   * @default 0
   */
  reserved?: number
}

/**
 * How many connections may come from every network of this size
 */
export interface SubnetLimit {
  /**
   * The length of the network prefix in bits, e.g. 32 for every IPv4 address
   */
  prefix: number

  connections: LimitValue
}

/**
 * How many connections may come from one network. The most specific network that
 * an address is in decides alone.
 */
export interface NetworkLimit {
  /**
   * e.g. `10.0.0.0/8` or `fc00::/7`
   */
  cidr: string

  connections: LimitValue
}

/**
 * A token bucket for connection attempts, or new streams
 */
export interface RateLimit {
  /**
   * How many attempts per second are allowed in the long run. Not a whole number
   * necessarily.
   */
  perSecond: number | 'unlimited'

  /**
   * How many attempts may come at once
   */
  burst: number
}

/**
 * The rate at which every network of one size may connect
 */
export interface SubnetRateLimit extends RateLimit {
  /**
   * The length of the network prefix in bits
   */
  prefix: number
}

/**
 * The rate at which one network may connect
 */
export interface NetworkRateLimit extends RateLimit {
  /**
   * e.g. `10.0.0.0/8` or `fc00::/7`
   */
  cidr: string
}

/**
 * The rates at which connection attempts are accepted. A list replaces its
 * default as a whole.
 */
export interface RateLimits {
  /**
   * @default [{ prefix: 32, perSecond: 0.2, burst: 16 }]
   */
  ipv4?: SubnetRateLimit[]

  /**
   * @default [{ prefix: 56, perSecond: 0.2, burst: 16 }, { prefix: 48, perSecond: 0.5, burst: 80 }]
   */
  ipv6?: SubnetRateLimit[]

  /**
   * Networks with a rate of their own. By default those that are not public are
   * unlimited.
   */
  networks?: NetworkRateLimit[]

  /**
   * All networks together, except those in `networks`
   *
   * @default unlimited
   */
  global?: RateLimit
}

/**
 * The limits by address. A list replaces its default as a whole.
 */
export interface SubnetLimits {
  /**
   * @default [{ prefix: 32, connections: 8 }]
   */
  ipv4?: SubnetLimit[]

  /**
   * @default [{ prefix: 56, connections: 8 }, { prefix: 48, connections: 64 }]
   */
  ipv6?: SubnetLimit[]

  /**
   * Networks with a limit of their own. By default those that are not public are
   * unlimited.
   */
  networks?: NetworkLimit[]

  rates?: RateLimits
}

/**
 * How fast remotes may open streams. Whoever is faster has them reset. Those that this
 * node opens are not counted.
 */
export interface StreamRateLimits {
  /**
   * Every peer, over all protocols. Counts from the first frame, so also streams that
   * never negotiate a protocol.
   *
   * @default { perSecond: 1000, burst: 2000 }
   */
  peer?: RateLimit

  /**
   * Every protocol that has no entry in `protocols`, over all peers
   *
   * @default unlimited
   */
  protocol?: RateLimit

  /**
   * By protocol, e.g. `/ipfs/ping/1.0.0`
   */
  protocols?: Record<string, RateLimit>

  /**
   * The streams of one protocol by one peer
   *
   * @default { perSecond: 200, burst: 400 }
   */
  protocolPeer?: RateLimit

  /**
   * The same, by protocol
   */
  protocolPeers?: Record<string, RateLimit>
}

/**
 * How much may be used, and by whom. Whatever is left out, down to the single
 * field, keeps its default.
 *
 * A connection counts in `system` and `transient` until its peer is known, then
 * in `system`, the peer and its realm. A stream counts where its connection does,
 * and in its protocol, its service and their share for the peer.
 */
export interface Limits {
  /**
   * Everything together
   */
  system?: ScopeLimits

  /**
   * Connections whose peer, and streams whose protocol, is not known yet
   */
  transient?: ScopeLimits

  /**
   * What allow-listed connections may use when `system` is full
   */
  allowListed?: ScopeLimits

  /**
   * What allow-listed connections whose peer is not known yet may use when
   * `transient` or `system` is full
   */
  allowListedTransient?: ScopeLimits

  /**
   * Every peer that has no entry in `peers`
   */
  peer?: ScopeLimits

  /**
   * By peer id
   */
  peers?: Record<string, ScopeLimits>

  /**
   * Every realm that has no entry in `realms`
   *
   * @default unlimited
   */
  realm?: ScopeLimits

  /**
   * By name of the realm
   */
  realms?: Record<string, RealmLimits>

  /**
   * Every protocol that has no entry in `protocols`
   */
  protocol?: ScopeLimits

  /**
   * By protocol, e.g. `/ipfs/ping/1.0.0`
   */
  protocols?: Record<string, ScopeLimits>

  /**
   * The streams of one protocol with one peer
   */
  protocolPeer?: ScopeLimits

  /**
   * The same, by protocol
   */
  protocolPeers?: Record<string, ScopeLimits>

  /**
   * Every service that has no entry in `services`
   */
  service?: ScopeLimits

  /**
   * By the name that a service has given to its streams
   */
  services?: Record<string, ScopeLimits>

  /**
   * The streams of one service with one peer
   */
  servicePeer?: ScopeLimits

  /**
   * The same, by service
   */
  servicePeers?: Record<string, ScopeLimits>

  /**
   * One connection with its streams. A connection without streams is of no use,
   * so 0 `streams` mean that they are not limited here, as in the limit files of
   * go-libp2p.
   */
  connection?: ScopeLimits

  /**
   * One stream. Only `memory` matters.
   */
  stream?: ScopeLimits

  /**
   * By address
   */
  subnets?: SubnetLimits

  /**
   * New streams of remotes
   */
  streamRates?: StreamRateLimits
}

/**
 * The fields of {@link ScopeLimits}
 */
export const SCOPE_FIELDS = [
  'connections', 'connectionsInbound', 'connectionsOutbound', 'fileDescriptors',
  'streams', 'streamsInbound', 'streamsOutbound', 'memory'
] as const

/**
 * The kinds of scopes of which there is one, or whose members all have the same
 * limits
 */
export const SINGLE_SCOPES = ['system', 'transient', 'allowListed', 'allowListedTransient', 'connection', 'stream'] as const

/**
 * The kinds of scopes that have limits by name, which are in the plural of the kind
 */
export const NAMED_SCOPE_KINDS = ['peer', 'realm', 'protocol', 'protocolPeer', 'service', 'servicePeer'] as const

/**
 * All kinds of scopes that have limits
 */
export const KINDS = [...SINGLE_SCOPES, ...NAMED_SCOPE_KINDS] as const

export type SingleScope = typeof SINGLE_SCOPES[number]

export type NamedScope = typeof NAMED_SCOPE_KINDS[number]

/**
 * A kind of scope that has limits
 */
export type ScopeKind = SingleScope | NamedScope
