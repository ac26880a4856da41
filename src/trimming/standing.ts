import { isPeerId } from '@libp2p/interface'
import { steadyClock } from '../clock.ts'
import { InvalidOptionError } from '../errors.ts'
import { logged } from '../user-functions.ts'
import { PeerStoreTags } from './peer-store-tags.ts'
import { Protection } from './protection.ts'
import { TagStore } from './tag-store.ts'
import type { Decay } from './decay.ts'
import type { PeerStoreTagsComponents } from './peer-store-tags.ts'
import type { TagStoreInit } from './tag-store.ts'
import type { TagOptions } from './tag.ts'
import type { Clock } from '../clock.ts'
import type { ConnectionTable, PeerEntry } from '../core/index.ts'
import type { Logger, PeerId } from '@libp2p/interface'

/**
 * What a peer is worth to the user. A higher number is worth more, anything that
 * is not a number is not used.
 */
export interface ValueOf {
  (peerId: PeerId): unknown
}

export interface StandingComponents extends PeerStoreTagsComponents {
  table: Pick<ConnectionTable, 'allPeers' | 'forgetValue' | 'getPeer'>
}

/**
 * What is told of changes that the user makes
 */
export interface StandingObserver {
  (type: 'peer:tag', detail: { peerId: PeerId, tag: string, value: number }): void
  (type: 'peer:untag', detail: { peerId: PeerId, tag: string }): void
  (type: 'peer:protect' | 'peer:unprotect', detail: { peerId: PeerId, tag: string, isProtected: boolean }): void
}

/**
 * What peers are worth
 */
export interface StandingInit extends TagStoreInit {
  /**
   * What a peer is worth, in place of the sum of its tags
   *
   * @default undefined
   */
  valueOf?: ValueOf

  /**
   * Is told of tags and protections. Must not throw.
   *
   * @default undefined
   */
  observer?: StandingObserver
}

/**
 * The standing of peers: their tags, what they are worth, and whether they are
 * protected
 */
export class Standing {
  readonly tags: TagStore<PeerEntry>
  readonly peerStoreTags: PeerStoreTags
  readonly protection = new Protection()
  readonly #valueOf?: ValueOf

  /**
   * The functions that tags decay by, which are called where nobody is told of what they
   * throw
   */
  readonly #decays = new WeakMap<Decay, Decay>()
  readonly #observer?: StandingObserver
  readonly #log: Logger
  readonly #table: StandingComponents['table']

  /**
   * `onStored` is called after the tags of a connected peer have changed that are in the
   * peer store
   */
  constructor (components: StandingComponents, init: StandingInit, clock: Clock, log: Logger, onStored: (peer: PeerEntry) => void = () => {}) {
    const { table } = components
    const steady = steadyClock(clock)
    this.#table = table
    this.tags = new TagStore(table, steady, init, peer => { table.forgetValue(peer) })
    // the peer store dates when its tags end
    this.peerStoreTags = new PeerStoreTags(components, steady.wall, log, key => {
      const peer = table.getPeer(key)

      if (peer != null) {
        table.forgetValue(peer)
        onStored(peer)
      }
    })
    // every object inherits another function of this name
    this.#valueOf = Object.hasOwn(init, 'valueOf') ? init.valueOf : undefined
    this.#observer = init.observer
    this.#log = log
  }

  /**
   * What a connected peer is worth, from what was noted when it was asked last
   */
  valueOfPeer (peer: PeerEntry): number {
    return this.noteValue(peer) ?? this.#chosenByUser(peer.peerId) ?? this.#sumOf(peer)
  }

  /**
   * Notes what a connected peer is worth, and returns it, if that does not change by
   * itself and the user has no say in it
   */
  noteValue (peer: PeerEntry): number | undefined {
    if (peer.value == null && this.#valueOf == null && this.tags.isConstant(peer) && this.peerStoreTags.isConstant(peer.key)) {
      peer.value = this.#sumOf(peer)
    }

    return peer.value
  }

