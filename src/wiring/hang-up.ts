import { closeConnection, closeWithin } from '../connections/index.ts'
import type { Rooms } from './rooms.ts'
import type { Clock } from '../clock.ts'
import type { OutboundControl } from '../outbound/index.ts'
import type { AbortOptions, PeerId } from '@libp2p/interface'

export interface HangUpComponents {
  clock: Clock
  rooms: Rooms
  outbound: OutboundControl
}

/**
 * Close all connections to a peer because the user wants it, within `timeout` ms
 * unless a signal is passed
 */
export async function hangUp (peerId: PeerId, { clock, outbound, rooms }: HangUpComponents, timeout: number, options: AbortOptions): Promise<void> {
  const connections = rooms.closing.markAll([...rooms.table.byPeer.get(peerId) ?? []], 'hang-up')
  outbound.hangUp(peerId, connections.length > 0)

  await Promise.all(connections.map(async connection => options.signal == null
    ? closeWithin(connection, timeout, clock)
    : closeConnection(connection, options)))
}
