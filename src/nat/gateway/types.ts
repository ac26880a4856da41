import type { IPFamily, TransportProtocol } from '../ip.ts'
import type { AbortOptions } from '@libp2p/interface'

/**
 * How a gateway is spoken to: Port Control Protocol (RFC 6887), NAT Port
 * Mapping Protocol (RFC 6886), or UPnP Internet Gateway Device 1 or 2
 */
export type GatewayProtocol = 'pcp' | 'pmp' | 'igd1' | 'igd2'

/**
 * What a gateway is asked for
 */
export interface MappingRequest {
  protocol: TransportProtocol

  /**
   * The address on this machine the gateway shall forward to
   */
  internalAddress: string

  internalPort: number

  /**
   * Which external port would be welcome
   */
  externalPort: number

  /**
   * For how long, in ms
   */
  lease: number
}

/**
 * What a gateway granted
 */
export interface MappingGrant {
  /**
   * The port at which the gateway listens
   */
  externalPort: number

  /**
   * The address at which the gateway listens, where its answer tells
   */
  externalAddress?: string

  /**
   * For how long, in ms; 0 means until it is removed
   */
  lease: number

  /**
   * What renews and removes this grant: the nonce of PCP, the id of a pinhole
   */
  token?: string
}

/**
 * One gateway, spoken to in one protocol. Every method rejects with a
 * `GatewayError`, and with nothing else.
 */
export interface GatewayClient {
  readonly protocol: GatewayProtocol

  /**
   * Address or host of the gateway
   */
  readonly host: string

  /**
   * Which external addresses it can provide
   */
  readonly family: IPFamily

  /**
   * The address of this machine that faces the gateway: what it forwards to
   */
  readonly localAddress: string

  /**
   * How often the gateway was found to have lost its state
   */
  readonly resets: number

  /**
   * The external address as the gateway tells it, unchecked. `undefined` if
   * this protocol only tells along with a mapping.
   */
  externalAddress(options?: AbortOptions): Promise<string | undefined>

  /**
   * Ask for a mapping, or for a new lease of the one granted before
   */
  map(request: MappingRequest, granted?: MappingGrant, options?: AbortOptions): Promise<MappingGrant>

  /**
   * Give a mapping back
   */
  unmap(request: MappingRequest, granted: MappingGrant, options?: AbortOptions): Promise<void>

  /**
   * Whether the gateway still has a mapping, `undefined` if it cannot be asked
   */
  isMapped(request: MappingRequest, granted: MappingGrant, options?: AbortOptions): Promise<boolean | undefined>
}
