import { bumpTag, evaluateTag, hasDecayed, isPlain, plainTag } from './tag.ts'
import type { Tag, TagOptions } from './tag.ts'

/**
 * A tag that is just a value is kept as one, as nearly all are
 */
type KeptTag = Tag | number

/**
 * The tags of one peer. Most peers that have any have one, which needs no map.
 */
export class PeerTags {
  /**
   * The sum of the tags that do not decay
   */
  plainSum = 0

  /**
   * Is there a tag that decays?
   */
  decays = false

  #name: string | undefined = undefined
  #tag: KeptTag = 0
  #others: Map<string, KeptTag> | undefined = undefined

  get size (): number {
    return (this.#name == null ? 0 : 1) + (this.#others?.size ?? 0)
  }

  /**
   * Set a tag, or bump it if it exists
   *
   * @throws {InvalidOptionError} if the value or an option is not usable, and then
   * nothing has changed
   */
  bump (name: string, value: number, options: TagOptions, now: () => number): void {
    const previous = this.get(name)

    if ((previous == null || typeof previous === 'number') && isPlain(value, options)) {
      this.put(name, value)
    } else {
      this.put(name, bumpTag(whole(previous), value, options, now()))
    }

    this.refresh()
  }

  /**
   * Returns `undefined` if there is no such tag
   */
  get (name: string): KeptTag | undefined {
    return name === this.#name ? this.#tag : this.#others?.get(name)
  }

  /**
   * Returns `false` if there is no such tag, or if it had decayed to nothing
   */
  delete (name: string, now: () => number): boolean {
    const tag = this.get(name)
    this.remove(name)

    return tag != null && !isGone(tag, now())
  }

  /**
   * The sum of the values. What has decayed to nothing is forgotten.
   */
  value (now: () => number): number {
    if (!this.decays) {
      return this.plainSum
    }

    const at = now()
    this.compact(at)

    return this.entries().reduce((sum, [, tag]) => sum + valueOf(tag, at), 0)
  }

  /**
   * The values of the tags that have not decayed to nothing
   */
  values (now: number): Map<string, number> {
    return new Map(this.entries().filter(([, tag]) => !isGone(tag, now)).map(([name, tag]) => [name, valueOf(tag, now)]))
  }

  /**
   * Forget what has decayed to nothing
   */
  compact (now: number): void {
    for (const [name, tag] of this.entries()) {
      if (isGone(tag, now)) {
        this.remove(name)
      }
    }
  }

  private entries (): Array<[string, KeptTag]> {
    const entries: Array<[string, KeptTag]> = this.#name == null ? [] : [[this.#name, this.#tag]]

    return this.#others == null ? entries : entries.concat([...this.#others])
  }

  private put (name: string, tag: KeptTag): void {
    if (this.#name === name || (this.#name == null && this.#others?.has(name) !== true)) {
      this.#name = name
      this.#tag = tag
    } else {
      this.#others ??= new Map()
      this.#others.set(name, tag)
    }
  }

  private remove (name: string): void {
    if (this.#name === name) {
      this.#name = undefined
      this.#tag = 0
    } else {
      this.#others?.delete(name)
    }

    this.refresh()
  }

  /**
   * Added up anew each time, as sums of fractions would drift
   */
  private refresh (): void {
    this.plainSum = 0
    this.decays = false

    for (const [, tag] of this.entries()) {
      if (typeof tag === 'number') {
        this.plainSum += tag
      } else if (tag.decay == null) {
        this.plainSum += tag.value
      } else {
        this.decays = true
      }
    }
  }
}

function whole (tag: KeptTag | undefined): Tag | undefined {
  return typeof tag === 'number' ? plainTag(tag) : tag
}

function isGone (tag: KeptTag, now: number): boolean {
  return typeof tag !== 'number' && hasDecayed(tag, now)
}

function valueOf (tag: KeptTag, now: number): number {
  return typeof tag === 'number' ? tag : evaluateTag(tag, now)
}
