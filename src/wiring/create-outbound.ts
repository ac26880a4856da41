import { hasErrorName } from '../errors.ts'
import { KeptRelays, OutboundControl, ReconnectQueue, StaticPeers, TOP_UP_TOOLS, TrustedPeers, isTopUpEnabled, noSkips } from '../outbound/index.ts'
import type { CreateOutboundComponents, CreateOutboundConfig } from './outbound-parts.ts'
import type { Rooms } from './rooms.ts'
import type { Peer, PeerId } from '@libp2p/interface'

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
  const { clock, protection, random, standing, table } = rooms
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

  const reconnectQueue = new ReconnectQueue({
    clock,
    lookUp,
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
    isConnected: peerId => table.getPeer(peerId) != null,
    lookUp,
    // past the manager, which takes what comes to it for the user's wish
    dial: async (multiaddrs, signal) => dialer.openConnection(multiaddrs, { signal }),
    findPeer: async (peerId, signal) => node.peerRouting.findPeer(peerId, { signal })
  }, config.staticPeers)

  const skips = noSkips()
  const outbound = new OutboundControl({
    log,
    skips,
    staticPeers,
    reconnectQueue,
    target: config.outbound.target ?? 0,
    loadTopUp: isTopUpEnabled(config.outbound)
      ? async () => {
        const { createTopUp } = await import('./create-top-up.ts')

        return createTopUp({ ...components, log, lookUp, skips, tools: TOP_UP_TOOLS }, config)
      }
      : undefined
  })

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
