import type { SocketAddress } from '../../addresses/index.ts'
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Agenda } from '../agenda.ts'
import type { Endpoint, ExternalAddressChange, GatewayInfo, MappingFailure, MappingInfo } from '../events.ts'
import type { MappingRequest } from '../gateway/gateway-client.ts'
import type { Network } from '../network/network.ts'
import type { ReachabilityOptions } from '../resolve-options.ts'
import type { Logger } from '@libp2p/interface'

/**
 * What the port mapper tells
 */
export interface MapperReports {
  gateway(type: 'gateway:found' | 'gateway:lost', detail: GatewayInfo): void
  mapping(type: 'mapping:added' | 'mapping:renewed' | 'mapping:changed' | 'mapping:lost' | 'mapping:removed', detail: MappingInfo): void
  mappingFailed(detail: MappingFailure): void
  externalAddress(detail: ExternalAddressChange): void

  /**
   * A request to a gateway ended
   */
  request(via: string, result: string): void

  /**
   * The gateway forwards `external` to us; it is to be verified
   */
  mapped(request: MappingRequest, external: Endpoint): void

  /**
   * The gateway forwards it no more
   */
  unmapped(request: MappingRequest, external: Endpoint): void

  /**
   * What the gateway told about its external address, or about the lack of it,
   * may show a double NAT
   */
  evidence(gatewayAddress: string | undefined, previousAddress: string | undefined): void
}

/**
 * What the port mapper needs
 */
export interface MapperEnvironment {
  network: Network
  clock: Clock
  random: Random
  agenda: Agenda
  options: ReachabilityOptions['mapping']
  log: Logger
  reports: MapperReports

  /**
   * Where this node listens
   */
  listening(): SocketAddress[]
}
