import type { IPFamily } from '../../addresses/index.ts'
import type { AbortOptions } from '@libp2p/interface'

/**
 * A datagram that arrived
 */
export interface Datagram {
  data: Uint8Array

  /**
   * IP address of the sender, without a zone
   */
  address: string

  port: number
}

/**
 * How to open a UDP socket
 */
export interface UDPSocketOptions extends AbortOptions {
  family: IPFamily

  /**
   * Talk to this host only: what others send does not arrive, and a closed
   * port is noticed at once
   */
  connectTo?: { host: string, port: number }

  /**
   * Send from this address of this machine
   */
  localAddress?: string

  /**
   * Receive what is sent to this multicast group and port
   */
  group?: { address: string, port: number }
}

/**
 * An open UDP socket
 */
export interface UDPSocket {
  /**
   * The address it sends from
   */
  readonly localAddress: string

  /**
   * Send a datagram, to `host` and `port` unless the socket is connected
   */
  send(data: Uint8Array, host?: string, port?: number): void

  /**
   * Receives what arrives
   */
  onMessage?(datagram: Datagram): void

  /**
   * Receives what goes wrong
   */
  onError?(err: Error): void

  /**
   * Harmless when closed already
   */
  close(): void
}

/**
 * An HTTP request to a gateway
 */
export interface HTTPRequest extends AbortOptions {
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: Uint8Array

  /**
   * Connect from this address of this machine
   */
  localAddress?: string

  /**
   * Longer answers are an error
   */
  maxBytes: number
}

/**
 * The answer to an {@link HTTPRequest}. A redirect is an answer like any other
 * and not followed.
 */
export interface HTTPResponse {
  status: number
  body: string

  /**
   * The address of this machine the request was sent from
   */
  localAddress: string
}

/**
 * Where packets for the internet go to
 */
export interface DefaultGateway {
  family: IPFamily

  /**
   * IP address, with a zone if it is a link-local one
   */
  address: string
}

/**
 * An address of this machine
 */
export interface InterfaceAddress {
  family: IPFamily
  address: string
  internal: boolean

  /**
   * Number of the interface, as IPv6 zones use it
   */
  scope?: string
}

/**
 * Everything that gateway protocols need of the machine they run on
 */
export interface Network {
  openUDP(options: UDPSocketOptions): Promise<UDPSocket>
  request(url: URL, request: HTTPRequest): Promise<HTTPResponse>
  defaultGateways(): Promise<DefaultGateway[]>
  interfaceAddresses(): InterfaceAddress[]
}
