import type { RoomsComponents } from './context.ts'
import type { Rooms } from './rooms.ts'
import type { DialQueue, DialQueueComponents, Dialer } from '../dialing/index.ts'
import type { OutboundConfig } from '../outbound/index.ts'
import type { Connection, Metrics, PeerRouting } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What dialling without being asked uses of a libp2p node
 */
export interface OutboundNodeComponents extends RoomsComponents {
  transportManager: DialQueueComponents['transportManager']
  peerRouting: Pick<PeerRouting, 'findPeer' | 'getClosestPeers'>
  metrics?: Metrics
}

export interface CreateOutboundComponents {
  node: OutboundNodeComponents
  rooms: Rooms
  connectionManager: Pick<ConnectionManager, 'openConnection'>
  dialer: Pick<Dialer, 'openConnection'>
  targets: OutboundTargets
}

/**
 * Where automatic dials may go
 */
export interface OutboundTargets extends Pick<DialQueue, 'dialable'> {
  /**
   * The network that an address, or a connection, leads into, if it is in one that counts
   */
  groupOf(multiaddr: Multiaddr): string | undefined
  groupOfConnection(connection: Connection): string | undefined
}

export interface CreateOutboundConfig extends OutboundConfig {
  dialTimeout: number
  connectionCloseTimeout: number
}
