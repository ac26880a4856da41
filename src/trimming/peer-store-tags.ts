import { KEEP_ALIVE } from '@libp2p/interface'
import { Slice } from './slice.ts'
import type { Clock } from '../clock.ts'
import type { Libp2pEvents, Logger, Peer, PeerStore, PeerUpdate, Tag } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

export interface PeerStoreTagsComponents {
  peerStore: Pick<PeerStore, 'all'>
  events: TypedEventTarget<Libp2pEvents>
}

/**
 * The event loop has a turn after so many ms of taking in what was loaded
 */
const LOAD_SLICE = 4

/**
 * So many sets of tags are kept once for all peers that have the same, each of no more
 * than so many tags
 */
const MAX_SHARED = 256
const MAX_SHARED_TAGS = 4

interface CachedTag {
  readonly name: string
  readonly value: number

  /**
   * In ms since the epoch
   */
  readonly expiry: number
}

interface CachedPeer {
  tags: readonly CachedTag[]
  sum: number

  /**
   * When the first of the tags expires, in ms since the epoch
   */
  expiry: number
}

/**
 * The tags that the node's peer store holds, of all peers, kept current by its
 * `peer:update` events so that nothing has to be read from the datastore when
 * connections are opened or trimmed. There is no event for a peer that is deleted
 * from the peer store: its tags count until they expire.
 */
export class PeerStoreTags {
  readonly #components: PeerStoreTagsComponents
  readonly #clock: Clock
  readonly #log: Logger
  readonly #onChange: (peer: string) => void
  readonly #peers = new Map<string, CachedPeer>()

  /**
   * Tags that do not expire, and so never change, by what they are. Most peers have the
   * same as many others.
   */
  readonly #shared = new Map<string, CachedPeer>()

  /**
   * Those with a `keep-alive` tag, which may have expired. Few of many, so that this is
   * asked of every peer that disconnects.
   */
  readonly #keptAlive = new Set<string>()

  /**
   * Peers that were updated since the store is being read. What was read of them
   * may be older than the update.
   */
  #updatedWhileLoading?: Set<string>
  #controller?: AbortController
  #complete = false

  /**
   * `onChange` is called when the tags of a peer have changed
   */
  constructor (components: PeerStoreTagsComponents, clock: Clock, log: Logger, onChange: (peer: string) => void = () => {}) {
    this.#onChange = onChange
    this.#components = components
    this.#clock = clock
    this.#log = log
  }

  /**
   * Follow the peer store from now on
   */
  start (): void {
    this.#components.events.addEventListener('peer:update', this.#onPeerUpdate)
  }

