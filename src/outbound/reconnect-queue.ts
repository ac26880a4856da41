import { AbortError, KEEP_ALIVE, isPeerId } from '@libp2p/interface'
import { PeerMap, PeerSet } from '@libp2p/peer-collections'
import { PeerQueue } from '@libp2p/utils'
import pRetry from 'p-retry'
import { withinTime } from '../connections/index.ts'
import { hasErrorName } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { ComponentLogger, Connection, Libp2pEvents, Logger, Metrics, Peer, PeerId, PeerStore, Tag } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'

export interface ReconnectQueueComponents {
  clock: Clock
  connectionManager: Pick<ConnectionManager, 'openConnection'>
  peerStore: Pick<PeerStore, 'get' | 'all' | 'merge'>
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  metrics?: Metrics

  /**
   * Has the peer a `keep-alive` tag in the peer store, if that is known without reading
   * it? With many peers that disconnect at once, reading costs more than the rest.
   */
  isKeptAlive?(peerId: PeerId): boolean | undefined
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
 * Of how many peers it is remembered that the user hung up on them, or that they were
 * given up
 */
const MAX_REMEMBERED = 1_000

/**
 * Keeps the connections to peers with a tag that begins with `keep-alive`: dials
 * them when the node starts and when they disconnect, unless the user hung up
 */
export class ReconnectQueue {
  readonly #components: ReconnectQueueComponents
  readonly #init: ReconnectQueueInit
  readonly #queue: PeerQueue

  /**
   * Peers whose connections the user is closing
   */
  readonly #hungUp = new PeerSet()

  /**
   * Peers that the user hung up on, and that were not connected since
   */
  readonly #left = new PeerSet()

  /**
   * Peers that were given up, and the tags that were taken from them
   */
  readonly #givenUp = new PeerMap<Map<string, Tag>>()

  /**
   * Peers that have disconnected and whose tags are being read
   */
  readonly #considered = new PeerSet()

  /**
   * Peers that have disconnected while they were being dialled
   */
  readonly #disconnected = new PeerSet()

  /**
   * Ends the dials that were made when the node started
   */
  readonly #startDials = new PeerMap<AbortController>()
  readonly #log: Logger
  #started = false

