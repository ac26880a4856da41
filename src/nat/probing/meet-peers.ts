import { isPublicIp, socketAddressOf } from '../ip.ts'
import type { ConnectionManager, RandomWalk } from '@libp2p/interface-internal'

/**
 * Who knows random peers, and who dials them
 */
export interface MeetPeersComponents {
  randomWalk: Pick<RandomWalk, 'walk'>
  connectionManager: Pick<ConnectionManager, 'openConnection'>
}

const MAX_PEERS = 5

/**
 * Dial random peers, a few at most, until there are enough servers. identify
 * tells later whether they are some.
 */
export async function meetPeers (components: MeetPeersComponents, isEnough: () => boolean, signal: AbortSignal): Promise<void> {
  let met = 0

  for await (const { multiaddrs } of components.randomWalk.walk({ signal })) {
    // relays and private addresses lead to no server
    if (multiaddrs.some(ma => isPublicIp(socketAddressOf(ma)?.host))) {
      await components.connectionManager.openConnection(multiaddrs, { signal }).catch(() => {})
      met++
    }

    if (met >= MAX_PEERS || isEnough() || signal.aborted) {
      return
    }
  }
}
