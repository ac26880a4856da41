import { AnchorKeeper } from './anchor-keeper.ts'
import { AutomaticDials } from './automatic-dials.ts'
import { CandidateFinder } from './candidate-finder.ts'
import { BOOTSTRAP_TAG } from './candidate-source-names.ts'
import { candidateSources } from './candidate-sources.ts'
import { Churn } from './churn.ts'
import { DialRecords } from './dial-records.ts'
import { isPeerToBlame } from './dial-slots.ts'
import { Feelers } from './feelers.ts'
import { OutboundConnections } from './outbound-connections.ts'
import { targetOfTheMoment } from './private-target.ts'
import { releaseBootstrap } from './release-bootstrap.ts'
import { TopUp } from './top-up.ts'
import type { AnchorDatastore } from './anchor-keeper.ts'
import type { AutomaticConnection } from './automatic-dials.ts'
import type { CandidateFinderComponents } from './candidate-finder.ts'
import type { CandidateSourcesComponents } from './candidate-sources.ts'
import type { ChurnCandidate } from './choose-churned.ts'
import type { OutboundConnectionsComponents } from './outbound-connections.ts'
import type { OutboundStat, SkipCounts } from './outbound-stat.ts'
import type { TargetComponents } from './private-target.ts'
import type { SkippedCandidate } from './skip-reasons.ts'
import type { TopUpConfig } from './top-up-config.ts'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { Connection, IdentifyResult, Libp2pEvents, Logger, PeerId, PeerStore } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { TypedEventTarget } from 'main-event'

export interface OutboundComponents extends CandidateSourcesComponents, TargetComponents, Pick<OutboundConnectionsComponents, 'groupOfConnection'>, Pick<CandidateFinderComponents, 'lookUp' | 'isParked' | 'isDialable' | 'dialable' | 'isPeerBanned' | 'isAddressBanned'> {
  clock: Clock
  random: Random
  log: Logger
  peerId: PeerId
  peerStore: Pick<PeerStore, 'all' | 'merge'>
  datastore: AnchorDatastore
  events: TypedEventTarget<Libp2pEvents>

  /**
   * How often candidates were not dialled
   */
  skips: SkipCounts

  /**
   * All open connections
   */
  connections(): Connection[]
  isConnected(peerId: PeerId): boolean

  /**
   * The group of addresses that an address belongs to, if any
   */
  groupOf(multiaddr: Multiaddr): string | undefined

  /**
   * Dial a peer that nobody asked for
   */
  dial(multiaddrs: Multiaddr[], signal: AbortSignal): Promise<Connection>
  close(connection: Connection): Promise<void>

  /**
   * Whether the application uses a connection
   */
  isInUse(connection: Connection): boolean
  isProtected(peerId: PeerId): boolean
  valueOf(peerId: PeerId): number
  tagsOf(peerId: PeerId): readonly string[]

  /**
   * A candidate was not dialled. Called often: once for every peer that is known,
   * every few seconds, while connections are missing.
   */
  onSkip(skipped: SkippedCandidate): void
}

interface ChurnPeer extends ChurnCandidate {
  readonly connections: readonly Connection[]
}

/**
 * Keeps a number of outbound connections to peers that nobody asked for, in different
 * networks. Only needed where a number is asked for, see `isTopUpEnabled`.
 */
export class Outbound {
  readonly #components: OutboundComponents
  readonly #config: TopUpConfig
  readonly #records: DialRecords
  readonly #outbound: OutboundConnections
  readonly #dials: AutomaticDials
  readonly #feelerDials: AutomaticDials
  readonly #finder: CandidateFinder
  readonly #topUp: TopUp
  readonly #anchors: AnchorKeeper
  readonly #churn?: Churn<ChurnPeer>
  readonly #feelers?: Feelers
  readonly #automatic = new WeakSet<Connection>()
  #isStarted = false
  #isActive = false

