/**
 * A map of bounded size that drops what was not set for longest
 */
export class RecentMap<K, V> extends Map<K, V> {
  readonly #maxSize: number

  constructor (maxSize: number) {
    super()
    this.#maxSize = maxSize
  }

  /**
   * Sets a value and makes it the most recent one
   */
  set (key: K, value: V): this {
    this.delete(key)
    super.set(key, value)

    if (this.size > this.#maxSize) {
      const [oldest] = this.keys()
      this.delete(oldest)
    }

    return this
  }
}
