/**
 * A map of bounded size that drops what was not set for longest. Setting takes constant
 * time, however many entries there are.
 */
export class RecentMap<K, V> extends Map<K, V> {
  readonly #maxSize: number

  /**
   * Goes from one oldest entry to the next. A new one would have to pass the places of
   * all entries before them that were deleted, which a `Map` keeps for a while.
   */
  #oldest: MapIterator<[K, V]> | undefined

  /**
   * How many were set since the iterator was used last. One that is never used holds on
   * to every table that the map had since.
   */
  #setSinceDropped = 0

  /**
   * @param maxSize - how many entries are kept. `Infinity` if {@link dropOldest} is called
   * instead.
   */
  constructor (maxSize: number) {
    super()
    this.#maxSize = maxSize
  }

  /**
   * Sets a value and makes it the most recent one
   */
  override set (key: K, value: V): this {
    this.delete(key)
    super.set(key, value)

    if (this.size > this.#maxSize) {
      this.dropOldest()
    } else if (++this.#setSinceDropped > this.size) {
      this.#oldest = undefined
    }

    return this
  }

  /**
   * Drops what was not set for longest, and returns its key and value. `undefined` if the
   * map is empty.
   */
  dropOldest (): [key: K, value: V] | undefined {
    this.#setSinceDropped = 0
    let { value: oldest } = (this.#oldest ??= this.entries()).next()

    if (oldest === undefined) {
      // it has passed the end, as the map was empty meanwhile
      this.#oldest = this.entries();
      ({ value: oldest } = this.#oldest.next())
    }

    if (oldest !== undefined) {
      this.delete(oldest[0])
    }

    return oldest
  }
}
