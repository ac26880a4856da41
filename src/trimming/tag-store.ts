import { AbsentPeers } from './absent-peers.ts'
import { PeerTags } from './peer-tags.ts'
import type { TagOptions } from './tag.ts'
import type { Clock } from '../clock.ts'

/**
 * The record of a connected peer, in which its tags are kept
 */
export interface TagHolder {
  /**
   * The peer id as a string
   */
  readonly key: string

  /**
   * Nobody else looks into it
   */
  tags: object | undefined
}

/**
 * The peers that are connected
 */
export interface TagHolders<Holder extends TagHolder> {
  /**
   * The record of a peer by its id as a string, `undefined` if it is not connected
   */
  getPeer(key: string): Holder | undefined

  allPeers(): Iterable<Holder>
}

interface AbsentPeer {
  readonly tags: PeerTags

  /**
   * Since when the peer is not connected, or was tagged, in ms since the epoch
   */
  readonly since: number
}

export interface TagStoreInit {
  /**
   * Of how many peers that are not connected the tags are kept
   */
  maxAbsentPeers: number

  /**
   * For how many ms the tags of a peer that is not connected are kept
   */
  absentTTL: number
}

/**
 * The tags that were given with `tag()`.
 *
 * The tags of connected peers are kept for as long as the peer is connected.
 * Those of others (tagged before they connected, or gone) are kept in a bounded
 * list, where the ones that have waited longest make room first, and are there
 * again when the peer connects.
 */
export class TagStore<Holder extends TagHolder = TagHolder> {
  readonly #connected: TagHolders<Holder>
  readonly #absent: AbsentPeers<AbsentPeer>
  readonly #now: () => number
  readonly #onChange: (peer: Holder) => void

  /**
   * `onChange` is called when the tags of a connected peer change
   */
  constructor (connected: TagHolders<Holder>, clock: Clock, init: TagStoreInit, onChange: (peer: Holder) => void = () => {}) {
    this.#connected = connected
    this.#absent = new AbsentPeers(init.maxAbsentPeers, init.absentTTL)
    this.#now = () => clock.now()
    this.#onChange = onChange
  }

  /**
   * Set a tag, or bump it if it exists
   *
   * @throws {InvalidOptionError} if the value or an option is not usable
   */
  tag (peer: string, name: string, value: number, options: TagOptions = {}): void {
    const holder = this.#connected.getPeer(peer)
    const tags = (holder == null ? this.#absentTags(peer)?.tags : tagsOf(holder)) ?? new PeerTags()
    tags.bump(name, value, options, this.#now)

    if (holder == null) {
      const now = this.#now()
      this.#absent.set(peer, { tags, since: now }, now)
    } else {
      this.#onChange(holder)
      holder.tags = tags
    }
  }

  /**
   * Returns `false` if the peer did not have the tag
   */
  untag (peer: string, name: string): boolean {
    const holder = this.#connected.getPeer(peer)
    const tags = holder == null ? this.#absentTags(peer)?.tags : tagsOf(holder)

    if (tags?.get(name) == null) {
      return false
    }

    const wasTagged = tags.delete(name, this.#now)

    if (holder != null) {
      this.#onChange(holder)
    }

    if (tags.size === 0) {
      this.#forget(peer, holder)
    }

    return wasTagged
  }

  /**
   * Does the value of a connected peer stay what it is until it is tagged again?
   */
  isConstant (peer: TagHolder): boolean {
    return tagsOf(peer)?.decays !== true
  }

  /**
   * The sum of the values of the tags that {@link tags} returns
   */
  value (peer: string): number {
    return this.#visible(peer)?.value(this.#now) ?? 0
  }

  /**
   * The same of a connected peer
   */
  valueOf (peer: TagHolder): number {
    return tagsOf(peer)?.value(this.#now) ?? 0
  }

  /**
   * The tags of a peer, connected or not, with their current values
   */
  tags (peer: string): Map<string, number> {
    return this.#visible(peer)?.values(this.#now()) ?? new Map<string, number>()
  }

  /**
   * The first connection of a peer was opened
   */
  peerConnected (peer: TagHolder): void {
    const absent = this.#absentTags(peer.key)

    if (absent != null) {
      this.#absent.delete(peer.key)
      peer.tags = absent.tags
    }
  }

  /**
   * The last connection of a peer was closed
   */
  peerDisconnected (peer: TagHolder): void {
    const tags = tagsOf(peer)

    if (tags == null) {
      return
    }

    const now = this.#now()
    peer.tags = undefined
    tags.compact(now)

    // nothing is remembered of a peer that has nothing left
    if (tags.size > 0) {
      this.#absent.set(peer.key, { tags, since: now }, now)
    }
  }

  /**
   * How many peers that are not connected have tags
   */
  get absentPeers (): number {
    return this.#absent.size
  }

  /**
   * Forget all tags
   */
  clear (): void {
    this.#absent.clear()

    for (const peer of this.#connected.allPeers()) {
      peer.tags = undefined
    }
  }

  #forget (peer: string, holder: Holder | undefined): void {
    if (holder == null) {
      this.#absent.delete(peer)
    } else {
      holder.tags = undefined
    }
  }

  #visible (peer: string): PeerTags | undefined {
    const holder = this.#connected.getPeer(peer)

    if (holder != null) {
      return tagsOf(holder)
    }

    return this.#absentTags(peer)?.tags
  }

  #absentTags (peer: string): AbsentPeer | undefined {
    return this.#absent.size === 0 ? undefined : this.#absent.get(peer, this.#now())
  }
}

function tagsOf (peer: TagHolder): PeerTags | undefined {
  // only the store sets it
  return peer.tags as PeerTags | undefined
}
