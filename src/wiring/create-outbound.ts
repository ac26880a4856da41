import { hasErrorName } from '../errors.ts'
import { watchWebSockets } from '../gating/index.ts'
import { KeptRelays, OutboundControl, ReconnectQueue, RelayedPeers, StaticPeers, TrustedPeers, isTopUpEnabled, noSkips } from '../outbound/index.ts'
import type { CreateOutboundComponents, CreateOutboundConfig } from './outbound-parts.ts'
import type { Rooms } from './rooms.ts'
import type { ConnectedOptions } from '../core/index.ts'
import type { Peer, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface CreatedOutbound {
  reconnectQueue: ReconnectQueue
  outbound: OutboundControl
  staticPeers: StaticPeers
  trustedPeers: TrustedPeers
}

/**
 * Connects what dials without being asked with the other rooms
 */
export function createOutbound (components: CreateOutboundComponents, config: CreateOutboundConfig): CreatedOutbound {
  const { connectionManager, dialer, node, rooms } = components
  const { clock, parked, protection, random, standing, table } = rooms
  const log = node.logger.forComponent('libp2p:connmgr:outbound')
  const lookUp = async (peerId: PeerId): Promise<Peer | undefined> => {
    try {
      return await node.peerStore.get(peerId)
    } catch (err) {
      if (!hasErrorName(err, 'NotFoundError')) {
        log.error('could not look up %p - %e', peerId, err)
      }
    }
  }

  const isKeptAlive = (peerId: PeerId): boolean | undefined => standing.peerStoreTags.isKeptAlive(peerId.toString())

  const reconnectQueue = new ReconnectQueue({
    clock,
    lookUp,
    parked,
    connectionManager,
    peerStore: node.peerStore,
    events: node.events,
    logger: node.logger,
    metrics: node.metrics,
    isKeptAlive
  }, config)

  const keepComponents = {
    clock,
    random,
    log,
    events: node.events,
    dialTimeout: config.dialTimeout,
    isConnected: (peerId: PeerId, options?: ConnectedOptions) => table.isConnected(peerId, options),
    isParked: (peerId: PeerId) => parked.has(peerId),
    lookUp,
    // past the manager, which takes what comes to it for the user's wish
    dial: async (multiaddrs: Multiaddr[], signal: AbortSignal) => dialer.openConnection(multiaddrs, { signal }),
    findPeer: async (peerId: PeerId, signal: AbortSignal) => node.peerRouting.findPeer(peerId, { signal })
  }
  const staticPeers = new StaticPeers({ ...keepComponents, peerId: node.peerId, protection }, config.staticPeers)
  const peers = (): PeerId[] => [...table.allPeers()].map(({ peerId }) => peerId)
  parked.onRoom = () => { staticPeers.check() }

  // the network of a name is that of its socket
  if (isTopUpEnabled(config.outbound)) {
    watchWebSockets()
  }

  const skips = noSkips()
  const outbound = new OutboundControl({
    log,
    skips,
    staticPeers,
    reconnectQueue,
    relayedPeers: new RelayedPeers({ ...keepComponents, peers, isKeptAlive, isStatic: peerId => staticPeers.has(peerId) }),
    target: config.outbound.target ?? 0,
    loadTopUp: isTopUpEnabled(config.outbound)
      ? async () => {
        const { createTopUp } = await import('./create-top-up.ts')

        return createTopUp({ ...components, log, lookUp, skips }, config)
      }
      : undefined
  })

  followReachability(rooms, outbound, new KeptRelays({
    log,
    events: node.events,
    protection,
    peers,
    tagsOf: peerId => standing.tagNames(peerId)
  }))

  return {
    reconnectQueue,
    staticPeers,
    trustedPeers: new TrustedPeers(protection, config.trustedPeers),
    outbound
  }
}

function followReachability ({ reachability }: Rooms, outbound: OutboundControl, relays: KeptRelays): void {
  reachability.onChange = () => {
    const { whilePrivate } = reachability
    relays.keep(whilePrivate !== false && whilePrivate.keepRelays)
    outbound.reachabilityChanged()
  }
}