  constructor (components: ReconnectQueueComponents, init: ReconnectQueueInit) {
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('libp2p:connmgr:reconnect-queue')
    this.#queue = new PeerQueue({
      concurrency: init.maxParallelReconnects,
      metricName: 'libp2p_reconnect_queue',
      metrics: components.metrics
    })
  }

  start (): void {
    if (this.#started) {
      return
    }

    this.#started = true
    this.#components.events.addEventListener('peer:disconnect', this.#onPeerDisconnect)
    this.#components.events.addEventListener('connection:open', this.#onConnectionOpen)
  }

  /**
   * Dial every peer that is to be kept
   */
  async afterStart (): Promise<void> {
    const peers = await this.#components.peerStore.all({ filters: [isKeptAlive] })

    await Promise.all(peers.filter(({ id }) => !this.#left.has(id)).map(async peer => {
      const controller = new AbortController()
      this.#startDials.set(peer.id, controller)

      try {
        await this.#connect(peer.id, controller.signal)
      } catch (err) {
        this.#log('could not open a connection to the keep-alive peer %p - %e', peer.id, err)
      } finally {
        this.#startDials.delete(peer.id)
      }
    }))
  }

  /**
   * The network has changed. Peers that were given up may not have been to blame, so
   * they get their tags back, and all are dialled that are not connected.
   */
  async networkChanged (): Promise<void> {
    const givenUp = [...this.#givenUp]
    this.#givenUp.clear()

    for (const [peerId, tags] of givenUp) {
      await this.#components.peerStore.merge(peerId, { tags: Object.fromEntries(tags) })
    }

    if (this.#started) {
      await this.afterStart()
    }
  }

  /**
   * Ends all attempts, and forgets on whom the user hung up
   */
  stop (): void {
    this.pause()
    this.#left.clear()
    this.#givenUp.clear()
  }

  /**
   * Ends all attempts
   */
  pause (): void {
    this.#started = false
    this.#components.events.removeEventListener('peer:disconnect', this.#onPeerDisconnect)
    this.#components.events.removeEventListener('connection:open', this.#onConnectionOpen)
    this.#queue.abort()
    this.#hungUp.clear()
    this.#considered.clear()
    this.#disconnected.clear()

    for (const controller of this.#startDials.values()) {
      controller.abort()
    }
  }

  /**
   * The user is closing the connections to this peer. It is not dialled again
   * until it was connected another time.
   */
  hangUp (peerId: PeerId, connected: boolean): void {
    if (connected && this.#started) {
      this.#hungUp.add(peerId)
    }

    this.#left.add(peerId)
    this.#givenUp.delete(peerId)
    shorten(this.#left, this.#left)

    const reason = new AbortError('Hung up')
    this.#considered.delete(peerId)
    this.#disconnected.delete(peerId)
    this.#startDials.get(peerId)?.abort(reason)
    this.#queue.find(peerId)?.abort(reason)
  }

  readonly #onPeerDisconnect = (event: CustomEvent<PeerId>): void => {
    const peerId = event.detail

    if (!isPeerId(peerId)) {
      return
    }

    const wasHungUp = this.#hungUp.has(peerId)
    this.#hungUp.delete(peerId)

    if (wasHungUp || this.#considered.has(peerId)) {
      return
    }

    if (this.#queue.has(peerId)) {
      this.#disconnected.add(peerId)
      return
    }

    this.#consider(peerId)
  }

  #consider (peerId: PeerId): void {
    if (this.#components.isKeptAlive?.(peerId) === false) {
      return
    }

    this.#considered.add(peerId)
    this.#reconnect(peerId)
      .catch(err => { this.#log.error('could not reconnect to %p - %e', peerId, err) })
      .finally(() => { this.#considered.delete(peerId) })
  }

  /**
   * A peer that is connected another time is no longer hung up, even if that
   * happens before the connections are closed that the user hung up
   */
  readonly #onConnectionOpen = (event: CustomEvent<Connection>): void => {
    const peerId = event.detail?.remotePeer

    if (isPeerId(peerId)) {
      this.#hungUp.delete(peerId)
      this.#left.delete(peerId)
      this.#givenUp.delete(peerId)
    }
  }

  async #reconnect (peerId: PeerId): Promise<void> {
    const peer = await this.#getPeer(peerId)

    if (peer == null || !isKeptAlive(peer) || !this.#started || !this.#considered.has(peerId)) {
      return
    }

    this.#considered.delete(peerId)
    let signal: AbortSignal | undefined

    try {
      await this.#queue.add(async options => {
        signal = options?.signal
        await this.#tryToConnect(peerId, signal)
      }, { peerId })
    } catch (err) {
      // stopped or hung up, before or after it began: the peer keeps its tags. A
      // dial may fail with an AbortError for other reasons
      if (signal?.aborted !== false) {
        return
      }

      this.#log('gave up reconnecting to %p - %e', peerId, err)
      await this.#giveUp(peer)
    } finally {
      this.#afterAttempts(peerId)
    }
  }

  /**
   * The connection may be gone again
   */
  #afterAttempts (peerId: PeerId): void {
    if (this.#started && this.#disconnected.has(peerId)) {
      this.#disconnected.delete(peerId)
      this.#consider(peerId)
    }
  }

  async #tryToConnect (peerId: PeerId, signal?: AbortSignal): Promise<void> {
    await pRetry(async () => this.#connect(peerId, signal), {
      signal,
      retries: this.#init.reconnectRetries,
      factor: this.#init.reconnectBackoffFactor,
      minTimeout: this.#init.reconnectRetryInterval
    })
  }

  /**
   * A dial that is passed a signal has no timeout but that signal
   */
  async #connect (peerId: PeerId, signal?: AbortSignal): Promise<void> {
    await withinTime(async signal => this.#components.connectionManager.openConnection(peerId, { signal }), this.#init.dialTimeout, this.#components.clock, signal)
  }

  async #giveUp (peer: Peer): Promise<void> {
    const tags: Record<string, undefined> = {}
    const taken = new Map<string, Tag>()

    for (const [name, tag] of peer.tags) {
      if (name.startsWith(KEEP_ALIVE)) {
        tags[name] = undefined
        taken.set(name, tag)
      }
    }

    this.#givenUp.set(peer.id, taken)
    shorten(this.#givenUp, this.#givenUp.keys())

    try {
      await this.#components.peerStore.merge(peer.id, { tags })
    } finally {
      this.#components.events.safeDispatchEvent('peer:reconnect-failure', { detail: peer.id })
    }
  }

  async #getPeer (peerId: PeerId): Promise<Peer | undefined> {
    try {
      return await this.#components.peerStore.get(peerId)
    } catch (err) {
      if (!hasErrorName(err, 'NotFoundError')) {
        throw err
      }
    }
  }
}

function isKeptAlive ({ tags }: { tags: ReadonlyMap<string, unknown> }): boolean {
  for (const tag of tags.keys()) {
    if (tag.startsWith(KEEP_ALIVE)) {
      return true
    }
  }

  return false
}

/**
 * The oldest make room
 */
function shorten (peers: { readonly size: number, delete(peerId: PeerId): unknown }, oldestFirst: Iterable<PeerId>): void {
  for (const oldest of oldestFirst) {
    if (peers.size <= MAX_REMEMBERED) {
      break
    }

    peers.delete(oldest)
  }
}
