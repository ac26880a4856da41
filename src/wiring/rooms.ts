import { AllowList } from '../admission/index.ts'
import { ApplicationUse, ConnectionTracker, closeWithin } from '../connections/index.ts'
import { BanList, DiscouragedList, Misbehaviour } from '../gating/index.ts'
import { RELAY_TAG } from '../outbound/index.ts'
import { libp2pService, resolveLimits, resourceManager } from '../resources/index.ts'
import { GracePeriod, Standing, Trimmer, candidatesAmong, noteValue } from '../trimming/index.ts'
import { enforceBans } from './ban-enforcer.ts'
import { CloseReasons } from './close-reasons.ts'
import { ConnectedHosts } from './connected-hosts.ts'
import { createAdmission } from './create-admission.ts'
import { createWatchers } from './create-watchers.ts'
import { Departures } from './departures.ts'
import { DialReservations } from './dial-reservations.ts'
import { HeldScopes } from './held-scopes.ts'
import { InboundConnections } from './inbound-connections.ts'
import { NodeReachability } from './node-reachability.ts'
import { OpenConnections } from './open-connections.ts'
import { protectionOf } from './protection.ts'
import { RawConnections } from './raw-connections.ts'
import { RealmRooms } from './realm-rooms.ts'
import { RealmWatermarks } from './realm-watermarks.ts'
import { ResourceControls } from './resource-controls.ts'
import type { Emit, RoomsComponents, RoomsConfig, RoomsContext } from './context.ts'
import type { CreatedAdmission } from './create-admission.ts'
import type { Watchers } from './create-watchers.ts'
import type { ConnectionTable, PeerEntry } from '../connections/index.ts'
import type { Refusal, TrimResult } from '../metrics/index.ts'
import type { PeerProtection } from '../outbound/index.ts'
import type { ResourceManager } from '../resources/index.ts'
import type { CandidateRules, RealmSettings, StandingObserver } from '../trimming/index.ts'
import type { Connection, Logger, PeerId } from '@libp2p/interface'

/**
 * The rooms, as the manager uses them
 */
export interface Rooms extends CreatedAdmission, Watchers {
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
  closing: CloseReasons
  rules: CandidateRules
  watermarks: RealmWatermarks
  held: HeldScopes
  inbound: InboundConnections
  dials: DialReservations
  raw: RawConnections
  use: ApplicationUse

  /**
   * The service that a protocol belongs to
   */
  serviceOf(protocol: string): string | undefined

  /**
   * Tells of a connection that was refused
   */
  onRefuse(refusal: Refusal): void
}

/**
 * Builds the rooms, and connects them with each other
 */
