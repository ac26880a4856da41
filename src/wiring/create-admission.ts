import { AdmissionPipeline, HostRate, LoadMonitor, pendingLimits } from '../admission/index.ts'
import { cidrSet } from '../gating/index.ts'
import { TRUSTED_TAG } from '../outbound/index.ts'
import { evictionCandidates } from './eviction-candidates.ts'
import type { RoomsConfig, RoomsContext } from './context.ts'
import type { Departures } from './departures.ts'
import type { ConnectionCandidate } from './eviction-candidates.ts'
import type { NodeReachability } from './node-reachability.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { Replacements } from './replacements.ts'
import type { GroupOf } from '../addresses/index.ts'
import type { AllowList, DialBacks } from '../admission/index.ts'
import type { ConnectionEntry, ConnectionTable, PendingConnections } from '../core/index.ts'
import type { BanList, DiscouragedList } from '../gating/index.ts'
import type { Refusal } from '../metrics/index.ts'
import type { Limits, ResourceManager } from '../resources/index.ts'
import type { Standing } from '../trimming/index.ts'
import type { PeerId } from '@libp2p/interface'

export interface CreateAdmissionComponents extends RoomsContext {
  peerId: PeerId
  table: ConnectionTable
  pending: PendingConnections
  giveBack(entry: ConnectionEntry): void
  standing: Standing
  bans: BanList
  discouraged: DiscouragedList
  allowList: AllowList
  departures: Departures
  dialBacks: DialBacks
  resources: ResourceManager
  reachability: NodeReachability
  groupOf?: GroupOf
  realms: RealmRooms
  replacements: Replacements

  /**
   * Tells of a connection that was refused
   */
  onRefuse(refusal: Refusal): void
}

export interface CreatedAdmission {
  pipeline: AdmissionPipeline<ConnectionCandidate>
  load?: LoadMonitor
}

/**
 * Connects the admission of inbound connections with the other rooms
 */
export function createAdmission (components: CreateAdmissionComponents, config: RoomsConfig, limits: Limits): CreatedAdmission {
  const { clock, departures, discouraged, emit, pending, standing, table } = components
  const load = isShedding(config) ? new LoadMonitor({ clock }, config.load === false ? {} : config.load) : undefined
  const { rates = {}, ...subnets } = limits.subnets ?? {}
  const isTrusted = (peer: string): boolean => standing.protection.isProtected(peer, TRUSTED_TAG)

  const pipeline = new AdmissionPipeline<ConnectionCandidate>({
    ...components,
    isTrusted,
    discouraged: {
      hasIp: ip => discouraged.hasIp(ip),
      hasPeer: peer => discouraged.hasPeer(peer) && !isTrusted(peer)
    },
    load,
    deny: cidrSet(config.deny, 'deny'),
    netRestrict: config.netRestrict == null ? undefined : cidrSet(config.netRestrict, 'netRestrict'),
    hostRate: new HostRate(clock, config),
    self: components.peerId.toString(),
    connectionCount: () => table.size - table.leaving,
    entries: function * () {
      yield * pending
      yield * table.allEntries()
    },
    makePlace: (error, peer) => components.replacements.makePlace(error, { peer, isDialled: false }),
    evictionCandidates: wanted => evictionCandidates(components, wanted),
    evict: ({ connection }) => {
      // it may have had to leave its realm for the same newcomer
      if (departures.has(connection)) {
        return
      }

      departures.add(connection, 'evict')
      emit('connection:evict', { connection, peerId: connection.remotePeer })
    }
  }, {
    maxConnections: config.maxConnections,
    maxPending: config.maxIncomingPendingConnections,
    pending: config.limits === false ? {} : pendingLimits(config.maxIncomingPendingConnections, subnets.networks),
    subnets,
    rates
  }, components.hashKey)

  return { pipeline, load }
}

/**
 * Without limits, only where it was asked for
 */
function isShedding ({ limits, load }: RoomsConfig): boolean {
  return load !== false && (limits !== false || load != null)
}
