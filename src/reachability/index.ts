export { reachability, ReachabilityService } from './reachability.ts'
export { GatewayError } from './gateway/gateway-client.ts'
export type { ReachabilityComponents, ReachabilityEnvironment, ReachabilityListener } from './components.ts'
export type { GatewayErrorCode, GatewayProtocol } from './gateway/gateway-client.ts'
export type { IPFamily, TransportProtocol } from '../addresses/index.ts'
export type { MappingInit, MappingProtocol, ProbeInit, ReachabilityInit, ServerInit } from './options.ts'
export type { AddressStatus } from './probing/address-state.ts'
export type { MappingStatus } from './mapping/mapping-state.ts'
export type { Reachability, ReachabilityReason } from './node-state.ts'
export type {
  AddressReachability,
  AddressReachabilityChange,
  DistrustedServer,
  DoubleNAT,
  Endpoint,
  ExternalAddressChange,
  GatewayInfo,
  MappingFailure,
  MappingInfo,
  ReachabilityChange,
  ReachabilityEvents,
  ReachabilityStatus
} from './events.ts'
