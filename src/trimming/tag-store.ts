import { AbsentPeers } from './absent-peers.ts'
import { bumpTag, evaluateTag, hasDecayed } from './tag.ts'
import type { Tag, TagOptions } from './tag.ts'
import type { Clock } from '../clock.ts'

interface TaggedPeer {
  readonly tags: Map<string, Tag>

  /**
   * The sum of the tags that do not decay
   */
  plainSum: number

  /**
   * How many of the tags decay
   */
  decaying: number
}

interface AbsentPeer extends TaggedPeer {
  /**
   * Tagged while it was not connected
   */
  early: boolean

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
export class TagStore {
  private readonly connected = new Map<string, TaggedPeer>()
  private readonly absent: AbsentPeers<AbsentPeer>
  private readonly present = new Set<string>()
  private readonly clock: Clock
  private readonly onChange: (peer: string) => void

  /**
   * `onChange` is called before the tags of a peer change
   */
  constructor (clock: Clock, init: TagStoreInit, onChange: (peer: string) => void = () => {}) {
    this.clock = clock
    this.absent = new AbsentPeers(init.maxAbsentPeers, init.absentTTL)
    this.onChange = onChange
  }

  /**
   * Set a tag, or bump it if it exists
   *
   * @throws {InvalidOptionError} if the value or an option is not usable
   */
  tag (peer: string, name: string, value: number, options: TagOptions = {}): void {
    const now = this.clock.now()
    const record = this.find(peer)
    const previous = record?.tags.get(name)
    const tag = bumpTag(previous, value, options, now)
    this.onChange(peer)

    if (record == null) {
      const created: TaggedPeer = { tags: new Map(), plainSum: 0, decaying: 0 }
      write(created, name, tag)
      this.insert(peer, created, now)
      return
    }

    write(record, name, tag)

    if (!this.present.has(peer)) {
      this.absent.set(peer, { ...record, early: true, since: now }, now)
    }
  }

  /**
   * Returns `false` if the peer did not have the tag
   */
  untag (peer: string, name: string): boolean {
    const record = this.find(peer)
    const tag = record?.tags.get(name)

    if (record == null || tag == null) {
      return false
    }

    this.onChange(peer)
    remove(record, name)

    if (record.tags.size === 0) {
      this.connected.delete(peer)
      this.absent.delete(peer)
    }

    return !hasDecayed(tag, this.clock.now())
  }

  /**
   * Does the value of a connected peer stay what it is until it is tagged again?
   */
  isConstant (peer: string): boolean {
    const record = this.connected.get(peer)

    return record == null || record.decaying === 0
  }

  /**
   * The sum of the values of the tags that {@link tags} returns
   */
  value (peer: string): number {
    const record = this.connected.get(peer) ?? this.visibleAbsent(peer)

    if (record == null) {
      return 0
    }

    if (record.decaying === 0) {
      return record.plainSum
    }

    const now = this.clock.now()
    let value = record.plainSum

    for (const [name, tag] of record.tags) {
      if (tag.decay == null) {
        continue
      }

      const current = evaluateTag(tag, now)
      value += current

      if (current === 0) {
        remove(record, name)
      }
    }

    return value
  }

  /**
   * The tags of a peer that is connected, or was tagged since it was, with their
   * current values
   */
  tags (peer: string): Map<string, number> {
    const record = this.connected.get(peer) ?? this.visibleAbsent(peer)
    const now = this.clock.now()
    const result = new Map<string, number>()

    for (const [name, tag] of record?.tags ?? []) {
      if (!hasDecayed(tag, now)) {
        result.set(name, evaluateTag(tag, now))
      }
    }

    return result
  }

  /**
   * The first connection of a peer was opened
   */
  peerConnected (peer: string): void {
    this.present.add(peer)
    const record = this.find(peer)

    if (record != null) {
      this.absent.delete(peer)
      this.connected.set(peer, record)
    }
  }

  /**
   * The last connection of a peer was closed
   */
  peerDisconnected (peer: string): void {
    this.present.delete(peer)
    const record = this.connected.get(peer)

    if (record == null) {
      return
    }

    this.connected.delete(peer)
    const now = this.clock.now()

    for (const [name, tag] of record.tags) {
      if (hasDecayed(tag, now)) {
        remove(record, name)
      }
    }

    // nothing is remembered of a peer that has nothing left
    if (record.tags.size > 0) {
      this.absent.set(peer, { ...record, early: false, since: now }, now)
    }
  }

  /**
   * How many peers that are not connected have tags
   */
  get absentPeers (): number {
    return this.absent.size
  }

  /**
   * Forget all tags
   */
  clear (): void {
    this.connected.clear()
    this.absent.clear()
    this.present.clear()
  }

  private find (peer: string): TaggedPeer | undefined {
    const record = this.connected.get(peer)

    if (record != null) {
      return record
    }

    return this.absent.get(peer, this.clock.now())
  }

  private visibleAbsent (peer: string): TaggedPeer | undefined {
    const record = this.absent.get(peer, this.clock.now())

    return record?.early === true ? record : undefined
  }

  private insert (peer: string, record: TaggedPeer, now: number): void {
    if (this.present.has(peer)) {
      this.connected.set(peer, record)
    } else {
      this.absent.set(peer, { ...record, early: true, since: now }, now)
    }
  }
}

function write (record: TaggedPeer, name: string, tag: Tag): void {
  record.tags.set(name, tag)
  refresh(record)
}

function remove (record: TaggedPeer, name: string): void {
  record.tags.delete(name)
  refresh(record)
}

/**
 * Added up anew each time, as sums of fractions would drift
 */
function refresh (record: TaggedPeer): void {
  record.plainSum = 0
  record.decaying = 0

  for (const tag of record.tags.values()) {
    if (tag.decay == null) {
      record.plainSum += tag.value
    } else {
      record.decaying++
    }
  }
}
