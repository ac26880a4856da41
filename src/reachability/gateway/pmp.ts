import { bytesToIp } from '../../addresses/index.ts'
import { GatewayError } from './gateway-client.ts'
import { UDPGateway } from './udp-gateway.ts'
import type { GatewayClient, GatewayErrorCode, MappingGrant, MappingRequest } from './gateway-client.ts'
import type { TransportProtocol } from '../../addresses/index.ts'
import type { AbortOptions } from '@libp2p/interface'

/**
 * Maps ports by NAT-PMP (RFC 6886), which knows IPv4 only
 */
export class PMPClient extends UDPGateway implements GatewayClient {
  readonly protocol = 'pmp'
  readonly family = 4

  async externalAddress (options: AbortOptions = {}): Promise<string> {
    const answer = await this.#ask(encodePMPAddressRequest(), decodePMPAddress, options)

    return answer.externalAddress
  }

  async map (request: MappingRequest, granted?: MappingGrant, options: AbortOptions = {}): Promise<MappingGrant> {
    const { protocol, internalPort } = request
    const packet = encodePMPMappingRequest(protocol, internalPort, granted?.externalPort ?? request.externalPort, Math.ceil(request.lease / 1_000))
    const answer = await this.#ask(packet, data => decodePMPMapping(data, protocol, internalPort), options)

    return { externalPort: answer.externalPort, lease: answer.lifetime * 1_000 }
  }

  async unmap (request: MappingRequest, granted: MappingGrant, options: AbortOptions = {}): Promise<void> {
    const { protocol, internalPort } = request

    // the wished port must be 0 as well (RFC 6886 section 3.4)
    await this.#ask(encodePMPMappingRequest(protocol, internalPort, 0, 0), data => decodePMPMapping(data, protocol, internalPort), options)
  }

  async isMapped (): Promise<undefined> {
    // the epoch tells
  }

  async #ask<T extends { epoch: number }> (packet: Uint8Array, decode: (data: Uint8Array) => T | undefined, options: AbortOptions): Promise<T> {
    return this.request({ family: this.family, signal: options.signal, encode: () => packet, decode })
  }
}

/**
 * The port of NAT-PMP and PCP servers (RFC 6886 section 3.1)
 */
export const PORT_CONTROL_PORT = 5351

const VERSION = 0
const OPCODE_ADDRESS = 0
const OPCODES: Record<TransportProtocol, number> = { udp: 1, tcp: 2 }
const RESPONSE = 0x80
const HEADER_LENGTH = 8
const ADDRESS_LENGTH = 12
const MAPPING_LENGTH = 16
const REQUEST_LENGTH = 12

// RFC 6886 section 3.5
const RESULTS: Record<number, GatewayErrorCode> = {
  1: 'unsupported',
  2: 'not-authorized',
  3: 'network-failure',
  4: 'no-resources',
  5: 'unsupported'
}

/**
 * The answer to a NAT-PMP request for the external address
 */
export interface PMPAddress {
  /**
   * How many seconds the gateway has kept its mappings
   */
  epoch: number
  externalAddress: string
}

/**
 * The answer to a NAT-PMP request for a mapping
 */
export interface PMPMapping {
  epoch: number
  internalPort: number
  externalPort: number

  /**
   * In seconds
   */
  lifetime: number
}

/**
 * Ask for the external address (RFC 6886 section 3.2)
 */
export function encodePMPAddressRequest (): Uint8Array {
  return Uint8Array.of(VERSION, OPCODE_ADDRESS)
}

/**
 * Ask for a mapping, for `lifetime` seconds; 0 removes it (RFC 6886 section
 * 3.3)
 */
export function encodePMPMappingRequest (protocol: TransportProtocol, internalPort: number, externalPort: number, lifetime: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(REQUEST_LENGTH))
  view.setUint8(0, VERSION)
  view.setUint8(1, OPCODES[protocol])
  view.setUint16(4, internalPort)
  view.setUint16(6, externalPort)
  view.setUint32(8, lifetime)

  return new Uint8Array(view.buffer)
}

/**
 * Read the answer to {@link encodePMPAddressRequest}. `undefined` if this is
 * not that answer.
 *
 * @throws {GatewayError} the gateway refused
 */
export function decodePMPAddress (data: Uint8Array): PMPAddress | undefined {
  const view = viewOf(data, OPCODE_ADDRESS)

  if (view == null || view.byteLength < ADDRESS_LENGTH) {
    return undefined
  }

  return {
    epoch: view.getUint32(4),
    externalAddress: bytesToIp(data.subarray(HEADER_LENGTH, ADDRESS_LENGTH))
  }
}

/**
 * Read the answer to {@link encodePMPMappingRequest}. `undefined` if this is
 * not that answer.
 *
 * @throws {GatewayError} the gateway refused
 */
export function decodePMPMapping (data: Uint8Array, protocol: TransportProtocol, internalPort: number): PMPMapping | undefined {
  // a refusal names the port, too, unless the gateway is terse
  if (data.byteLength >= MAPPING_LENGTH && new DataView(data.buffer, data.byteOffset).getUint16(8) !== internalPort) {
    return undefined
  }

  const view = viewOf(data, OPCODES[protocol])

  if (view == null || view.byteLength < MAPPING_LENGTH) {
    return undefined
  }

  return {
    epoch: view.getUint32(4),
    internalPort,
    externalPort: view.getUint16(10),
    lifetime: view.getUint32(12)
  }
}

function viewOf (data: Uint8Array, opcode: number): DataView | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)

  if (view.byteLength < HEADER_LENGTH || view.getUint8(0) !== VERSION || view.getUint8(1) !== (opcode | RESPONSE)) {
    return undefined
  }

  const result = view.getUint16(2)

  if (result !== 0) {
    throw new GatewayError(RESULTS[result] ?? 'failed', `NAT-PMP result ${result}`, { status: result })
  }

  return view
}
