/**
 * A map of bounded size that drops what was not touched for longest
 */
export class RecentMap<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #maxSize: number

  constructor (maxSize: number) {
    this.#maxSize = maxSize
  }

  get size (): number {
    return this.#entries.size
  }

  has (key: K): boolean {
    return this.#entries.has(key)
  }

  get (key: K): V | undefined {
    return this.#entries.get(key)
  }

  /**
   * Sets a value and makes it the most recent one
   */
  set (key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)

    if (this.#entries.size > this.#maxSize) {
      const oldest = this.#entries.keys().next()

      if (oldest.done !== true) {
        this.#entries.delete(oldest.value)
      }
    }
  }

  delete (key: K): boolean {
    return this.#entries.delete(key)
  }
}