export function createRooms (components: RoomsComponents, config: RoomsConfig, context: RoomsContext): Rooms {
  const { clock, emit, log } = context
  const { datastore, events, logger, peerId } = components
  const limits = config.limits === false ? {} : resolveLimits(config.limits, config.maxConnections, config.maxIncomingPendingConnections)
  const onRefuse = (refusal: Refusal): void => { emit('connection:refuse', refusal) }
  const close = async (connection: Connection): Promise<void> => {
    await closeWithin(connection, config.connectionCloseTimeout, clock)
  }

  const tracker = new ConnectionTracker(components, {
    onPeerConnect: peer => { open.onPeerConnect(peer) },
    onPeerDisconnect: peer => { open.onPeerDisconnect(peer) },
    onOpen: connection => { open.onOpen(connection) }
  }, clock, log)
  const { table } = tracker
  const closing = new CloseReasons(table)
  const use = new ApplicationUse(clock, config.housekeepingProtocols)
  const raw = new RawConnections()
  const hosts = new ConnectedHosts()
  const allowList = new AllowList(config.allow)

  const standing = new Standing({ events, peerStore: components.peerStore, table }, {
    valueOf: config.valueOf,
    maxAbsentPeers: config.reputation.size,
    absentTTL: config.reputation.ttl,
    observer: tellOfStanding(emit)
  }, clock, log, peer => { note(peer) })
  // while it is at hand: at the time of a trim it would have to be fetched
  const note = (peer: PeerEntry): void => {
    standing.noteValue(peer)
    noteValue(peer, table.columns, rules)
  }

  const discouraged = new DiscouragedList(config.discouraged)
  const bans = new BanList({ clock: clock.wall, logger, datastore: config.bans?.datastore === false ? undefined : datastore }, config.bans)
  const misbehaviour = new Misbehaviour({
    clock,
    bans,
    discouraged: {
      addPeer: peerId => {
        discouraged.addPeer(peerId)
        emit('peer:discourage', peerId)
      }
    },
    // that a relay is needed does not excuse what it does
    isExempt: peerId => standing.protection.tags(peerId.toString()).some(tag => tag !== RELAY_TAG)
  }, config.misbehaviour)

  const resources = resourceManager({
    limits: config.limits === false ? false : {},
    defaults: limits,
    onRefused: (error, attempt) => { emit('resource:refuse', { error, attempt }) },
    realmOfProtocol: protocol => realms.realms.ofProtocol(protocol)
  })
  const departures = new Departures({
    clock,
    closing,
    log,
    release: connection => { held.of(connection)?.release() }
  }, config.connectionCloseTimeout)

  const reachability = new NodeReachability({ log, emit, table, lowWater: () => trimmer.lowWater }, config.whilePrivate)

  const hasRealmGrace = [...config.realmSettings.values()].some(({ gracePeriod }) => gracePeriod != null)
  const rules: CandidateRules = {
    value: peer => standing.valueOfPeer(peer),
    isProtected: peer => standing.protection.isProtected(peer.key),
    isAllowListed: connection => allowList.hasPeer(connection.remoteAddr, connection.remotePeer),
    isPlain: () => config.allow.length === 0 && !hasRealmGrace,
    gracePeriodOf: peer => settingsOf(peer.peerId)?.gracePeriod,
    realmOf: peer => realms.realms.shareOf(peer.peerId),
    shares: () => realms.shares(),
    spared: () => reachability.spared()
  }
  const realms: RealmRooms = new RealmRooms({
    clock,
    log,
    logger,
    events,
    emit,
    onRefuse,
    scopeOf: connection => held.of(connection),
    isProtected: peer => standing.protection.isProtected(peer.key),
    onAssign: peerId => { open.onRealm(peerId) },
    resources,
    table,
    departures,
    tagsOf: peerId => standing.tagNames(peerId),
    candidatesOf: connections => candidatesAmong(connections, table, rules, new GracePeriod(config.gracePeriod, clock.now()))
  }, { realmOf: config.realmOf, realms: [...Object.keys(limits.realms ?? {}), ...config.realmSettings.keys()] })
  const settingsOf = (peerId: PeerId): RealmSettings | undefined => {
    const realm = config.realmSettings.size === 0 ? undefined : realms.realms.shareOf(peerId)

    return realm == null ? undefined : config.realmSettings.get(realm)
  }

  const parts = { ...context, allowList, bans, close, closing, departures, discouraged, hosts, peerId, raw, reachability, realms, resources, standing, table, use }
  const { pipeline, load } = createAdmission(parts, config, limits)
  const inbound = new InboundConnections(pipeline)
  const dials = new DialReservations(resources, realms.makeRoomFor)
  const held: HeldScopes = new HeldScopes({ table, resources, inbound, dials, realmOf: peerId => realms.realms.placeOf(peerId), makeRoom: realms.makeRoomFor })

  const controls = new ResourceControls({ resources, realms: realms.realms, pipeline }, config.limits ?? {}, limits, config.maxIncomingPendingConnections)
  const trims = { table, rules, clock, log, onClosing: (connection: Connection) => { closing.mark(connection, 'trim') }, onTrim: (result: TrimResult) => { onTrim(result, components, emit) } }
  const trimmer: Trimmer = new Trimmer(trims, config)
  const watermarks = new RealmWatermarks({ ...trims, resources, realms: realms.realms }, config)
  const watchers = createWatchers(parts, config)
  const open: OpenConnections = new OpenConnections({
    ...parts,
    ...watchers,
    held,
    note,
    trimmer,
    watermarks,
    hasRealmLiveness: [...config.realmSettings.values()].some(({ liveness }) => liveness != null),
    onRefuse
  })
  enforceBans(parts)

  return { ...watchers, bans, closing, controls, dials, discouraged, held, inbound, load, misbehaviour, onRefuse, pipeline, protection: protectionOf(standing, trimmer), raw, reachability, realms, resources, rules, serviceOf: serviceOf(config, log), standing, table, tracker, trimmer, use, watermarks }
}

function tellOfStanding (emit: Emit): StandingObserver {
  return {
    onTag: (peerId, tag, value) => { emit('peer:tag', { peerId, tag, value }) },
    onUntag: (peerId, tag) => { emit('peer:untag', { peerId, tag }) },
    onProtect: (peerId, tag) => { emit('peer:protect', { peerId, tag, isProtected: true }) },
    onUnprotect: (peerId, tag, isProtected) => { emit('peer:unprotect', { peerId, tag, isProtected }) }
  }
}

function onTrim (result: TrimResult, { events }: RoomsComponents, emit: Emit): void {
  emit('connection:trim', result)

  if (result.closed.length > 0) {
    events.safeDispatchEvent('connection:prune', { detail: result.closed.map(({ connection }) => connection) })
  }
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
