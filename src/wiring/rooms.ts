import { hostRange, remoteIp } from '../addresses/index.ts'
import { AllowList, DialBacks, StreamRates } from '../admission/index.ts'
import { ApplicationUse, ConnectionTracker, closeWithin } from '../core/index.ts'
import { BanList, DiscouragedList, Misbehaviour } from '../gating/index.ts'
import { ParkedPeers, RELAY_TAG } from '../outbound/index.ts'
import { libp2pService, resolveLimits, resourceManager } from '../resources/index.ts'
import { Standing, Trimmer, noteValue } from '../trimming/index.ts'
import { enforceBans } from './ban-enforcer.ts'
import { CloseReasons } from './close-reasons.ts'
import { ConnectionCharges } from './connection-charges.ts'
import { createAdmission } from './create-admission.ts'
import { createWatchers } from './create-watchers.ts'
import { Departures } from './departures.ts'
import { NodeReachability } from './node-reachability.ts'
import { OpenConnections } from './open-connections.ts'
import { protectionOf } from './protection.ts'
import { RealmRooms } from './realm-rooms.ts'
import { RealmWatermarks } from './realm-watermarks.ts'
import { Replacements } from './replacements.ts'
import { ResourceControls } from './resource-controls.ts'
import { StreamAccounting } from './stream-accounting.ts'
import type { RoomsComponents, RoomsConfig, RoomsContext } from './context.ts'
import type { CreatedAdmission } from './create-admission.ts'
import type { Watchers } from './create-watchers.ts'
import type { GroupOf } from '../addresses/index.ts'
import type { ExceededLimit } from '../admission/index.ts'
import type { ConnectionEntry, ConnectionTable, PeerEntry, PendingConnections } from '../core/index.ts'
import type { Refusal, TrimResult } from '../metrics/index.ts'
import type { PeerProtection } from '../outbound/index.ts'
import type { ResourceManager } from '../resources/index.ts'
import type { CandidateRules } from '../trimming/index.ts'
import type { ComponentLogger, Connection, Libp2pEvents, Logger, PeerId } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/**
 * The rooms, and where they get time, chance and the rest of the manager from
 */
export interface Rooms extends RoomsContext, CreatedAdmission, Watchers {
  peerId: PeerId
  logger: ComponentLogger
  events: TypedEventTarget<Libp2pEvents>
  tracker: ConnectionTracker
  table: ConnectionTable
  standing: Standing
  protection: PeerProtection
  reachability: NodeReachability
  trimmer: Trimmer
  bans: BanList
  discouraged: DiscouragedList
  misbehaviour: Misbehaviour
  resources: ResourceManager
  controls: ResourceControls
  realms: RealmRooms
  replacements: Replacements
  closing: CloseReasons
  departures: Departures
  rules: CandidateRules
  watermarks: RealmWatermarks
  charges: ConnectionCharges
  dialBacks: DialBacks
  allowList: AllowList
  pending: PendingConnections

  /**
   * A connection gives back what was taken for it
   */
  giveBack(entry: ConnectionEntry): void
  open: OpenConnections

  /**
   * Who is dialled again only when there is room
   */
  parked: ParkedPeers

  use: ApplicationUse
  groupOf?: GroupOf
  streams: StreamAccounting
  streamRates: StreamRates

  /**
   * The service that a protocol belongs to
   */
  serviceOf(protocol: string): string | undefined

  /**
   * The connection over which a peer is reached best
   */
  getConnection(peerId: PeerId): Connection | undefined

  /**
   * Closes a connection within `connectionCloseTimeout`. Never rejects.
   */
  close(connection: Connection): Promise<void>

  /**
   * Notes what a peer is worth, for the next trim
   */
  note(peer: PeerEntry): void

  /**
   * Tells of a connection that was refused
   */
  onRefuse(refusal: Refusal): void

