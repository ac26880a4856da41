import { CODE_DNSADDR } from '@multiformats/multiaddr'
import { addressGroup } from '../addresses/index.ts'
import { closeWithin } from '../connections/index.ts'
import { hasErrorName } from '../errors.ts'
import { KeptRelays, Outbound, OutboundControl, ReconnectQueue, StaticPeers, TrustedPeers } from '../outbound/index.ts'
import type { Emit, RoomsComponents, RoomsContext } from './context.ts'
import type { Rooms } from './rooms.ts'
import type { GroupOf } from '../addresses/index.ts'
import type { DialQueueComponents, DialQueueDialOptions, Dialer } from '../dialing/index.ts'
import type { OutboundConfig } from '../outbound/index.ts'
import type { Connection, Metrics, Peer, PeerId, PeerRouting } from '@libp2p/interface'
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

export interface CreateOutboundComponents extends RoomsContext {
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

export interface CreatedOutbound {
  reconnectQueue: ReconnectQueue
  outbound: OutboundControl
  staticPeers: StaticPeers
  trustedPeers: TrustedPeers
}

/**
 * Dials of the user and of protocols go first
 */
const AUTOMATIC_PRIORITY = 10

/**
 * Connects what dials without being asked with the other rooms
 */
export function createOutbound (components: CreateOutboundComponents, config: CreateOutboundConfig): CreatedOutbound {
  const { clock, connectionManager, dialer, emit, node, random, rooms } = components
  const { protection, standing, table, use } = rooms
  const log = node.logger.forComponent('libp2p:connmgr:outbound')
  // past the manager, which takes what comes to it for the user's wish
  const dial = async (multiaddrs: Multiaddr[], options: DialQueueDialOptions): Promise<Connection> => dialer.openConnection(multiaddrs, options)
  const isConnected = (peerId: PeerId): boolean => table.getPeer(peerId) != null
  const lookUp = async (peerId: PeerId): Promise<Peer | undefined> => storedPeer(node, peerId, err => { log.error('could not look up %p - %e', peerId, err) })

  const reconnectQueue = new ReconnectQueue({
    connectionManager,
    peerStore: node.peerStore,
    events: node.events,
    logger: node.logger,
    metrics: node.metrics,
    isKeptAlive: peerId => standing.peerStoreTags.isKeptAlive(peerId.toString())
  }, config)

  const staticPeers = new StaticPeers({
    clock,
    random,
    log,
    events: node.events,
    dialTimeout: config.dialTimeout,
    protection,
    isConnected,
    lookUp,
    dial: async (multiaddrs, signal) => dial(multiaddrs, { signal }),
    findPeer: async (peerId, signal) => node.peerRouting.findPeer(peerId, { signal })
  }, config.staticPeers)

  const outbound = new Outbound({
    clock,
    random,
    log,
    ...nodeParts(node),
    lookUp,
    isConnected,
    connections: () => table.allConnections(),
    connectionCount: () => table.size,
    lowWater: () => rooms.trimmer.lowWater,
    privateFactor: () => rooms.reachability.whilePrivate === false ? undefined : rooms.reachability.whilePrivate.outboundFactor,
    isDialable: multiaddr => isDialable(multiaddr, node),
    isPeerBanned: peerId => rooms.bans.ofPeer(peerId) != null || rooms.discouraged.hasPeer(peerId),
    isAddressBanned: multiaddr => rooms.bans.ofMultiaddr(multiaddr) != null,
    groupOf: multiaddr => addressGroup(multiaddr, { groupOf: config.groupOf }),
    dial: async (multiaddrs, signal) => dial(multiaddrs, { signal, automatic: true, priority: AUTOMATIC_PRIORITY }),
    close: async connection => { await closeWithin(connection, config.connectionCloseTimeout, clock) },
    isInUse: connection => use.streams(connection) > 0,
    isProtected: peerId => standing.isProtected(peerId),
    valueOf: peerId => standing.value(peerId),
    tagsOf: peerId => standing.tagNames(peerId),
    onSkip: skipped => { onSkip(emit, skipped) }
  }, config.outbound, config.dialTimeout)

  followReachability(rooms, outbound, new KeptRelays({
    log,
    events: node.events,
    protection,
    peers: () => [...table.allPeers()].map(({ peerId }) => peerId),
    tagsOf: peerId => standing.tagNames(peerId)
  }))

  return {
    reconnectQueue,
    staticPeers,
    trustedPeers: new TrustedPeers(protection, config.trustedPeers),
    outbound: new OutboundControl({ log, outbound, staticPeers, reconnectQueue })
  }
}

function followReachability ({ reachability }: Rooms, outbound: Outbound, relays: KeptRelays): void {
  reachability.onChange = () => {
    const { whilePrivate } = reachability
    relays.keep(whilePrivate !== false && whilePrivate.keepRelays)
    outbound.reachabilityChanged()
  }
}

type SkipDetail = Parameters<ConstructorParameters<typeof Outbound>[0]['onSkip']>[0]

function onSkip (emit: Emit, skipped: SkipDetail): void {
  emit('outbound:skip', skipped)
}

/**
 * What the node has is looked up when it is needed, as not all of it is there yet
 */
function nodeParts (node: OutboundNodeComponents): Pick<OutboundNodeComponents, 'peerId' | 'peerStore' | 'datastore' | 'events' | 'metrics'> & { peerRouting: Pick<PeerRouting, 'getClosestPeers'> } {
  return {
    peerId: node.peerId,
    peerStore: node.peerStore,
    datastore: node.datastore,
    events: node.events,
    metrics: node.metrics,
    peerRouting: { getClosestPeers: (key, options) => node.peerRouting.getClosestPeers(key, options) }
  }
}

async function storedPeer ({ peerStore }: RoomsComponents, peerId: PeerId, onError: (err: unknown) => void): Promise<Peer | undefined> {
  try {
    return await peerStore.get(peerId)
  } catch (err) {
    if (!hasErrorName(err, 'NotFoundError')) {
      onError(err)
    }
  }
}

/**
 * Whether there is a transport for an address, or for what it may resolve to
 */
function isDialable (multiaddr: Multiaddr, { transportManager }: OutboundNodeComponents): boolean {
  return transportManager.dialTransportForMultiaddr(multiaddr) != null || multiaddr.getComponents().some(({ code }) => code === CODE_DNSADDR)
}
