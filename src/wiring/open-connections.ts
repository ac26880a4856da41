import { entriesOf } from '../core/index.ts'
import { WatermarkCrossings } from './watermark-crossings.ts'
import type { CloseReasons } from './close-reasons.ts'
import type { ConnectionCharges } from './connection-charges.ts'
import type { Emit } from './context.ts'
import type { Departures } from './departures.ts'
import type { OpenedConnection } from './events.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { RealmWatermarks } from './realm-watermarks.ts'
import type { ExceededLimit } from '../admission/index.ts'
import type { Clock } from '../clock.ts'
import type { ConnectionEntry, ConnectionTable, OpenEntry, PeerEntry } from '../core/index.ts'
import type { Misbehaviour } from '../gating/index.ts'
import type { ParkedPeers } from '../outbound/index.ts'
import type { ConnectionScope } from '../resources/index.ts'
import type { Standing, Trimmer, TrimmingConfig } from '../trimming/index.ts'
import type { Flapping, IdleCloser, Liveness, PathKeeper } from '../upkeep/index.ts'
import type { Connection, Logger, PeerId, StreamCloseEvent } from '@libp2p/interface'

export interface OpenConnectionsComponents {
  clock: Clock
  log: Logger
  emit: Emit
  closing: CloseReasons
  table: ConnectionTable
  charges: ConnectionCharges
  streams: { watch(connection: Connection, scope: ConnectionScope | undefined): void }
  departures: Departures
  standing: Standing
  realms: RealmRooms
  paths: PathKeeper
  idle: IdleCloser
  liveness?: Liveness
  flapping?: Flapping
  misbehaviour: Pick<Misbehaviour, 'onClose'>
  trimmer: Trimmer
  parked: ParkedPeers

  /**
   * A connection gives back what was taken for it
   */
  giveBack(entry: ConnectionEntry): void

  /**
   * Notes what a peer is worth, for the next trim
   */
  note(peer: PeerEntry): void

  watermarks: RealmWatermarks

  /**
   * Closes a connection for which there is no room
   */
  refuse(connection: Connection, exceeded: ExceededLimit): void
}

/**
 * Tells the rooms of connections that open and close
 */
export class OpenConnections {
  readonly #components: OpenConnectionsComponents
  readonly #crossings: WatermarkCrossings

  /**
   * Have realms liveness times of their own?
   */
  readonly #hasRealmLiveness: boolean

  constructor (components: OpenConnectionsComponents, { realmSettings }: Pick<TrimmingConfig, 'realmSettings'>) {
    this.#components = components
    this.#hasRealmLiveness = [...realmSettings.values()].some(({ liveness }) => liveness != null)
    this.#crossings = new WatermarkCrossings(() => components.trimmer, crossing => { components.emit('watermark:cross', crossing) })
  }

  onPeerConnect (peer: PeerEntry): void {
    this.#components.standing.tags.peerConnected(peer)
    this.#components.parked.onConnect(peer.key)
  }

  onPeerDisconnect (peer: PeerEntry): void {
    const { parked, realms, standing } = this.#components

    parked.onDisconnect(peer, realms.realms.shareOf(peer.peerId))
    parked.check()
    standing.tags.peerDisconnected(peer)
    realms.peerDisconnected(peer.peerId)
  }

  /**
   * A connected peer is in another realm: what holds for its connections may have
   * changed
   */
  onRealm (peerId: PeerId): void {
    const { liveness, table, watermarks } = this.#components
    const peer = this.#hasRealmLiveness ? table.getPeer(peerId) : undefined

    for (const entry of peer == null ? [] : entriesOf(peer)) {
      liveness?.unwatch(entry)
      liveness?.watch(entry)
    }

    watermarks.check(peerId)
  }

  onOpen (connection: Connection): void {
    const { charges, departures, emit, idle, liveness, note, paths, realms, refuse, streams, table, trimmer, watermarks } = this.#components
    const entry = table.get(connection)

    // whoever was told of the peer has closed it already
    if (entry == null) {
      return
    }

    const { peer } = entry
    entry.onClose = this.#onRefusedClose
    entry.listen()
    const error = charges.opened(entry)

    // it came in past admission, or was dialled without a peer id
    if (error != null) {
      refuse(connection, error)
      return
    }

    // an earlier one may have been refused
    if (peer.connections.every(other => other === connection || departures.has(other))) {
      peer.admitted = true
      realms.realms.peerConnected(peer.peerId)
    }

    entry.onClose = this.#onKeptClose
    streams.watch(connection, entry.scope)
    note(peer)
    paths.onOpen(connection, peer)
    liveness?.watch(entry)
    idle.watch(connection)
    emit('connection:open', opened(connection))
    this.#crossings.update(table.size)
    trimmer.check()
    watermarks.check(peer.peerId)
  }

  /**
   * A connection was closed that was not to stay
   */
  readonly #onRefusedClose = (entry: OpenEntry): void => {
    this.#components.giveBack(entry)
  }

  readonly #onKeptClose = (entry: OpenEntry, event: Pick<StreamCloseEvent, 'error'>): void => {
    const { clock, closing, emit, flapping, idle, liveness, log, misbehaviour, paths, table } = this.#components
    const { connection, openedAt, peer } = entry
    const now = clock.now()
    this.#onRefusedClose(entry)
    const reason = closing.of(entry, event)

    // who is sent away does not come and go by itself
    if ((reason === 'remote' || reason === 'error') && peer.connections.every(other => other === connection) && flapping?.onDisconnect(peer.key, now - peer.firstSeen) === true) {
      log('%p connects and disconnects too often, keeping it out for a while', peer.peerId)
    }

    misbehaviour.onClose(entry.peer.key, entry.ip)
    paths.onClose(entry)
    liveness?.unwatch(entry)
    idle.unwatch(connection)
    emit('connection:close', {
      ...opened(connection),
      reason,
      cause: entry.closeCause,
      duration: now - openedAt,
      error: event.error
    })
    this.#crossings.update(table.size)
    this.#components.parked.check()
  }
}

function opened (connection: Connection): OpenedConnection {
  const { direction, remoteAddr, remotePeer } = connection

  return { connection, direction, remoteAddr, peerId: remotePeer }
}
