import { closeWithin } from '../core/index.ts'
import type { Rooms } from './rooms.ts'

/**
 * How many ms a connection has to close when the node stops, as in libp2p's own
 * connection manager
 */
const STOP_TIMEOUT = 500

/**
 * Starts what follows the node's events
 *
 * @throws {Error} if the stored bans cannot be read: a node that does not know its
 * bans would let in everybody
 */
export async function startRooms (rooms: Rooms): Promise<void> {
  rooms.tracker.start()
  rooms.standing.peerStoreTags.start()
  rooms.realms.start()
  rooms.load?.start()
  rooms.pipeline.start()
  rooms.trimmer.start()
  rooms.watermarks.start()
  await rooms.bans.start()
}

/**
 * Closes all connections, and stops everything that would do something later
 */
export async function stopRooms (rooms: Rooms): Promise<void> {
  rooms.pipeline.stop()
  rooms.load?.stop()
  rooms.liveness?.stop()
  rooms.idle.stop()
  rooms.paths.stop()
  rooms.buffers.stop()
  rooms.parked.stop()
  rooms.realms.stop()
  rooms.standing.peerStoreTags.stop()
  rooms.tracker.beforeStop()

  const connections = rooms.table.allConnections()
  rooms.log('closing %d connections', connections.length)

  rooms.closing.markAll(connections, 'stop')

  await Promise.all([
    rooms.trimmer.stop(),
    rooms.watermarks.stop(),
    rooms.bans.stop(),
    ...connections.map(async connection => closeWithin(connection, STOP_TIMEOUT, rooms.clock))
  ])

  rooms.reachability.reset()
  rooms.standing.tags.clear()
  rooms.tracker.stop()
  rooms.flapping?.clear()
}
