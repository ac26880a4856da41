import { familyOf } from '../ip.ts'
import { decodePCPAnnounce, decodePCPMap, encodePCPAnnounce, encodePCPMap, PCP_NONCE_LENGTH } from './pcp-message.ts'
import { UDPGateway } from './udp-gateway.ts'
import type { PCPMapping, PCPMapRequest } from './pcp-message.ts'
import type { GatewayClient, MappingGrant, MappingRequest } from './types.ts'
import type { UDPGatewayInit } from './udp-gateway.ts'
import type { IPFamily } from '../ip.ts'
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
