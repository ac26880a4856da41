import { bestConnection } from '../connections/index.ts'
import { isRelayed } from './dial-traits.ts'
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The connection that answers a dial without dialling: the best one of the peer
 * that is open and has no limits. A relayed one does not, if an address is given
 * at which the peer could be reached directly.
 */
export function findExistingConnection (connections: readonly Connection[], dialAddresses: readonly Multiaddr[]): Connection | undefined {
  const existing = bestConnection(connections.filter(connection => connection.status === 'open' && connection.limits == null))

  if (existing == null || existing.direct) {
    return existing
  }

  return dialAddresses.some(ma => !isRelayed(ma)) ? undefined : existing
}
