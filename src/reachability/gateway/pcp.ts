import { bytesToIp, familyOf, ipToBytes } from '../../addresses/index.ts'
import { GatewayError } from './gateway-client.ts'
import { UDPGateway } from './udp-gateway.ts'
import type { GatewayClient, GatewayErrorCode, MappingGrant, MappingRequest } from './gateway-client.ts'
import type { UDPGatewayInit } from './udp-gateway.ts'
import type { IPFamily, TransportProtocol } from '../../addresses/index.ts'
import type { AbortOptions } from '@libp2p/interface'

/**
 * Maps ports and opens IPv6 pinholes by PCP (RFC 6887)
 */
export class PCPClient extends UDPGateway implements GatewayClient {
  readonly protocol = 'pcp'
  readonly family: IPFamily

  constructor (init: UDPGatewayInit) {
    super(init)
    this.family = familyOf(init.host.split('%')[0]) ?? 4
  }

  /**
   * Find out whether somebody answers
   */
  async announce (options: AbortOptions = {}): Promise<void> {
    await this.#ask(undefined, encodePCPAnnounce, data => {
      const epoch = decodePCPAnnounce(data)

      return epoch == null ? undefined : { epoch }
    }, options)
  }

  async externalAddress (options: AbortOptions = {}): Promise<undefined> {
    // a mapping's answer tells; this one tells whether the gateway lives
    await this.announce(options)
  }

  async map (request: MappingRequest, granted?: MappingGrant, options: AbortOptions = {}): Promise<MappingGrant> {
    const nonce = granted?.token == null ? crypto.getRandomValues(new Uint8Array(PCP_NONCE_LENGTH)) : nonceOf(granted.token)
    const answer = await this.#askForMapping(request, nonce, Math.ceil(request.lease / 1_000), granted, options)

    return {
      externalPort: answer.externalPort,
      externalAddress: answer.externalAddress,
      lease: answer.lifetime * 1_000,
      token: tokenOf(nonce)
    }
  }

  async unmap (request: MappingRequest, granted: MappingGrant, options: AbortOptions = {}): Promise<void> {
    // only the nonce of the mapping removes it
    await this.#askForMapping(request, nonceOf(granted.token ?? ''), 0, granted, options)
  }

  async isMapped (): Promise<undefined> {
    // renewing it is just as cheap, and the epoch tells
  }

  async #askForMapping (request: MappingRequest, nonce: Uint8Array, lifetime: number, granted: MappingGrant | undefined, options: AbortOptions): Promise<PCPMapping> {
    let sent: PCPMapRequest | undefined
    // a pinhole is for the address it is asked from
    const from = this.family === 6 ? request.internalAddress : undefined

    return this.#ask(from, clientAddress => {
      sent = {
        clientAddress,
        nonce,
        protocol: request.protocol,
        internalPort: request.internalPort,
        externalPort: granted?.externalPort ?? request.externalPort,
        externalAddress: granted?.externalAddress,
        lifetime
      }

      return encodePCPMap(sent)
    }, data => sent == null ? undefined : decodePCPMap(data, sent), options)
  }

  async #ask<T extends { epoch: number }> (from: string | undefined, encode: (localAddress: string) => Uint8Array, decode: (data: Uint8Array) => T | undefined, options: AbortOptions): Promise<T> {
    return this.request({ family: this.family, localAddress: from, signal: options.signal, encode, decode })
  }
}

function tokenOf (nonce: Uint8Array): string {
  return Array.from(nonce, byte => byte.toString(16).padStart(2, '0')).join('')
}

function nonceOf (token: string): Uint8Array {
  return Uint8Array.from({ length: PCP_NONCE_LENGTH }, (_, index) => Number.parseInt(token.slice(index * 2, index * 2 + 2), 16) || 0)
}

/**
 * How long the nonce of a mapping is, in bytes
 */
export const PCP_NONCE_LENGTH = 12

const VERSION = 2
const OPCODE_ANNOUNCE = 0
const OPCODE_MAP = 1
const RESPONSE = 0x80
const HEADER_LENGTH = 24
const MAP_LENGTH = 60
const MAX_LENGTH = 1100
const PROTOCOL_NUMBERS: Record<TransportProtocol, number> = { tcp: 6, udp: 17 }

// RFC 6887 section 7.4
const RESULTS: Record<number, GatewayErrorCode> = {
  1: 'unsupported',
  2: 'not-authorized',
  3: 'malformed',
  4: 'unsupported',
  5: 'unsupported',
  6: 'malformed',
  7: 'network-failure',
  8: 'no-resources',
  9: 'unsupported',
  10: 'no-resources',
  11: 'conflict',
  12: 'unsupported',
  13: 'no-resources'
}

