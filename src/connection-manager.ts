import { serviceCapabilities } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { steadyClock, systemClock } from './clock.ts'
import { WATERMARK_DEFAULTS } from './config.ts'
import { assertInstalled, install } from './install.ts'
import { withGuardedMetrics } from './metrics/index.ts'
import { configure } from './node-options.ts'
import { systemRandom } from './random.ts'
import { assertOptionsOf, warnAtStart } from './start-checks.ts'
import { tagInfo, withMaxConnections } from './trimming/index.ts'
import { createDialer, createExplainer, createOutbound, changeMaxConnections, changeNetwork, connectionStats, createGaters, startRecycling, createRooms, hangUp, openStream, lateMetrics, startRooms, stopRooms, withBoundedDatastore } from './wiring/index.ts'
import type { Clock } from './clock.ts'
import type { ConnectionManagerConfig, ConnectionManagerInit } from './config.ts'
import type { DialQueue, Dialer } from './dialing/index.ts'
import type { BanList, DiscouragedList, MisbehaviourResult, Penalty } from './gating/index.ts'
import type { ConnectionManagerComponents } from './install.ts'
import type { TrimResult } from './metrics/index.ts'
import type { OutboundControl, ReconnectQueue, StaticPeers, TrustedPeers } from './outbound/index.ts'
import type { Realms } from './resources/index.ts'
import type { TagInfo, TagOptions, TrimOptions } from './trimming/index.ts'
import type { RecycleRequest } from './upkeep/index.ts'
import type { ConnectionManagerEvents, ConnectionStats, Emit, Explainer, NetworkChange, NodeReachabilityStatus, PeerStreamOptions, ResourceControls, Rooms } from './wiring/index.ts'
import type { AbortOptions, Connection, DialTarget, IsDialableOptions, MultiaddrConnection, PeerId, PendingDial, Startable, Stream } from '@libp2p/interface'
import type { ConnectionManager, OpenConnectionOptions } from '@libp2p/interface-internal'
import type { PeerMap } from '@libp2p/peer-collections'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The connection manager as a service of a libp2p node. It wires the rooms and
 * has no policy of its own.
 */
export class ConnectionManagerService extends TypedEventEmitter<ConnectionManagerEvents> implements ConnectionManager, Startable {
  /**
   * The dials that run and wait
   */
  readonly dialQueue: DialQueue

  /**
   * Reconnects to peers with a `keep-alive` tag
   */
  readonly reconnectQueue: ReconnectQueue

  /**
   * Dials peers without being asked each time
   */
  readonly outbound: OutboundControl

  /**
   * Who is dialled whenever there is no connection
   */
  readonly staticPeers: StaticPeers

  /**
   * Who is trusted
   */
  readonly trustedPeers: TrustedPeers

  /**
   * Who is banned
   */
  readonly bans: BanList

  /**
   * Who may only stay while there is room
   */
  readonly discouraged: DiscouragedList

  /**
   * Who may use how much, and uses it
   */
  readonly resources: ResourceControls

  /**
   * Named groups of peers with limits of their own
   */
  readonly realms: Realms

  /**
   * Everything that there is to say about a peer
   */
  readonly explain: Explainer['explain']

  /**
   * What was decided lately
   */
  readonly decisions: Explainer['decisions']

  readonly #components: ConnectionManagerComponents
  readonly #config: ConnectionManagerConfig
  readonly #rooms: Rooms
  readonly #dialer: Dialer
  readonly #replace: (request: RecycleRequest) => Promise<Connection | undefined>
  readonly #registerMetrics: () => Promise<void>
  readonly #warnings: string[]
  #started = false

