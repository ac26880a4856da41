import { EXEMPT_NETWORKS } from '../resources/index.ts'
import type { OriginLimits } from './subnet-counts.ts'
import type { NetworkLimit, SubnetLimit } from '../resources/index.ts'

/**
 * One network may not take all places of those that are being upgraded (btcd allows 8 for each /24 and /64)
 */
const PENDING_SHARE = 0.5

const EXEMPT: readonly NetworkLimit[] = EXEMPT_NETWORKS.map(cidr => ({ cidr, connections: 'unlimited' }))

/**
 * The networks that are counted beside the limited ones, so that it is known which are
 * crowded: what a host, a customer or a provider has
 */
const COUNTED = { 4: [32, 16], 6: [56, 48, 32] }

/**
 * How many connections that are not upgraded yet may come from one network
 *
 * @param maxPending - how many there may be in total
 * @param networks - the limits of networks: those without one have none here either
 */
export function pendingLimits (maxPending: number, networks: readonly NetworkLimit[] = EXEMPT): OriginLimits {
  const connections = Number.isFinite(maxPending) ? Math.max(1, Math.floor(maxPending * PENDING_SHARE)) : 'unlimited'
  const counted = (family: 4 | 6): SubnetLimit[] => connections === 'unlimited' ? [] : COUNTED[family].map(prefix => ({ prefix, connections: Infinity }))

  return {
    ipv4: [{ prefix: 24, connections }, ...counted(4)],
    ipv6: [{ prefix: 64, connections }, ...counted(6)],
    networks: networks.filter(({ connections }) => connections === 'unlimited'),
    relay: connections
  }
}
