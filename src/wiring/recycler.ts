import { Recycler } from '../upkeep/later.ts'
import type { CloseReasons } from './close-reasons.ts'
import type { ConnectionCharges } from './connection-charges.ts'
import type { RoomsContext } from './context.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { ConnectionTable } from '../core/index.ts'
import type { RecycleRequest } from '../upkeep/index.ts'
import type { RecyclerInit } from '../upkeep/later.ts'
import type { Connection, PeerId } from '@libp2p/interface'

export interface RecyclerParts extends RoomsContext {
  charges: ConnectionCharges
  realms: RealmRooms
  table: ConnectionTable
  closing: CloseReasons

  /**
   * Closes a connection, and gives up on it after a while
   */
  close(connection: Connection): Promise<void>

  /**
   * Dials a peer
   */
  dial(peerId: PeerId): Promise<Connection>
}

/**
 * Replaces connections. The peer keeps its place in its realm meanwhile. Fetched when the
 * first one is to be replaced.
 */
export function createRecycler (components: RecyclerParts, config: RecyclerInit): Recycler {
  const { charges, closing, emit, realms, table } = components

  return new Recycler({
    ...components,
    peerCount: () => table.peerCount,
    onRecycle: request => {
      closing.mark(request.connection, 'recycle', request.reason)
      emit('connection:recycle', request)
    },
    reserve: (request: RecycleRequest) => {
      const { remotePeer } = request.connection
      let giveUp = (): void => {}
      const onClose = (): void => {
        giveUp = charges.keepPlace(remotePeer.toString(), realms.realms.placeOf(remotePeer))
      }

      // the place is free only when what the connection held is given back
      request.connection.addEventListener('close', onClose, { once: true })

      return () => {
        request.connection.removeEventListener('close', onClose)
        giveUp()
      }
    }
  }, config)
}