  /**
   * The sum of the tags, or what the user's own function says
   */
  value (peerId: PeerId): number {
    const key = peerId.toString()

    return this.#chosenByUser(peerId) ?? sum(this.tags.value(key), this.peerStoreTags.value(key))
  }

  tag (peerId: PeerId, name: string, value: number, options?: TagOptions): void {
    assertTagName(name)
    this.tags.tag(peerKey(peerId), name, value, typeof options?.decay === 'function' ? { ...options, decay: this.#loggedDecay(options.decay) } : options)
    this.#observer?.('peer:tag', { peerId, tag: name, value })
  }

  #loggedDecay (decay: Decay): Decay {
    const known = this.#decays.get(decay) ?? Object.assign(logged('decay', decay, this.#log), { interval: decay.interval })
    this.#decays.set(decay, known)

    return known
  }

  untag (peerId: PeerId, name: string): boolean {
    assertTagName(name)

    const wasTagged = this.tags.untag(peerKey(peerId), name)

    if (wasTagged) {
      this.#observer?.('peer:untag', { peerId, tag: name })
    }

    return wasTagged
  }

  /**
   * The names of all tags of a peer
   */
  tagNames (peerId: PeerId): string[] {
    const key = peerId.toString()

    return [...this.peerStoreTags.tags(key).keys(), ...this.tags.tags(key).keys()]
  }

  protect (peerId: PeerId, tag: string): void {
    assertTagName(tag)
    const key = peerKey(peerId)

    if (!this.protection.isProtected(key, tag)) {
      this.#forgetValue(key)
      this.protection.protect(key, tag)
      this.#observer?.('peer:protect', { peerId, tag, isProtected: true })
    }
  }

  unprotect (peerId: PeerId, tag: string): boolean {
    assertTagName(tag)

    const key = peerKey(peerId)
    const hadTag = this.protection.isProtected(key, tag)
    this.#forgetValue(key)
    const isProtected = this.protection.unprotect(key, tag)

    if (hadTag) {
      this.#observer?.('peer:unprotect', { peerId, tag, isProtected })
    }

    return isProtected
  }

  isProtected (peerId: PeerId, tag?: string): boolean {
    return this.protection.isProtected(peerKey(peerId), tag)
  }

  #forgetValue (key: string): void {
    const peer = this.#table.getPeer(key)

    if (peer != null) {
      this.#table.forgetValue(peer)
    }
  }

  #sumOf (peer: PeerEntry): number {
    return sum(this.tags.valueOf(peer), this.peerStoreTags.value(peer.key))
  }

  /**
   * A function of the user that fails must not keep the others from being trimmed
   */
  #chosenByUser (peerId: PeerId): number | undefined {
    if (this.#valueOf == null) {
      return
    }

    try {
      const value = this.#valueOf(peerId)

      if (typeof value === 'number' && !Number.isNaN(value)) {
        return value
      }

      this.#log.error('valueOf returned %s for %p, the sum of the tags is used instead', value, peerId)
    } catch (err) {
      this.#log.error('valueOf failed for %p, the sum of the tags is used instead - %e', peerId, err)
    }
  }
}

/**
 * The id of a peer as a string, for use as a key
 *
 * @throws {InvalidOptionError} if it is not a `PeerId`
 */
export function peerKey (peerId: PeerId): string {
  if (!isPeerId(peerId)) {
    throw new InvalidOptionError('peerId', peerId, 'a PeerId')
  }

  return peerId.toString()
}

/**
 * Tags may cancel each other out, beyond all measure
 */
function sum (own: number, stored: number): number {
  const value = own + stored

  return Number.isNaN(value) ? 0 : value
}

function assertTagName (name: string): void {
  if (typeof name !== 'string' || name === '') {
    throw new InvalidOptionError('tag', name, 'a string that is not empty')
  }
}
