import type { ConnectionManagerEvents } from './events.ts'
import type { GroupOf } from '../addresses/index.ts'
import type { AdmissionInit, HashKey } from '../admission/index.ts'
import type { SteadyClock } from '../clock.ts'
import type { GatingInit } from '../gating/index.ts'
import type { WhilePrivateConfig } from '../outbound/index.ts'
import type { Random } from '../random.ts'
import type { ResourcesInit } from '../resources/index.ts'
import type { TrimmingConfig, Watermarks } from '../trimming/index.ts'
import type { ConnectionsConfig } from '../upkeep/index.ts'
import type { ComponentLogger, Libp2pEvents, Logger, PeerId, PeerStore } from '@libp2p/interface'
import type { Datastore } from 'interface-datastore'
import type { TypedEventTarget } from 'main-event'

/**
 * What the rooms use of a libp2p node
 */
export interface RoomsComponents {
  peerId: PeerId
  peerStore: PeerStore
  datastore: Datastore
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
}

/**
 * The options that the rooms are made with
 */
export interface RoomsConfig extends Watermarks, TrimmingConfig, Required<Omit<AdmissionInit, 'load'>>, Pick<AdmissionInit, 'load'>, GatingInit, ResourcesInit, ConnectionsConfig {
  /**
   * Does `inboundConnectionThreshold` hold for loopback and private addresses?
   */
  limitPrivateHosts: boolean
  whilePrivate: WhilePrivateConfig

  /**
   * Which addresses share a network
   */
  groupOf?: GroupOf
}

/**
 * Sends an event of the connection manager
 */
export interface Emit {
  <K extends keyof ConnectionManagerEvents>(type: K, detail: ConnectionManagerEvents[K]['detail']): void
}

/**
 * Where time, chance and the rest of the manager come from
 */
export interface RoomsContext {
  clock: SteadyClock
  random: Random
  log: Logger
  emit: Emit

  /**
   * The secret behind the choice of whom to close for a newcomer. Only a simulation
   * that is to be repeated should give one.
   *
   * @default a random one
   */
  hashKey?: HashKey
}
