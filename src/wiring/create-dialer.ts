import { DialQueue, Dialer } from '../dialing/index.ts'
import { follow } from '../follow.ts'
import { dialObserver, tellOfDials } from './dial-events.ts'
import type { Rooms } from './rooms.ts'
import type { DialQueueComponents, DialQueueInit } from '../dialing/index.ts'
import type { PeerId } from '@libp2p/interface'

export interface CreatedDialer {
  dialQueue: DialQueue
  dialer: Dialer
}

/**
 * Connects dialling with the other rooms
 */
export function createDialer (components: DialQueueComponents & { peerId: PeerId }, rooms: Rooms, config: DialQueueInit): CreatedDialer {
  const { charges, clock, closing, emit, paths, table, tracker } = rooms
  const dialQueue = new DialQueue(components, {
    ...config,
    reserve: (multiaddr, peerId, signal) => charges.dial(multiaddr, peerId, signal),
    observer: dialObserver(emit, closing)
  }, clock)
  const dialer = new Dialer({
    peerId: components.peerId,
    dialQueue,
    getConnections: peerId => table.byPeer.get(peerId) ?? [],
    selectConnection: rooms.getConnection,
    onConnection: (connection, forced) => {
      tracker.adopt(connection)

      if (forced) {
        paths.markForced(connection)
      }
    }
  })

  // a peer that comes by itself is there again
  follow(rooms, { 'connection:open': ({ remotePeer }) => { dialQueue.history.recordConnected(remotePeer) } })
  tellOfDials(dialQueue, clock, emit)

  return { dialQueue, dialer }
}
