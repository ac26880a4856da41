import { isRelayed } from './dial-traits.ts'
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The connection over which a peer is reached best, if it answers a dial without
 * dialling: it has no limits. A relayed one does not, if an address is given at which
 * the peer could be reached directly.
 */
export function answersDial (best: Connection | undefined, dialAddresses: readonly Multiaddr[]): Connection | undefined {
  if (best == null || best.status !== 'open' || best.limits != null) {
    return
  }

  return !best.direct && dialAddresses.some(ma => !isRelayed(ma)) ? undefined : best
}
