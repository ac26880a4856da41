import type { GatewayError, GatewayProtocol } from './gateway/gateway-client.ts'
import type { IPFamily, TransportProtocol } from '../addresses/index.ts'
import type { MappingStatus } from './mapping/mapping-state.ts'
import type { Reachability, ReachabilityReason } from './node-state.ts'
import type { AddressStatus } from './probing/address-state.ts'
import type { PeerId } from '@libp2p/interface'
import type { AddressType } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Whether others can dial this node, and why
 */
export interface ReachabilityStatus {
  /**
   * The better of both families
   */
  state: Reachability
  ip4: Reachability
  ip6: Reachability
  reason: ReachabilityReason
}

/**
 * Detail of `reachability:change`
 */
export interface ReachabilityChange extends ReachabilityStatus {
  /**
   * What `state` was before
   */
  previous: Reachability
}

/**
 * Detail of `address:verifying`, `address:reachable` and `address:unreachable`
 */
export interface AddressReachabilityChange {
  addr: Multiaddr
  type: AddressType

  /**
   * How many servers could dial it in this round
   */
  success: number

  /**
   * How many servers could not
   */
  failure: number
}

/**
 * Detail of `server:distrusted`
 */
export interface DistrustedServer {
  /**
   * It, and whoever else comes from its IP address, is not asked again
   */
  server: PeerId

  /**
   * The address that it claims to have dialled
   */
  addr: Multiaddr
}

/**
 * What is known about one address
 */
export interface AddressReachability extends AddressReachabilityChange {
  state: AddressStatus

  /**
   * When a server last dialled it, in ms since the Unix epoch
   */
  lastVerified?: number
}

/**
 * A gateway; detail of `gateway:found` and `gateway:lost`
 */
export interface GatewayInfo {
  protocol: GatewayProtocol
  host: string
  family: IPFamily

  /**
   * The public address it has, if it told one
   */
  externalAddress?: string
}

/**
 * IP address and port
 */
export interface Endpoint {
  host: string
  port: number
}

/**
 * A mapping; detail of the `mapping:*` events
 */
export interface MappingInfo {
  protocol: TransportProtocol
  internal: Endpoint

  /**
   * Missing as long as nothing was granted
   */
  external?: Endpoint

  /**
   * In ms; 0 means without an end, missing as long as nothing was granted
   */
  lease?: number

  /**
   * Missing as long as there is no gateway
   */
  via?: GatewayProtocol
  state: MappingStatus
}

/**
 * Detail of `mapping:failed`
 */
export interface MappingFailure extends MappingInfo {
  error: GatewayError
}

/**
 * Detail of `external-address:change`
 */
export interface ExternalAddressChange {
  previous?: string

  /**
   * Missing if the gateway has no public address any more
   */
  current?: string
  family: IPFamily
}

/**
 * Detail of `double-nat`: behind the gateway there is another one, or the NAT
 * of the provider
 */
export interface DoubleNAT {
  /**
   * What the gateway believes its external address to be, empty if it knows
   * none
   */
  gatewayAddress: string

  /**
   * What peers see
   */
  observedAddress?: string
}

/**
 * Events of the reachability service
 */
export interface ReachabilityEvents {
  /**
   * The node became (un)reachable, or for another reason
   */
  'reachability:change': CustomEvent<ReachabilityChange>

  /**
   * A server is asked to dial an address about which nothing is known
   */
  'address:verifying': CustomEvent<AddressReachabilityChange>

  /**
   * Others can dial this address; it is announced
   */
  'address:reachable': CustomEvent<AddressReachabilityChange>

  /**
   * Others cannot dial this address; it is not announced
   */
  'address:unreachable': CustomEvent<AddressReachabilityChange>

  /**
   * A server claims to have dialled an address, and no dial-back arrived
   */
  'server:distrusted': CustomEvent<DistrustedServer>

  /**
   * A gateway answered
   */
  'gateway:found': CustomEvent<GatewayInfo>

  /**
   * The gateway does not answer any more
   */
  'gateway:lost': CustomEvent<GatewayInfo>

  /**
   * The gateway forwards a port
   */
  'mapping:added': CustomEvent<MappingInfo>

  /**
   * The lease was extended
   */
  'mapping:renewed': CustomEvent<MappingInfo>

  /**
   * The lease was extended for another external address or port
   */
  'mapping:changed': CustomEvent<MappingInfo>

  /**
   * The gateway does not forward the port any more
   */
  'mapping:lost': CustomEvent<MappingInfo>

  /**
   * The gateway refused, or did not answer
   */
  'mapping:failed': CustomEvent<MappingFailure>

  /**
   * The mapping was given back
   */
  'mapping:removed': CustomEvent<MappingInfo>

  /**
   * The gateway has another public address: connections that were made through
   * the old one are dead, though they look open
   */
  'external-address:change': CustomEvent<ExternalAddressChange>

  /**
   * Mapping ports is of no use here
   */
  'double-nat': CustomEvent<DoubleNAT>
}
