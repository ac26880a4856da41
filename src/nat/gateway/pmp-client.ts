import { decodePMPAddress, decodePMPMapping, encodePMPAddressRequest, encodePMPMappingRequest } from './pmp-message.ts'
import { UDPGateway } from './udp-gateway.ts'
import type { GatewayClient, MappingGrant, MappingRequest } from './types.ts'
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
