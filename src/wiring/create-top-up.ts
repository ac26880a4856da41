import { CODE_DNSADDR } from '@multiformats/multiaddr'
import { isRelayed } from '../dialing/index.ts'
import { Outbound, resolveTopUp } from '../outbound/later.ts'
import type { CreateOutboundComponents, CreateOutboundConfig, OutboundNodeComponents } from './outbound-parts.ts'
import type { DialQueueDialOptions } from '../dialing/index.ts'
import type { SkipCounts } from '../outbound/index.ts'
import type { Logger, Peer, PeerId, PeerRouting } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface CreateTopUpComponents extends Omit<CreateOutboundComponents, 'connectionManager'> {
  log: Logger
  skips: SkipCounts
  lookUp(peerId: PeerId): Promise<Peer | undefined>
}

/**
 * Dials of the user and of protocols go first
 */
const AUTOMATIC: DialQueueDialOptions = { automatic: true, priority: 10 }

/**
 * Connects what dials up to a target with the other rooms. Fetched by nodes that have
 * a target, and by no others.
 */
export function createTopUp ({ dialer, log, lookUp, node, rooms, skips, targets }: CreateTopUpComponents, config: CreateOutboundConfig): Outbound {
  const { bans, clock, close, closing, discouraged, emit, parked, random, reachability, standing, table, trimmer, use } = rooms

  return new Outbound({
    clock,
    random,
    log,
    skips,
    ...nodeParts(node),
    lookUp,
    isConnected: peerId => table.isConnected(peerId),
    isParked: peerId => parked.has(peerId),
    connections: () => table.allConnections(),
    connectionCount: () => table.size,
    lowWater: () => trimmer.lowWater,
    privateFactor: () => reachability.whilePrivate === false ? undefined : reachability.whilePrivate.outboundFactor,
    // who is connected through a relay is dialled to get rid of it
    isDialable: (multiaddr, peerId) => isDialable(multiaddr, node) && !(isRelayed(multiaddr) && table.isConnected(peerId, { limited: true })),
    isPeerBanned: peerId => bans.ofPeer(peerId) != null || discouraged.hasPeer(peerId),
    isAddressBanned: multiaddr => bans.ofMultiaddr(multiaddr) != null || discouraged.hasMultiaddr(multiaddr),
    ...targets,
    dial: async (multiaddrs, signal) => dialer.openConnection(multiaddrs, { ...AUTOMATIC, signal }),
    close: async connection => {
      closing.mark(connection, 'surplus')
      await close(connection)
    },
    isInUse: connection => use.streams(connection) > 0,
    isProtected: peerId => standing.isProtected(peerId),
    valueOf: peerId => standing.value(peerId),
    tagsOf: peerId => standing.tagNames(peerId),
    onSkip: skipped => { emit('outbound:skip', skipped) }
  }, resolveTopUp(config.outbound), config.dialTimeout)
}

/**
 * What the node has is looked up when it is needed, as not all of it is there yet
 */
function nodeParts (node: OutboundNodeComponents): Pick<OutboundNodeComponents, 'peerId' | 'peerStore' | 'datastore' | 'events'> & { peerRouting: Pick<PeerRouting, 'getClosestPeers'> } {
  return {
    peerId: node.peerId,
    peerStore: node.peerStore,
    datastore: node.datastore,
    events: node.events,
    peerRouting: { getClosestPeers: (key, options) => node.peerRouting.getClosestPeers(key, options) }
  }
}

/**
 * Whether there is a transport for an address, or for what it may resolve to
 */
function isDialable (multiaddr: Multiaddr, { transportManager }: OutboundNodeComponents): boolean {
  return transportManager.dialTransportForMultiaddr(multiaddr) != null || multiaddr.getComponents().some(({ code }) => code === CODE_DNSADDR)
}