  /**
   * Closes an open connection for which there is no room
   */
  refuse(connection: Connection, exceeded: ExceededLimit): void
  onClosing(connection: Connection, cause: string): void
  onTrim(result: TrimResult): void
}

/**
 * Builds the rooms, and connects them with each other
 */
export function createRooms (components: RoomsComponents, config: RoomsConfig, context: RoomsContext): Rooms {
  const { clock, emit, log } = context
  const { datastore, events, logger, peerId, peerStore } = components
  const limits = config.limits === false ? {} : resolveLimits(config.limits, config.maxConnections, config.maxIncomingPendingConnections)

  // what the rooms need of each other they look up in it when they need it, as not all
  // of them are there while the first are made
  const rooms = { ...context, events, groupOf: config.groupOf, logger, peerId } as Rooms

  rooms.getConnection = peerId => {
    const peer = rooms.table.getPeer(peerId)

    return peer == null ? undefined : rooms.paths.select(peer)
  }
  rooms.close = async connection => { await closeWithin(connection, config.connectionCloseTimeout, clock) }
  rooms.onClosing = (connection, cause) => { rooms.closing.mark(connection, 'trim', cause) }
  rooms.onTrim = result => {
    emit('connection:trim', result)

    if (result.closed.length > 0) {
      events.safeDispatchEvent('connection:prune', { detail: result.closed.map(({ connection }) => connection) })
    }
  }
  rooms.onRefuse = refusal => {
    const { reason, remoteAddr, scope, current, limit } = refusal
    log('refused a connection from %a - %s %s %d of %d', remoteAddr, reason, scope, current, limit)
    emit('connection:refuse', refusal)
  }
  rooms.refuse = (connection, { scope, current, limit }) => {
    rooms.onRefuse({ reason: 'resources', remoteAddr: connection.remoteAddr, peer: connection.remotePeer.toString(), scope, current, limit })
    rooms.departures.add(connection, 'refuse', scope)
  }
  // while it is at hand: at the time of a trim it would have to be fetched
  rooms.note = peer => {
    rooms.standing.noteValue(peer)
    noteValue(peer, rooms.table.columns, rooms.rules)
  }
  rooms.serviceOf = serviceOf(config, log)

  const open = rooms.open = new OpenConnections(rooms, config)
  const tracker = rooms.tracker = new ConnectionTracker(components, open, clock, log)
  const table = rooms.table = tracker.table
  rooms.pending = tracker.pending
  rooms.giveBack = tracker.giveBack
  rooms.closing = new CloseReasons(table)
  rooms.use = new ApplicationUse(table, clock, config.housekeepingProtocols)
  rooms.dialBacks = new DialBacks(clock)
  const allowList = rooms.allowList = new AllowList(config.allow)

  const standing = rooms.standing = new Standing({ events, peerStore, table }, {
    valueOf: config.valueOf,
    maxAbsentPeers: config.reputation.size,
    absentTTL: config.reputation.ttl,
    observer: emit
  }, clock, log, rooms.note)

  const discouraged = rooms.discouraged = new DiscouragedList(config.discouraged, clock)
  const bans = rooms.bans = new BanList({ clock: clock.wall, logger, datastore: config.bans?.datastore === false ? undefined : datastore }, config.bans)
  rooms.misbehaviour = new Misbehaviour({
    clock,
    bans,
    discouraged: {
      addPeer: peerId => {
        discouraged.addPeer(peerId)
        emit('peer:discourage', peerId)
      },
      addIp: (ip, peerId) => {
        discouraged.addIp(ip)
        emit('address:discourage', { range: hostRange(ip), peerId })
      }
    },
    addressesOf: peerId => (table.getPeer(peerId)?.connections ?? []).map(({ remoteAddr }) => remoteIp(remoteAddr)).filter(ip => ip != null),
    // that a relay is needed does not excuse what it does
    isExempt: peerId => standing.protection.tags(peerId.toString()).some(tag => tag !== RELAY_TAG)
  }, config.misbehaviour)

  const resources = rooms.resources = resourceManager({
    limits: config.limits === false ? false : {},
    defaults: limits,
    maxConnections: config.maxConnections,
    onRefused: (error, attempt) => { emit('resource:refuse', { error, attempt }) },
    realmOfProtocol: protocol => realms.ofProtocol(protocol)
  })
  rooms.departures = new Departures(rooms)
  rooms.reachability = new NodeReachability(rooms, config.whilePrivate)

  const { realmSettings } = config
  const hasRealmGrace = [...realmSettings.values()].some(({ gracePeriod }) => gracePeriod != null)
  rooms.rules = {
    value: peer => standing.valueOfPeer(peer),
    best: (peer, among) => rooms.paths.best(peer, among),
    streams: connection => rooms.use.streams(connection),
    isProtected: peer => standing.protection.isProtected(peer.key),
    isAllowListed: connection => allowList.hasPeer(connection.remoteAddr, connection.remotePeer),
    isPlain: () => config.allow.length === 0 && !hasRealmGrace,
    gracePeriodOf: peer => {
      const realm = hasRealmGrace ? realms.shareOf(peer.peerId) : undefined

      return realm == null ? undefined : realmSettings.get(realm)?.gracePeriod
    },
    realmOf: peer => realms.shareOf(peer.peerId),
    shares: () => rooms.realms.shares(),
    spared: () => sparedBy(rooms)
  }
  rooms.realms = new RealmRooms(rooms, { ...config, realms: [...Object.keys(limits.realms ?? {}), ...realmSettings.keys()] })
  const { realms } = rooms.realms

  rooms.replacements = new Replacements(rooms, config)
  const { pipeline } = Object.assign(rooms, createAdmission(rooms, config, limits))
  rooms.charges = new ConnectionCharges(rooms)
  rooms.streamRates = new StreamRates(clock, limits.streamRates)
  rooms.streams = new StreamAccounting(rooms)
  rooms.controls = new ResourceControls({ resources, realms, pipeline, streamRates: rooms.streamRates }, config.limits ?? {}, limits, config.maxIncomingPendingConnections)
  rooms.trimmer = new Trimmer({ ...rooms, places: () => resources.places }, config)
  rooms.protection = protectionOf(standing, rooms.trimmer)
  rooms.watermarks = new RealmWatermarks({ ...rooms, realms }, config)
  rooms.parked = new ParkedPeers({
    clock,
    random: context.random,
    log,
    isBelowLowWater: more => rooms.trimmer.isBelowLowWater(more),
    isBelowHighWater: more => rooms.trimmer.isBelowHighWater(more),
    hasPlaceInRealm: (realm, more) => rooms.watermarks.hasPlace(realm, more) && rooms.realms.hasPlace(realm, more),
    isConnected: peerId => table.getPeer(peerId) != null,
    isKeptAlive: key => standing.peerStoreTags.isKeptAlive(key),
    valueOf: peerId => standing.value(peerId)
  })
  Object.assign(rooms, createWatchers(rooms, config))
  enforceBans(rooms)

  return rooms
}

/**
 * The connections that go after others of equal value: to peers that would be dialled
 * again, and through relays that are needed
 */
function sparedBy ({ reachability, standing, table }: Rooms): ReadonlySet<Connection> | undefined {
  const relayed = reachability.spared()
  const keptAlive = standing.peerStoreTags.keptAlive().flatMap(key => table.getPeer(key)?.connections ?? [])

  return keptAlive.length === 0 ? relayed : new Set([...relayed ?? [], ...keptAlive])
}

/**
 * The user's function is asked for every stream, which should not fail because of it
 */
function serviceOf ({ serviceOf: ask = libp2pService }: RoomsConfig, log: Logger): (protocol: string) => string | undefined {
  return protocol => {
    try {
      return ask(protocol)
    } catch (err) {
      log.error('serviceOf failed for %s - %e', protocol, err)
    }
  }
}