  constructor (components: OutboundComponents, config: TopUpConfig, dialTimeout: number) {
    const { clock, log } = components
    this.#components = components
    this.#config = config

    this.#records = new DialRecords(clock)
    this.#outbound = new OutboundConnections({
      ...components,
      isBootstrap: peerId => config.releaseBootstrap && components.tagsOf(peerId).includes(BOOTSTRAP_TAG)
    })
    this.#anchors = new AnchorKeeper(components.datastore, config.anchors)

    const dialComponents = { ...components, records: this.#records, isPeerToBlame: () => isPeerToBlame(this.#outbound.ways, this.#target) }
    this.#dials = new AutomaticDials(dialComponents, dialTimeout)
    this.#feelerDials = new AutomaticDials(dialComponents, dialTimeout)

    const [feelerSource, ...sources] = candidateSources(['peer-store', ...config.sources], components)
    this.#finder = new CandidateFinder({
      ...components,
      records: this.#records,
      isDialling: peer => this.#dials.has(peer) || this.#feelerDials.has(peer),
      hasRoom: multiaddr => this.#hasRoom(multiaddr),
      onSkip: skipped => { this.#onSkip(skipped) },
      onReady: () => { this.#topUp.wake() }
    }, config, [this.#anchors.source, ...sources], feelerSource)
    this.#topUp = new TopUp({
      clock,
      log,
      dials: this.#dials,
      target: () => this.#target,
      connected: () => this.#outbound.size,
      candidates: signal => this.#finder.candidates(signal),
      retryIn: () => this.#finder.retryIn,
      releaseSources: () => { this.#finder.release() },
      reconcile: () => { this.#outbound.reconcile(components.connections()) },
      onConnected: result => { this.#onConnected(result) },
      onReached: () => { this.#onReached() }
    }, config)
    this.#churn = config.churn === false ? undefined : new Churn({ ...components, peers: () => this.#churnPeers(), drop: peer => { this.#drop(peer) } }, config.churn)
    this.#feelers = config.feelers === false
      ? undefined
      : new Feelers({
        ...components,
        isDue: () => this.#topUp.missing <= 0,
        candidate: async signal => this.#finder.feelerCandidate(signal),
        dial: async candidate => (await this.#feelerDials.dial(candidate)).connection,
        closeUnused: connection => { this.#closeUnused(connection) }
      }, config.feelers)
  }

  get stat (): OutboundStat {
    return {
      target: this.#target,
      connected: this.#outbound.size,
      dialling: this.#dials.size,
      paused: !this.#isActive,
      skipped: this.#components.skips
    }
  }

  get #target (): number {
    return targetOfTheMoment(this.#config, this.#components)
  }

  /**
   * Without anchors it begins with others
   */
  async start (): Promise<void> {
    if (this.#isStarted) {
      return
    }

    this.#isStarted = true
    this.#outbound.start()
    await this.#anchors.load()
      .catch(err => { this.#components.log.error('could not read whom to dial first - %e', err) })
  }

  /**
   * Begin to dial, or go on with it
   */
  resume (): void {
    if (!this.#isStarted || this.#isActive) {
      return
    }

    const { events, connections } = this.#components
    this.#isActive = true
    this.#outbound.onChange = this.#topUp.wake
    this.#outbound.reconcile(connections())
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('peer:discovery', this.#topUp.wake)
    events.addEventListener('peer:identify', this.#onIdentify)
    this.#topUp.start()
    this.#churn?.start()
    this.#feelers?.start()
  }

  /**
   * Dial nobody until `resume` is called. What is open stays open. Resolves when
   * nothing is left of the dials that are given up.
   */
  async pause (): Promise<void> {
    if (!this.#isActive) {
      return
    }

    const { events } = this.#components
    this.#isActive = false
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('peer:discovery', this.#topUp.wake)
    events.removeEventListener('peer:identify', this.#onIdentify)
    this.#churn?.stop()
    this.#feelerDials.abort()
    await Promise.all([this.#feelers?.stop(), this.#topUp.stop()])
  }

  /**
   * Give up what is being dialled, and store whom to dial first the next time. To be
   * called before the connections are closed.
   */
  async stop (): Promise<void> {
    if (!this.#isStarted) {
      return
    }

    this.#isStarted = false

    try {
      this.#outbound.reconcile(this.#components.connections())
      const peers = this.#outbound.list()
      await this.pause()
      this.#outbound.stop()
      this.#finder.stop()
      await this.#anchors.save(peers)
    } catch (err) {
      this.#components.log.error('could not store whom to dial first - %e', err)
    }
  }

  /**
   * The network has changed: what failed in the one before, or still runs, means nothing
   */
  networkChanged (): void {
    this.#dials.abort()
    this.#feelerDials.abort()
    this.#records.forgetDials()
    this.#finder.retry()
    this.#topUp.networkChanged()
  }

  /**
   * Others can dial this node, or cannot: the target is another one
   */
  reachabilityChanged (): void {
    this.#topUp.wake()
  }

  /**
   * The user hangs up on a peer
   */
  hangUp (peerId: PeerId): void {
    const key = peerId.toString()
    this.#finder.hangUp(key)
    this.#dials.abort(peer => peer === key)
    this.#feelerDials.abort(peer => peer === key)
  }

  /**
   * The user asks for a connection to a peer. If it is being dialled, it is not
   * given up when the target is reached.
   */
  want (key: string | undefined): void {
    if (key != null) {
      this.#finder.forgive(key)
      this.#dials.want(key)
      this.#feelerDials.want(key)
    }
  }

  #hasRoom (multiaddr: Multiaddr): boolean {
    const group = this.#components.groupOf(multiaddr)

    return group == null || this.#outbound.inGroup(group) + this.#dials.inGroup(group) < this.#config.groupLimit
  }

  #onSkip (skipped: SkippedCandidate): void {
    this.#components.skips[skipped.reason]++
    this.#components.log.trace('did not dial %p of %s - %s', skipped.peerId, skipped.source, skipped.reason)
    this.#components.onSkip(skipped)
  }

  readonly #onOpen = (event: CustomEvent<Connection>): void => {
    this.#finder.forgive(event.detail.remotePeer.toString())
  }

  /**
   * More peers are dialled than are missing, as about half of the dials fail. When
   * more succeed, the last are closed again, and so is who turns out to be elsewhere than
   * its address said.
   */
  #onConnected ({ connection, isWanted }: AutomaticConnection): void {
    const { groupLimit, softGroups } = this.#config
    this.#automatic.add(connection)
    this.#outbound.add(connection)
    const isCrowded = !softGroups && this.#outbound.inGroupOf(connection) > groupLimit

    if ((this.#topUp.missing < 0 || isCrowded) && !isWanted && connection.direction === 'outbound') {
      // at once, or the next one would be closed for it as well
      this.#outbound.remove(connection)
      this.#closeUnused(connection)
    }
  }

  /**
   * The dial that has reached the target does not know yet that it has
   */
  #onReached (): void {
    this.#dials.abort(peer => !this.#outbound.has(peer))

    if (this.#config.releaseBootstrap) {
      releaseBootstrap(this.#outbound.list(), {
        ...this.#components,
        close: connection => { this.#closeUnused(connection) }
      })
    }
  }

  /**
   * A peer that speaks none of the protocols that are asked for is of no use
   */
  readonly #onIdentify = (event: CustomEvent<IdentifyResult>): void => {
    const { connection, peerId, protocols } = event.detail
    const wanted = this.#config.protocols

    if (wanted.length > 0 && this.#automatic.has(connection) && !protocols.some(protocol => wanted.includes(protocol))) {
      this.#components.log('%p speaks none of the protocols that are asked for', peerId)
      this.#closeUnused(connection)
    }
  }

  #churnPeers (): ChurnPeer[] {
    const { clock, isInUse, isProtected, valueOf } = this.#components

    if (this.#topUp.missing > 0) {
      return []
    }

    return this.#outbound.list().filter(({ isBootstrap }) => !isBootstrap).map(({ connections, key, openedAt, peerId }) => ({
      key,
      connections: [...connections],
      age: clock.now() - openedAt,
      value: valueOf(peerId),
      isSpared: isProtected(peerId) || [...connections].some(isInUse)
    }))
  }

  #drop ({ connections, key }: ChurnPeer): void {
    // others should have their turn
    this.#records.onTry(key)
    connections.forEach(connection => { this.#closeUnused(connection) })
  }

  /**
   * Not at once, as whoever decides so may be handling an event of the connection
   */
  #closeUnused (connection: Connection): void {
    const { clock, close, isInUse, isProtected, log } = this.#components

    clock.setTimeout(() => {
      if (connection.status === 'open' && !isInUse(connection) && !isProtected(connection.remotePeer)) {
        close(connection).catch(err => { log.error('could not close a connection - %e', err) })
      }
    }, 0)
  }
}
