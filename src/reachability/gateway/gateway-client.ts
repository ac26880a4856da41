import type { IPFamily, TransportProtocol } from '../../addresses/index.ts'
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

/**
 * Why a gateway did not do what it was asked
 *
 * - `timeout`: no answer in time
 * - `unavailable`: nobody listens there (connection refused, no route)
 * - `malformed`: the answer is not one, or breaks a limit
 * - `unsupported`: the gateway does not know the protocol or the action
 * - `not-authorized`: the gateway may do it, but not for this node
 * - `network-failure`: the gateway has no working public address of its own
 * - `no-resources`: the gateway is full, or the quota is used up
 * - `conflict`: the external port belongs to somebody else
 * - `same-port-only`: the external port must equal the internal one
 * - `permanent-lease-only`: the gateway does not know leases that end
 * - `not-found`: there is no such mapping
 * - `private-address`: the gateway's external address is not a public one
 * - `failed`: everything else
 */
export type GatewayErrorCode = 'timeout' | 'unavailable' | 'malformed' | 'unsupported' | 'not-authorized' |
  'network-failure' | 'no-resources' | 'conflict' | 'same-port-only' | 'permanent-lease-only' | 'not-found' |
  'private-address' | 'failed'

/**
 * What else is known about a {@link GatewayError}
 */
export interface GatewayErrorDetail {
  /**
   * The number the gateway gave, in its own protocol's terms
   */
  status?: number

  /**
   * The external address the gateway told along with its refusal
   */
  externalAddress?: string

  /**
   * What caused the error
   */
  cause?: unknown
}

/**
 * A gateway refused, was silent, or answered nonsense
 */
export class GatewayError extends Error {
  static name = 'GatewayError'

  /**
   * Why, in terms common to all gateway protocols
   */
  readonly code: GatewayErrorCode

  /**
   * The number the gateway gave, in its own protocol's terms
   */
  readonly status?: number

  /**
   * The external address the gateway told along with its refusal
   */
  readonly externalAddress?: string

  constructor (code: GatewayErrorCode, message: string, detail: GatewayErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.name = 'GatewayError'
    this.code = code
    this.status = detail.status
    this.externalAddress = detail.externalAddress
  }
}

/**
 * Any thrown value as a {@link GatewayError}
 */
export function toGatewayError (err: unknown): GatewayError {
  if (err instanceof GatewayError) {
    return err
  }

  const { name, code, message } = err instanceof Error ? err as Error & { code?: unknown } : { name: '', code: '', message: String(err) }

  if (name === 'TimeoutError' || name === 'AbortError' || code === 'ETIMEDOUT') {
    return new GatewayError('timeout', 'The gateway did not answer in time', { cause: err })
  }

  if (code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'EADDRNOTAVAIL' || code === 'ENETDOWN') {
    return new GatewayError('unavailable', `The gateway cannot be reached: ${message}`, { cause: err })
  }

  return new GatewayError('failed', message, { cause: err })
}
