import type { Rooms } from './rooms.ts'
import type { Reachability } from '../reachability/index.ts'
import type { RealmStat } from '../resources/index.ts'

/**
 * How many connections there are, and may be
 */
export interface ConnectionStats {
  /**
   * Open connections
   */
  readonly connections: number
  readonly inbound: number
  readonly outbound: number

  /**
   * Peers with an open connection
   */
  readonly peers: number

  /**
   * Inbound connections that are being upgraded
   */
  readonly inboundPending: number

  /**
   * Dials that run
   */
  readonly outboundPending: number

  readonly maxConnections: number
  readonly highWater: number
  readonly lowWater: number

  /**
   * How many bans are in force
   */
  readonly bans: number

  readonly realms: readonly RealmStat[]

  /**
   * Whether others can dial this node, as far as the manager was told
   */
  readonly reachability: Reachability
}

/**
 * The numbers of this moment
 */
export function connectionStats ({ bans, pipeline, reachability, realms, table, trimmer }: Rooms, outboundPending: number): ConnectionStats {
  return {
    connections: table.size,
    inbound: table.inbound,
    outbound: table.outbound,
    peers: table.peerCount,
    inboundPending: pipeline.pending,
    outboundPending,
    maxConnections: pipeline.maxConnections,
    highWater: trimmer.highWater,
    lowWater: trimmer.lowWater,
    bans: bans.list().length,
    realms: realms.realms.list(),
    reachability: reachability.state
  }
}