  /**
   * Read the tags that were in the peer store before. Rejects if the peer store
   * cannot be read; tags that are written later are followed all the same.
   */
  async load (): Promise<void> {
    const controller = new AbortController()
    const updated = new Set<string>()
    const slice = new Slice(this.#clock, LOAD_SLICE)
    this.#controller = controller
    this.#updatedWhileLoading = updated

    try {
      const peers = await this.#components.peerStore.all({
        filters: [peer => peer.tags.size > 0],
        signal: controller.signal
      })

      for (const peer of peers) {
        if (slice.isOver()) {
          await slice.nextTurn()
        }

        if (controller.signal.aborted) {
          break
        }

        if (!updated.has(peer.id.toString())) {
          this.#update(peer)
        }
      }

      this.#complete = !controller.signal.aborted
    } finally {
      if (this.#updatedWhileLoading === updated) {
        this.#updatedWhileLoading = undefined
      }
    }
  }

  /**
   * Stop following the peer store and forget everything
   */
  stop (): void {
    this.#components.events.removeEventListener('peer:update', this.#onPeerUpdate)
    this.#controller?.abort()
    this.#complete = false
    this.#peers.clear()
    this.#keptAlive.clear()
    this.#shared.clear()
  }

  /**
   * The sum of all tags of a peer that have not expired
   */
  value (peer: string): number {
    const cached = this.#peers.get(peer)

    if (cached == null) {
      return 0
    }

    if (cached.expiry <= this.#clock.now()) {
      this.#refresh(peer, cached)
    }

    return cached.sum
  }

  /**
   * Does the value of a peer stay what it is until the peer store changes?
   */
  isConstant (peer: string): boolean {
    return (this.#peers.get(peer)?.expiry ?? Infinity) === Infinity
  }

  /**
   * The tags of a peer that have not expired
   */
  tags (peer: string): Map<string, number> {
    const now = this.#clock.now()
    const tags = this.#peers.get(peer)?.tags ?? []

    return new Map(tags.filter(({ expiry }) => expiry > now).map(({ name, value }) => [name, value]))
  }

  /**
   * Has the peer a `keep-alive` tag? `undefined` as long as the peer store may have tags
   * that were not read yet.
   */
  isKeptAlive (peer: string): boolean | undefined {
    if (!this.#complete) {
      return
    }

    return this.#keptAlive.has(peer) && [...this.tags(peer).keys()].some(isKeepAlive)
  }

  /**
   * The peers that are known to have a `keep-alive` tag
   */
  keptAlive (): string[] {
    return [...this.#keptAlive].filter(peer => [...this.tags(peer).keys()].some(isKeepAlive))
  }

  /**
   * Of how many peers there are tags
   */
  get size (): number {
    return this.#peers.size
  }

  readonly #onPeerUpdate = (event: CustomEvent<PeerUpdate>): void => {
    try {
      const { peer } = event.detail
      this.#updatedWhileLoading?.add(peer.id.toString())
      this.#update(peer)
    } catch (err) {
      this.#log.error('could not read the tags of an updated peer - %e', err)
    }
  }

  #update (peer: Peer): void {
    const key = peer.id.toString()
    const tags = Array.from(peer.tags, ([name, tag]) => ({ name, value: Number.isFinite(tag.value) ? tag.value : 0, expiry: expiryOf(tag) }))
    const cached: CachedPeer = { tags, sum: 0, expiry: Infinity }
    this.#peers.set(key, cached)
    this.#refresh(key, cached)
    this.#share(key, cached)

    if (cached.tags.some(({ name }) => isKeepAlive(name))) {
      this.#keptAlive.add(key)
    } else {
      this.#keptAlive.delete(key)
    }

    this.#onChange(key)
  }

  #share (key: string, cached: CachedPeer): void {
    const { expiry, tags } = cached

    if (tags.length === 0 || tags.length > MAX_SHARED_TAGS || expiry !== Infinity) {
      return
    }

    const text = tags.map(({ name, value }) => `${value} ${name.length} ${name}`).join(' ')
    const same = this.#shared.get(text)

    if (same != null) {
      this.#peers.set(key, same)
      return
    }

    if (this.#shared.size >= MAX_SHARED) {
      this.#shared.clear()
    }

    this.#shared.set(text, cached)
  }

  #refresh (key: string, cached: CachedPeer): void {
    const now = this.#clock.now()
    cached.sum = 0
    cached.expiry = Infinity

    if (cached.tags.some(({ expiry }) => expiry <= now)) {
      cached.tags = cached.tags.filter(({ expiry }) => expiry > now)
    }

    for (const { value, expiry } of cached.tags) {
      cached.sum += value
      cached.expiry = Math.min(cached.expiry, expiry)
    }

    if (cached.tags.length === 0) {
      this.#peers.delete(key)
      this.#keptAlive.delete(key)
    }
  }
}

function isKeepAlive (tag: string): boolean {
  return tag.startsWith(KEEP_ALIVE)
}

/**
 * The peer store adds an `expiry` to tags that were given a TTL, which is not
 * part of their declared type
 */
function expiryOf (tag: Tag & { expiry?: bigint | number }): number {
  return tag.expiry == null ? Infinity : Number(tag.expiry)
}
