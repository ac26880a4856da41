import { isPublicIp } from '../../addresses/index.ts'
import { WANTED_MAPPING } from './mapping-state.ts'
import type { SocketAddress } from '../../addresses/index.ts'
import type { Endpoint, MappingInfo } from '../events.ts'
import type { MappingState } from './mapping-state.ts'
import type { GatewayClient, MappingRequest } from '../gateway/gateway-client.ts'

/**
 * A port that is to be mapped
 */
export interface Mapping {
  request: MappingRequest
  state: MappingState

  /**
   * Who granted it
   */
  client?: GatewayClient

  /**
   * What the address manager was told
   */
  announced?: Endpoint
}

/**
 * A mapping that nobody was asked for yet
 */
export function newMapping ({ protocol, host, port }: SocketAddress, lease: number): Mapping {
  return {
    request: { protocol, internalAddress: host, internalPort: port, externalPort: port, lease },
    state: WANTED_MAPPING
  }
}

/**
 * What tells mappings apart
 */
export function mappingKey ({ protocol, host, port }: SocketAddress): string {
  return `${protocol}:${host}:${port}`
}

/**
 * A mapping as the outside sees it
 */
export function mappingInfo ({ request, state, client, announced }: Mapping): MappingInfo {
  return {
    protocol: request.protocol,
    internal: { host: request.internalAddress, port: request.internalPort },
    external: announced,
    lease: state.grant?.lease,
    via: client?.protocol,
    state: state.status
  }
}

/**
 * Which listen addresses a gateway should map: those on the address that faces
 * it. A docker bridge or a second network card does not.
 */
export function wantedMappings (listening: SocketAddress[], client: GatewayClient): SocketAddress[] {
  const wanted = listening.filter(({ family, host }) => {
    if (family !== client.family) {
      return false
    }

    // a public IPv4 address needs no mapping, and an IPv6 one no translation
    return family === 4 ? host === client.localAddress && !isPublicIp(host) : isPublicIp(host)
  })

  return wanted.filter((address, index) => wanted.findIndex(other => mappingKey(other) === mappingKey(address)) === index)
}
