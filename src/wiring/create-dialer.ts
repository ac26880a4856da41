import { KEEP_ALIVE } from '@libp2p/interface'
import { DialQueue, Dialer, NearbyPeers } from '../dialing/index.ts'
import { follow } from '../follow.ts'
import { socketAddress } from '../gating/index.ts'
import { BOOTSTRAP_TAG, RELAY_TAG } from '../outbound/index.ts'
import { dialObserver, tellOfDials } from './dial-events.ts'
import type { OutboundTargets } from './outbound-parts.ts'
import type { Rooms } from './rooms.ts'
import type { DialQueueComponents, DialQueueInit } from '../dialing/index.ts'
import type { Connection, PeerId } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface CreatedDialer {
  dialQueue: DialQueue
  dialer: Dialer
  targets: OutboundTargets
}

export interface CreateDialerComponents extends DialQueueComponents {
  peerId: PeerId
  addressManager?: Pick<AddressManager, 'getAnnounceAddrs' | 'getListenAddrs'>
}

/**
 * Tags that libp2p gives to peers that strangers have named: near ones in the DHT, and
 * relays
 */
const TAGS_OF_STRANGERS = new Set([`${KEEP_ALIVE}-kad-dht`, `${KEEP_ALIVE}-circuit-relay`])

/**
 * Connects dialling with the other rooms
 */
export function createDialer (components: CreateDialerComponents, rooms: Rooms, config: DialQueueInit): CreatedDialer {
  const { charges, clock, closing, emit, paths, table, tracker } = rooms
  const nearby = new NearbyPeers({
    ownAddresses: () => {
      const { addressManager, transportManager } = components

      // while the node starts it does not listen yet
      return [...transportManager.getAddrs(), ...addressManager?.getListenAddrs() ?? [], ...addressManager?.getAnnounceAddrs() ?? []]
    }
  })
  const dialQueue = new DialQueue(components, {
    ...config,
    reserve: (multiaddr, peerId, signal) => charges.dial(multiaddr, peerId, signal),
    observer: dialObserver(emit, closing),
    isNearby: (peerId, ip) => nearby.has(peerId, ip),
    isNamed: peerId => isNamed(peerId, rooms),
    relayAddress: peer => table.getPeer(peer)?.connections.filter(({ limits }) => limits == null).map(connection => addressOf(connection, rooms))[0]
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
  follow(rooms, {
    'connection:open': connection => {
      dialQueue.history.recordConnected(connection.remotePeer)
      nearby.observe(connection.remotePeer, addressOf(connection, rooms))
    }
  })
  tellOfDials(dialQueue, clock, emit)

  return {
    dialQueue,
    dialer,
    targets: {
      dialable: async (...args) => dialQueue.dialable(...args),
      groupOf: multiaddr => dialQueue.targets.groupOf(multiaddr),
      groupOfConnection: connection => dialQueue.targets.groupOf(addressOf(connection, rooms))
    }
  }
}

/**
 * Where a connection leads, by its socket where that is known: a name may lead anywhere
 */
function addressOf (connection: Connection, { tracker }: Pick<Rooms, 'tracker'>): Multiaddr {
  return socketAddress(tracker.socketOf(connection) ?? connection)
}

/**
 * Whether the user has named a peer, who may then be anywhere
 */
function isNamed (peerId: PeerId, { standing }: Pick<Rooms, 'standing'>): boolean {
  return standing.protection.tags(peerId.toString()).some(tag => tag !== RELAY_TAG) ||
    standing.tagNames(peerId).some(tag => tag === BOOTSTRAP_TAG || (tag.startsWith(KEEP_ALIVE) && !TAGS_OF_STRANGERS.has(tag)))
}
