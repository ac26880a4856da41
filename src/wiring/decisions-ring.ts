/**
 * The last so many of what was added. Adding takes the same time however many there
 * are.
 */
export class Ring<T> {
  readonly #capacity: number
  private readonly items: T[] = []
  #next = 0

  constructor (capacity: number) {
    this.#capacity = capacity
  }

  get size (): number {
    return this.items.length
  }

  add (item: T): void {
    this.items[this.#next] = item
    this.#next = (this.#next + 1) % this.#capacity
  }

  /**
   * All that there are, in no order
   */
  all (): readonly T[] {
    return this.items
  }
}
