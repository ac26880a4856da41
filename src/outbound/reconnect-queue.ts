import { AbortError, KEEP_ALIVE, isPeerId } from '@libp2p/interface'
import { Queue } from '@libp2p/utils'
import pRetry from 'p-retry'
import { MAX_DELAY } from '../clock.ts'
import { withinTime } from '../core/index.ts'
import { follow } from '../follow.ts'
import { RecentMap } from '../recent-map.ts'
import type { ParkedPeers } from './parked-peers.ts'
import type { Clock } from '../clock.ts'
import type { ComponentLogger, Libp2pEvents, Logger, Metrics, Peer, PeerId, PeerStore, Tag } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'

export interface ReconnectQueueComponents {
  clock: Clock
  connectionManager: Pick<ConnectionManager, 'openConnection'>
  peerStore: Pick<PeerStore, 'all' | 'merge'>
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger

  /**
   * Who is dialled only when there is room
   */
  parked: Pick<ParkedPeers, 'dial' | 'cancel' | 'cancelAll'>
  metrics?: Metrics

  /**
   * Has the peer a `keep-alive` tag in the peer store, if that is known without reading
   * it? With many peers that disconnect at once, reading costs more than the rest.
   */
  isKeptAlive?(peerId: PeerId): boolean | undefined

  /**
   * What the peer store says about a peer
   */
  lookUp(peerId: PeerId): Promise<Peer | undefined>
}

export interface ReconnectQueueInit {
  reconnectRetries: number
  reconnectRetryInterval: number
  reconnectBackoffFactor: number
  maxParallelReconnects: number

  /**
   * How many ms one attempt may take
   */
  dialTimeout: number
}

/**
 * A peer that is left alone until it is connected another time
 */
interface LeftPeer {
  readonly peerId: PeerId

  /**
   * The tags that were taken from it when it was given up. `undefined`: the user hung up.
   */
  readonly tags?: Record<string, Tag>
}

/**
 * What is done about a peer that has disconnected
 */
interface Reconnect {
  readonly peerId: PeerId
  readonly controller: AbortController

  /**
   * It has disconnected again since it is being dialled
   */
  isLost: boolean
}

/**
 * Of how many peers it is remembered that the user hung up on them, or that they were
 * given up
 */
const MAX_REMEMBERED = 1_000

/**
 * Keeps the connections to peers with a tag that begins with `keep-alive`: dials
 * them when the node starts and when they disconnect, unless the user hung up, or there
 * are too many connections
 */
export class ReconnectQueue {
  readonly #components: ReconnectQueueComponents
  readonly #init: ReconnectQueueInit
  readonly #queue: Queue

  /**
   * Peers whose connections the user is closing
   */
  readonly #hungUp = new Set<string>()

  /**
   * Peers that were hung up on, or given up, and were not connected since
   */
  readonly #left = new RecentMap<string, LeftPeer>(MAX_REMEMBERED)

  /**
   * Peers that have disconnected, and whose tags are being read, or that wait for their
   * turn, or that are being dialled
   */
  readonly #reconnects = new Map<string, Reconnect>()

  /**
   * Ends the dials that were made when the node started
   */
  readonly #startDials = new Map<string, AbortController>()
  readonly #log: Logger

  /**
   * `undefined` while nobody is dialled
   */
  #unfollow?: () => void

