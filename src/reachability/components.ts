import type { ExternalAddressChange, ReachabilityChange } from './events.ts'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { Network } from './network/network.ts'
import type { AutoNATComponents } from './probing/autonat.ts'
import type { Libp2pEvents, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager, TransportManager } from '@libp2p/interface-internal'

/**
 * What a connection manager may do with what this service finds out. libp2p's
 * own has neither method.
 */
export interface ReachabilityListener {
  /**
   * The public address is another one: connections made through the old one are
   * dead, though they look open
   */
  networkChanged?(detail: ExternalAddressChange): void

  /**
   * Others can, or cannot, dial this node any more
   */
  reachabilityChanged?(detail: ReachabilityChange): void
}

/**
 * What the reachability service needs of the node
 */
export interface ReachabilityComponents extends AutoNATComponents {
  connectionManager: ConnectionManager & ReachabilityListener
  transportManager: Pick<TransportManager, 'getAddrs'>
  events: TypedEventTarget<Libp2pEvents>
}

/**
 * What stands in for the machine in tests
 */
export interface ReachabilityEnvironment {
  clock?: Clock
  random?: Random

  /**
   * `undefined` where there are no sockets
   */
  network?: Network
}