/**
 * What a PCP client asks a mapping for (RFC 6887 section 11.1)
 */
export interface PCPMapRequest {
  /**
   * The address the request is sent from
   */
  clientAddress: string
  nonce: Uint8Array
  protocol: TransportProtocol
  internalPort: number
  externalPort: number

  /**
   * The external address that would be welcome
   */
  externalAddress?: string

  /**
   * In seconds; 0 removes the mapping
   */
  lifetime: number
}

/**
 * A mapping that a PCP server granted
 */
export interface PCPMapping {
  /**
   * How many seconds the gateway has kept its mappings
   */
  epoch: number
  externalPort: number
  externalAddress: string

  /**
   * In seconds
   */
  lifetime: number
}

/**
 * Ask whether a PCP server is there (RFC 6887 section 14.1)
 */
export function encodePCPAnnounce (clientAddress: string): Uint8Array {
  return header(HEADER_LENGTH, OPCODE_ANNOUNCE, 0, clientAddress)
}

/**
 * Ask for a mapping
 */
export function encodePCPMap (request: PCPMapRequest): Uint8Array {
  const data = header(MAP_LENGTH, OPCODE_MAP, request.lifetime, request.clientAddress)
  const view = new DataView(data.buffer)
  data.set(request.nonce, 24)
  view.setUint8(36, PROTOCOL_NUMBERS[request.protocol])
  view.setUint16(40, request.internalPort)
  view.setUint16(42, request.externalPort)
  // no wish is the unspecified address of the right family
  data.set(ipToBytes(request.externalAddress ?? (request.clientAddress.includes(':') ? '::' : '0.0.0.0')), 44)

  return data
}

/**
 * Read the answer to {@link encodePCPAnnounce}, or what a server announces
 * unasked: its epoch. `undefined` if this is not such a message.
 *
 * @throws {GatewayError} the gateway refused
 */
export function decodePCPAnnounce (data: Uint8Array): number | undefined {
  const view = viewOf(data, OPCODE_ANNOUNCE)

  if (view == null) {
    return undefined
  }

  throwIfRefused(view)

  return view.getUint32(8)
}

/**
 * Read the answer to {@link encodePCPMap}. `undefined` if this is not that
 * answer: another nonce, protocol or port.
 *
 * @throws {GatewayError} the gateway refused
 */
export function decodePCPMap (data: Uint8Array, request: PCPMapRequest): PCPMapping | undefined {
  // a NAT-PMP gateway answers in its own version (RFC 6887 section 9)
  if (data.byteLength >= 4 && data[0] === 0 && data[1] === (OPCODE_MAP | RESPONSE)) {
    throw new GatewayError('unsupported', 'The gateway speaks NAT-PMP only', { status: 1 })
  }

  const view = viewOf(data, OPCODE_MAP)

  if (view == null) {
    return undefined
  }

  if (view.byteLength < MAP_LENGTH) {
    // too short to prove that it belongs to the request, so only a refusal counts
    throwIfRefused(view)

    return undefined
  }

  const matches = request.nonce.every((byte, index) => data[24 + index] === byte) &&
    view.getUint8(36) === PROTOCOL_NUMBERS[request.protocol] &&
    view.getUint16(40) === request.internalPort

  if (!matches) {
    return undefined
  }

  const externalAddress = bytesToIp(data.subarray(44, 60))
  throwIfRefused(view, externalAddress)

  return {
    epoch: view.getUint32(8),
    externalPort: view.getUint16(42),
    externalAddress,
    lifetime: view.getUint32(4)
  }
}

function header (length: number, opcode: number, lifetime: number, clientAddress: string): Uint8Array {
  const data = new Uint8Array(length)
  const view = new DataView(data.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, opcode)
  view.setUint32(4, lifetime)
  data.set(ipToBytes(clientAddress), 8)

  return data
}

function viewOf (data: Uint8Array, opcode: number): DataView | undefined {
  if (data.byteLength < HEADER_LENGTH || data.byteLength > MAX_LENGTH || data.byteLength % 4 !== 0) {
    return undefined
  }

  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)

  if (view.getUint8(1) !== (opcode | RESPONSE) || view.getUint8(0) !== VERSION) {
    return undefined
  }

  return view
}

function throwIfRefused (view: DataView, externalAddress?: string): void {
  const result = view.getUint8(3)

  if (result !== 0) {
    throw new GatewayError(RESULTS[result] ?? 'failed', `PCP result ${result}`, { status: result, externalAddress })
  }
}