  constructor (components: ReconnectQueueComponents, init: ReconnectQueueInit) {
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('libp2p:connmgr:reconnect-queue')
    this.#queue = new Queue({
      concurrency: init.maxParallelReconnects,
      metricName: 'libp2p_reconnect_queue',
      metrics: components.metrics
    })
  }

  start (): void {
    this.#unfollow ??= follow({ events: this.#components.events, log: this.#log }, {
      'peer:disconnect': peerId => { this.#onDisconnect(peerId) },
      // even if that happens before the connections are closed that the user hung up
      'connection:open': ({ remotePeer }) => {
        this.#hungUp.delete(remotePeer.toString())
        this.#left.delete(remotePeer.toString())
      }
    })
  }

  /**
   * Dial every peer that is to be kept
   */
  async afterStart (): Promise<void> {
    const peers = await this.#components.peerStore.all({ filters: [isKeptAlive] })

    await Promise.all(peers.map(async ({ id }) => {
      const key = id.toString()
      const left = this.#left.get(key)

      // who was given up may have been given another tag
      if (left != null && left.tags == null) {
        return
      }

      await this.#components.parked.dial(id, async () => this.#dialAtStart(id, key))
    }))
  }

  async #dialAtStart (peerId: PeerId, key: string): Promise<void> {
    const controller = new AbortController()
    this.#startDials.set(key, controller)

    try {
      await this.#connect(peerId, controller.signal)
    } catch (err) {
      this.#log('could not open a connection to the keep-alive peer %p - %e', peerId, err)
    } finally {
      this.#startDials.delete(key)
    }
  }

  /**
   * The network has changed. Those that wait for another attempt, or are dialled through
   * the network of before, are dialled at once and get all their attempts again. Returns
   * how many these are.
   */
  restart (): number {
    const waiting = [...this.#reconnects.values()]

    for (const { controller, peerId } of waiting) {
      this.#reconnects.delete(peerId.toString())
      controller.abort(new AbortError('The network has changed'))
      this.#onDisconnect(peerId)
    }

    return waiting.length
  }

  /**
   * The network has changed. Peers that were given up may not have been to blame, so
   * they get their tags back, and all are dialled that are not connected.
   */
  async networkChanged (): Promise<void> {
    const givenUp = [...this.#left].filter(([, { tags }]) => tags != null)
    givenUp.forEach(([key]) => { this.#left.delete(key) })

    for (const [, { peerId, tags }] of givenUp) {
      await this.#components.peerStore.merge(peerId, { tags })
    }

    if (this.#unfollow != null) {
      await this.afterStart()
    }
  }

  /**
   * Ends all attempts, and forgets on whom the user hung up
   */
  stop (): void {
    this.pause()
    this.#left.clear()
  }

  /**
   * Ends all attempts
   */
  pause (): void {
    this.#unfollow?.()
    this.#unfollow = undefined
    this.#hungUp.clear()
    this.#components.parked.cancelAll()
    this.#reconnects.forEach(({ controller }) => { controller.abort() })
    this.#reconnects.clear()
    this.#startDials.forEach(controller => { controller.abort() })
  }

  /**
   * The user is closing the connections to this peer. It is not dialled again
   * until it was connected another time.
   */
  hangUp (peerId: PeerId, connected: boolean): void {
    const key = peerId.toString()
    const reason = new AbortError('Hung up')

    if (connected && this.#unfollow != null) {
      this.#hungUp.add(key)
    }

    this.#left.set(key, { peerId })
    this.#components.parked.cancel(key)
    this.#startDials.get(key)?.abort(reason)
    this.#reconnects.get(key)?.controller.abort(reason)
    this.#reconnects.delete(key)
  }

  #onDisconnect (peerId: PeerId): void {
    const key = peerId.toString()
    const reconnect = this.#reconnects.get(key)

    if (this.#hungUp.delete(key) || !isPeerId(peerId)) {
      return
    }

    if (reconnect != null) {
      reconnect.isLost = true
    } else if (this.#components.isKeptAlive?.(peerId) !== false) {
      this.#components.parked.dial(peerId, async () => this.#reconnect(peerId, key))
        .catch(err => { this.#log.error('could not reconnect to %p - %e', peerId, err) })
    }
  }

  async #reconnect (peerId: PeerId, key: string): Promise<void> {
    const reconnect: Reconnect = { peerId, controller: new AbortController(), isLost: false }
    this.#reconnects.set(key, reconnect)

    try {
      await this.#tryToReconnect(peerId, reconnect)
    } finally {
      // not if it was stopped or hung up, and it may have disconnected anew since
      if (this.#reconnects.get(key) === reconnect) {
        this.#reconnects.delete(key)

        if (reconnect.isLost) {
          this.#onDisconnect(peerId)
        }
      }
    }
  }

  async #tryToReconnect (peerId: PeerId, reconnect: Reconnect): Promise<void> {
    const { signal } = reconnect.controller
    const peer = await this.#components.lookUp(peerId)
    reconnect.isLost = false

    if (peer == null || !isKeptAlive(peer)) {
      return
    }

    try {
      await this.#queue.add(async () => pRetry(async () => this.#connect(peerId, signal), {
        signal,
        retries: this.#init.reconnectRetries,
        factor: this.#init.reconnectBackoffFactor,
        minTimeout: Math.min(this.#init.reconnectRetryInterval, MAX_DELAY),
        // the wait grows, and a timer with a longer one fires at once
        maxTimeout: MAX_DELAY
      }), { signal })
    } catch (err) {
      // stopped or hung up, before or after it began: the peer keeps its tags
      if (!signal.aborted) {
        this.#log('gave up reconnecting to %p - %e', peerId, err)
        await this.#giveUp(peer)
      }
    }
  }

  /**
   * A dial that is passed a signal has no timeout but that signal
   */
  async #connect (peerId: PeerId, signal: AbortSignal): Promise<void> {
    const { clock, connectionManager } = this.#components
    await withinTime(async signal => connectionManager.openConnection(peerId, { signal }), this.#init.dialTimeout, clock, signal)
  }

  async #giveUp ({ id, tags }: Peer): Promise<void> {
    const { events, peerStore } = this.#components
    const taken = [...tags].filter(([name]) => name.startsWith(KEEP_ALIVE))
    this.#left.set(id.toString(), { peerId: id, tags: Object.fromEntries(taken) })

    try {
      await peerStore.merge(id, { tags: Object.fromEntries(taken.map(([name]) => [name, undefined])) })
    } finally {
      events.safeDispatchEvent('peer:reconnect-failure', { detail: id })
    }
  }
}

/**
 * Is the connection to the peer to be kept?
 */
export function hasKeepAliveTag (peer: Peer | undefined): boolean {
  return peer != null && isKeptAlive(peer)
}

function isKeptAlive ({ tags }: { tags: ReadonlyMap<string, unknown> }): boolean {
  return [...tags.keys()].some(tag => tag.startsWith(KEEP_ALIVE))
}
