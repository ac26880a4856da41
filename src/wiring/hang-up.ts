import { closeConnection } from '../core/index.ts'
import type { Rooms } from './rooms.ts'
import type { OutboundControl } from '../outbound/index.ts'
import type { AbortOptions, PeerId } from '@libp2p/interface'

/**
 * Close all connections to a peer because the user wants it, within
 * `connectionCloseTimeout` unless a signal is passed
 */
export async function hangUp (peerId: PeerId, rooms: Rooms, outbound: OutboundControl, options: AbortOptions): Promise<void> {
  const connections = rooms.closing.markAll([...rooms.table.byPeer.get(peerId) ?? []], 'hang-up')
  outbound.hangUp(peerId, connections.length > 0)

  await Promise.all(connections.map(async connection => options.signal == null
    ? rooms.close(connection)
    : closeConnection(connection, options)))
}
