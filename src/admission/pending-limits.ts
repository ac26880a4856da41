import { EXEMPT_NETWORKS } from '../resources/index.ts'
import type { OriginLimits } from './subnet-counts.ts'
import type { NetworkLimit } from '../resources/index.ts'

/**
 * One network may not take all places of those that are being upgraded, or its slow
 * handshakes would lock everybody else out (btcd allows 8 for each /24 and /64)
 */
const PENDING_SHARE = 0.5

const EXEMPT: readonly NetworkLimit[] = EXEMPT_NETWORKS.map(cidr => ({ cidr, connections: 'unlimited' }))

/**
 * How many connections that are not upgraded yet may come from one network
 *
 * @param maxPending - how many there may be in total
 * @param networks - the limits of networks: those without one have none here either
 */
export function pendingLimits (maxPending: number, networks: readonly NetworkLimit[] = EXEMPT): OriginLimits {
  const connections = Number.isFinite(maxPending) ? Math.max(1, Math.floor(maxPending * PENDING_SHARE)) : 'unlimited'

  return {
    ipv4: [{ prefix: 24, connections }],
    ipv6: [{ prefix: 64, connections }],
    networks: networks.filter(({ connections }) => connections === 'unlimited'),
    relay: connections
  }
}
