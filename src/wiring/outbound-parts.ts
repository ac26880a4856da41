import type { RoomsComponents } from './context.ts'
import type { Rooms } from './rooms.ts'
import type { GroupOf } from '../addresses/index.ts'
import type { DialQueueComponents, Dialer } from '../dialing/index.ts'
import type { OutboundConfig } from '../outbound/index.ts'
import type { Metrics, PeerRouting } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'

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
}

export interface CreateOutboundConfig extends OutboundConfig {
  dialTimeout: number
  connectionCloseTimeout: number
  groupOf: GroupOf
}