  constructor (components: ConnectionManagerComponents, init: ConnectionManagerInit = {}, wallClock: Clock = systemClock) {
    super()

    const log = components.logger.forComponent('libp2p:connmgr')
    const { config, warnings } = configure(init, components, log)
    const clock = steadyClock(wallClock)
    this.#components = components
    this.#config = config
    this.#warnings = warnings
    const measured = withBoundedDatastore(withGuardedMetrics(components, log), clock)
    const emit: Emit = (type, detail) => { this.listenerCount(type) > 0 && this.safeDispatchEvent(type, { detail }) }
    const context = { clock, log, random: systemRandom, emit }
    const rooms = this.#rooms = createRooms(measured, config, context)
    this.realms = rooms.realms.realms

    const { dialQueue, dialer, targets } = createDialer(measured, rooms, config);
    ({ bans: this.bans, discouraged: this.discouraged, controls: this.resources } = rooms);
    ({ dialQueue: this.dialQueue, dialer: this.#dialer } = { dialQueue, dialer });
    ({ outbound: this.outbound, reconnectQueue: this.reconnectQueue, staticPeers: this.staticPeers, trustedPeers: this.trustedPeers } = createOutbound({ node: measured, rooms, dialer, targets, connectionManager: this }, config));
    ({ explain: this.explain, decisions: this.decisions } = createExplainer({ clock, rooms, dialQueue, events: this, staticPeers: this.staticPeers }, config))

    const dial = async (peerId: PeerId): Promise<Connection> => this.openConnection(peerId)
    this.#replace = startRecycling({ ...rooms, events: this, dial }, config)
    this.#registerMetrics = lateMetrics({ metrics: measured.metrics, rooms, dialQueue, dialer, clock, events: this, outbound: this.outbound }, config.gracePeriod)

    install(components, {
      manager: this,
      ...createGaters(rooms, config),
      middleware: rooms.streams.middleware,
      onUpgrade: (socket, dialled, signal) => rooms.pending.upgrade(socket, dialled, signal),
      timeouts: config.init,
      replaceMonitor: config.liveness !== false
    })
  }

  readonly [Symbol.toStringTag] = 'libp2p-connmgr'

  readonly [serviceCapabilities]: string[] = ['@libp2p/connection-manager']

  isStarted (): boolean {
    return this.#started
  }

  /**
   * Fetches what this node needs and most nodes do not
   */
  async beforeStart (): Promise<void> {
    await Promise.all([this.#registerMetrics(), this.outbound.load()])
  }

  /**
   * @throws {InvalidOptionError} if the service has another name than
   * `connectionManager`, as libp2p would go on using its own manager then
   * @throws {Error} if the stored bans cannot be read
   */
  async start (): Promise<void> {
    if (this.#started) {
      return
    }

    assertInstalled(this.#components, this)
    this.#started = true
    warnAtStart(this.#warnings, this.#rooms.log)
    this.#dialer.start()
    globalThis.addEventListener?.('online', this.networkChanged)
    await Promise.all([startRooms(this.#rooms), this.#registerMetrics()])
    await this.outbound.start()
    this.#rooms.log('started')
  }

  afterStart (): void {
    this.#rooms.standing.peerStoreTags.load().catch(err => { this.#rooms.log.error('could not read the tags in the peer store - %e', err) })
    this.outbound.afterStart()
  }

  /**
   * All parts of the node stop at the same time, and transports close connections, too
   */
  beforeStop (): void {
    this.#rooms.closing.markAll(this.#rooms.table.allConnections(), 'stop')
  }

  async stop (): Promise<void> {
    if (!this.#started) {
      return
    }

    this.#started = false
    globalThis.removeEventListener?.('online', this.networkChanged)
    await this.outbound.stop()
    await Promise.all([this.#dialer.stop(), stopRooms(this.#rooms)])
    this.#rooms.log('stopped')
  }

  getConnections (peerId?: PeerId): Connection[] {
    return peerId == null ? this.#rooms.table.allConnections() : [...this.#rooms.table.byPeer.get(peerId) ?? []]
  }

  getConnectionsMap (): PeerMap<Connection[]> {
    return this.#rooms.table.byPeer
  }

  getMaxConnections (): number {
    return this.#rooms.pipeline.maxConnections
  }

  /**
   * Change `maxConnections`. The watermarks that were not given follow from it, the others are
   * lowered where they would be above it. If more are open than it allows, they are trimmed.
   *
   * @throws {InvalidOptionError} if it is not a number of at least 1, or less than realms
   * reserve, and then nothing has changed
   */
  setMaxConnections (maxConnections: number): void {
    changeMaxConnections(this.#rooms, withMaxConnections(this.#config.init, maxConnections, WATERMARK_DEFAULTS))
  }

  /**
   * How many connections are open, to all peers or to one
   */
  connectionCount (peerId?: PeerId): number {
    return peerId == null ? this.#rooms.table.size : this.#rooms.table.getPeer(peerId)?.connections.length ?? 0
  }

  /**
   * How many connections there are, and may be
   */
  getStats (): ConnectionStats {
    return connectionStats(this.#rooms, this.#dialer.pending)
  }

  async openConnection (target: DialTarget, options: OpenConnectionOptions = {}): Promise<Connection> {
    this.outbound.want(target)

    return this.#dialer.openConnection(target, options)
  }

  /**
   * Open a stream over the best connection to a peer. The peer is dialled if there
   * is none.
   */
  async openStream (target: DialTarget, protocol: string | string[], options: PeerStreamOptions = {}): Promise<Stream> {
    return openStream({
      clock: this.#rooms.clock,
      events: this.#rooms.events,
      openConnection: async (target, options) => this.openConnection(target, options),
      getConnection: peerId => this.getConnection(peerId)
    }, target, protocol, options, this.#config.dialTimeout)
  }

  /**
   * The connection over which a peer is reached best. Where there is a relayed and a
   * direct one, that is the direct one.
   */
  getConnection (peerId: PeerId): Connection | undefined {
    return this.#rooms.getConnection(peerId)
  }

  /**
   * Close the connections to a peer. A peer with a `keep-alive` tag is not dialled
   * again until it was connected another time.
   */
  async closeConnections (peerId: PeerId, options: AbortOptions = {}): Promise<void> {
    await hangUp(peerId, this.#rooms, this.outbound, options)
  }

  acceptIncomingConnection (maConn: MultiaddrConnection): boolean {
    return this.#rooms.charges.accept(maConn)
  }

  afterUpgradeInbound (): void {
    this.#rooms.pending.acceptedUpgradeEnded()
  }

  getDialQueue (): PendingDial[] {
    return this.dialQueue.pendingDials()
  }

  async isDialable (target: Multiaddr | Multiaddr[], options: IsDialableOptions = {}): Promise<boolean> {
    return this.dialQueue.isDialable(target, options)
  }

  /**
   * Give a peer a tag that counts towards its value. A tag that exists gets the
   * new value, or what its `bump` option makes of the old and the new one. Tags
   * can be given to peers that are not connected.
   *
   * @throws {InvalidOptionError} if an argument is not what it should be
   */
  tag (peerId: PeerId, name: string, value: number, options?: TagOptions): void {
    this.#rooms.standing.tag(peerId, name, value, options)
  }

  /**
   * Remove a tag that was given with `tag`. Returns `false` if there was none.
   */
  untag (peerId: PeerId, name: string): boolean {
    return this.#rooms.standing.untag(peerId, name)
  }

  /**
   * Returns `undefined` if the peer is neither connected nor tagged, or forgotten
   */
  getTagInfo (peerId: PeerId): TagInfo | undefined {
    return tagInfo(peerId, this.#rooms.standing, this.#rooms.table, this.#rooms.clock)
  }

  /**
   * Never trim this peer, whether it is connected now or later. It is protected
   * for as long as at least one tag protects it.
   */
  protect (peerId: PeerId, tag: string): void {
    this.#rooms.standing.protect(peerId, tag)
  }

  /**
   * Take back the protection by one tag. Returns `true` if another tag still
   * protects the peer.
   */
  unprotect (peerId: PeerId, tag: string): boolean {
    return this.#rooms.protection.unprotect(peerId, tag)
  }

  /**
   * Whether a tag protects the peer, or any tag if none is given
   */
  isProtected (peerId: PeerId, tag?: string): boolean {
    return this.#rooms.standing.isProtected(peerId, tag)
  }

  /**
   * Trim down to the low watermark now. If a trim is running, resolves with its
   * result.
   */
  async trim (options?: TrimOptions): Promise<TrimResult> {
    return this.#rooms.trimmer.trim(options)
  }

  /**
   * Close the `n` least valuable connections, whatever the watermarks
   *
   * @throws {InvalidOptionError} if `n` is not a whole number of at least 0
   */
  async trimConnections (n: number): Promise<TrimResult> {
    return this.#rooms.trimmer.trimConnections(n)
  }

  /**
   * Close a connection that does not do what it should, and dial its peer again. The
   * peer keeps its place in its realm. Resolves to the new connection, or to
   * `undefined` if the connection was not replaced: because it is not open, because
   * one to this peer was replaced a short while ago, or because no other peer is
   * connected.
   *
   * @throws {Error} what dialling throws
   */
  async recycle (connection: Connection, reason: string): Promise<Connection | undefined> {
    return this.#replace({ connection, reason })
  }

  /**
   * The network has changed: forget which addresses failed and that UDP or IPv6 does not
   * work, probe all connections at once, and dial those again that are to be kept,
   * however long they would have been left alone. A connection that turns out to be dead
   * is replaced if we had dialled it, or its peer is protected. What was done is returned,
   * and told by the event `network:change`.
   */
  readonly networkChanged = (): NetworkChange => changeNetwork(this.#rooms, this.dialQueue, this.outbound)

  /**
   * Others can dial this node, or cannot. While they cannot, it opens more connections
   * itself and holds on to its relays (`whilePrivate`). Called by `reachability()`.
   *
   * @throws {InvalidOptionError} if the state is none
   */
  readonly reachabilityChanged = (status: NodeReachabilityStatus): void => {
    this.#rooms.reachability.change(status)
  }

  /**
   * A peer has misbehaved. What it does once too often is `transient` and decays,
   * what it never should have done is `persistent`. With a high score it is
   * discouraged, with a higher one banned.
   *
   * @throws {InvalidOptionError} if the penalty is not made of numbers of 0 or more
   * @throws {Error} if the ban cannot be stored
   */
  async reportMisbehaviour (peerId: PeerId, penalty: Penalty, reason?: string): Promise<MisbehaviourResult> {
    return this.#rooms.misbehaviour.report(peerId, penalty, reason)
  }
}

/**
 * A drop-in connection manager. The service has to be named `connectionManager`,
 * and should be the first one.
 *
 * @throws {InvalidOptionError} if the options are not usable
 * @throws {UnsupportedVersionError} if the libp2p of the node is too old
 */
export function connectionManager (init: ConnectionManagerInit = {}): (components: ConnectionManagerComponents) => ConnectionManagerService {
  assertOptionsOf('connectionManager', init)

  return components => new ConnectionManagerService(components, init)
}
