import { isPeerId } from '@libp2p/interface'
import { isMultiaddr } from '@multiformats/multiaddr'
import { remotePeerOf } from '../dialing/index.ts'
import type { OutboundStat } from './outbound-stat.ts'
import type { SkipCounts } from './outbound-stat.ts'
import type { Outbound } from './outbound.ts'
import type { ReconnectQueue } from './reconnect-queue.ts'
import type { RelayedPeers } from './relayed-peers.ts'
import type { StaticPeers } from './static-peers.ts'
import type { DialTarget, Logger, PeerId } from '@libp2p/interface'

export interface OutboundControlComponents {
  log: Logger

  /**
   * Fetches what dials up to a target, which most nodes have no use for. `undefined`
   * where no target is asked for.
   */
  loadTopUp?(): Promise<Outbound>

  /**
   * The target, while it does not depend on what is connected
   */
  target: number
  skips: SkipCounts
  staticPeers: StaticPeers
  reconnectQueue: ReconnectQueue
  relayedPeers: RelayedPeers
}

/**
 * - `user` because of `pause()`
 * - `offline` there is no network
 */
type PauseReason = 'user' | 'offline'

/**
 * Everything that dials without being asked each time: static peers, peers with a
 * `keep-alive` tag, and connections up to a target
 */
export class OutboundControl {
  readonly #components: OutboundControlComponents
  readonly #pauses = new Set<PauseReason>()
  #topUp?: Outbound

  /**
   * Whom the user hung up on before it was there
   */
  readonly #leftEarly = new Map<string, PeerId>()
  #isStarted = false
  #isReady = false

  constructor (components: OutboundControlComponents) {
    this.#components = components
  }

  /**
   * How far the connections are that the node opens of its own choice
   */
  get stat (): OutboundStat {
    const { skips, target } = this.#components

    return { ...this.#topUp?.stat ?? { target, connected: 0, dialling: 0, skipped: skips }, paused: !this.#isDialling }
  }

  /**
   * Whether nothing is dialled that nobody asks for, because of `pause()` or because
   * there is no network
   */
  get isPaused (): boolean {
    return this.#pauses.size > 0
  }

  get #isDialling (): boolean {
    return this.#isReady && this.#pauses.size === 0
  }

  /**
   * Dial nobody until `resume` is called, neither static peers, nor those with a
   * `keep-alive` tag, nor up to the target. What is open stays open, and whoever
   * is asked for is dialled.
   */
  pause (): void {
    this.#suspend('user')
  }

  /**
   * Take up again what `pause` has interrupted
   */
  resume (): void {
    if (this.#pauses.delete('user')) {
      this.#proceed('afterStart')
    }
  }

  /**
   * There is no network
   */
  readonly offline = (): void => {
    this.#suspend('offline')
  }

  /**
   * There is a network, maybe another one. Failures of the past are forgotten even while
   * nothing is dialled. Returns how many static and kept peers are dialled at once that
   * waited for it.
   */
  networkChanged (): number {
    const { reconnectQueue, relayedPeers, staticPeers } = this.#components
    this.#pauses.delete('offline')
    const restarted = reconnectQueue.restart()
    this.#proceed('networkChanged')
    this.#topUp?.networkChanged()

    return restarted + staticPeers.networkChanged() + relayedPeers.networkChanged()
  }

  /**
   * Others can dial this node, or cannot: the target is another one
   */
  reachabilityChanged (): void {
    this.#topUp?.reachabilityChanged()
  }

  /**
   * Fetch what is only needed with a target. Done by `start` where it was not before.
   *
   * @throws {Error} if it cannot be fetched
   */
  async load (): Promise<void> {
    this.#topUp ??= await this.#components.loadTopUp?.()

    for (const peerId of this.#leftEarly.values()) {
      this.#topUp?.hangUp(peerId)
    }

    this.#leftEarly.clear()
  }

  async start (): Promise<void> {
    this.#isStarted = true
    globalThis.addEventListener?.('offline', this.offline)

    // only browsers know
    if (globalThis.navigator?.onLine === false) {
      this.#pauses.add('offline')
    }

    if (this.#pauses.size === 0) {
      this.#components.reconnectQueue.start()
    }

    await this.load()

    if (this.#isStarted) {
      await this.#topUp?.start()
    }
  }

  /**
   * The node is started as a whole, so it can dial
   */
  afterStart (): void {
    this.#isReady = this.#isStarted
    this.#proceed('afterStart')
  }

  /**
   * To be called before connections are closed
   */
  async stop (): Promise<void> {
    const { reconnectQueue, relayedPeers, staticPeers } = this.#components
    this.#isStarted = false
    this.#isReady = false
    globalThis.removeEventListener?.('offline', this.offline)
    this.#pauses.delete('offline')
    reconnectQueue.stop()
    staticPeers.stop()
    relayedPeers.stop()
    await this.#topUp?.stop()
  }

  /**
   * The user hangs up on a peer. It is left alone until it is connected again.
   */
  hangUp (peerId: PeerId, connected: boolean): void {
    this.#components.reconnectQueue.hangUp(peerId, connected)
    this.#components.staticPeers.hangUp(peerId)
    this.#components.relayedPeers.hangUp(peerId)

    if (this.#topUp != null) {
      this.#topUp.hangUp(peerId)
    } else if (this.#components.loadTopUp != null) {
      this.#leftEarly.set(peerId.toString(), peerId)
    }
  }

  /**
   * The user asks for a connection
   */
  want (target: DialTarget): void {
    if (this.#components.loadTopUp == null) {
      return
    }

    const [first] = Array.isArray(target) ? target : [target]

    if (isPeerId(first)) {
      this.#wantPeer(first.toString())
    } else if (isMultiaddr(first)) {
      this.#wantPeer(remotePeerOf(first))
    }
  }

  #wantPeer (peer: string | undefined): void {
    this.#leftEarly.delete(`${peer}`)
    this.#topUp?.want(peer)
  }

  #suspend (reason: PauseReason): void {
    const { log, reconnectQueue, relayedPeers, staticPeers } = this.#components
    this.#pauses.add(reason)

    if (this.#isStarted && this.#pauses.size === 1) {
      log('dialling nobody - %s', reason)
      reconnectQueue.pause()
      staticPeers.stop()
      relayedPeers.stop()
      this.#topUp?.pause()
        .catch(err => { log.error('could not give up dials - %e', err) })
    }
  }

  #proceed (reconnect: 'afterStart' | 'networkChanged'): void {
    const { log, reconnectQueue, relayedPeers, staticPeers } = this.#components

    if (this.#isDialling) {
      staticPeers.start()
      relayedPeers.start()
      this.#topUp?.resume()
      reconnectQueue.start()
      reconnectQueue[reconnect]()
        .catch(err => { log.error('could not reconnect to keep-alive peers - %e', err) })
    }
  }
}
