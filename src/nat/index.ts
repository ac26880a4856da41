export { reachability, ReachabilityService } from './reachability.ts'
export { GatewayError } from './errors.ts'
export type { ReachabilityComponents, ReachabilityEnvironment, ReachabilityListener } from './components.ts'
export type { GatewayErrorCode } from './errors.ts'
export type { GatewayProtocol } from './gateway/types.ts'
export type { IPFamily, TransportProtocol } from './ip.ts'
export type { MappingInit, MappingProtocol, ProbeInit, ReachabilityInit, ServerInit } from './options.ts'
export type { AddressStatus } from './state/address-state.ts'
export type { MappingStatus } from './state/mapping-state.ts'
export type { Reachability, ReachabilityReason } from './state/node-state.ts'
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
