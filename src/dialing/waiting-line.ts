/**
 * A place in a {@link WaitingLine}
 */
export interface Place<T> {
  /**
   * What waits
   */
  readonly item: T

  /**
   * Higher goes first
   */
  readonly priority: number

  /**
   * Among equal priorities the lower number goes first
   */
  readonly order: number

  /**
   * Where the place is in the heap, -1 once it has left the line
   */
  index: number
}

/**
 * First come first served within a priority, higher priorities first. Joining,
 * leaving from anywhere and taking the head cost O(log n).
 */
export class WaitingLine<T> {
  readonly #heap: Array<Place<T>> = []

  /**
   * How many wait
   */
  get size (): number {
    return this.#heap.length
  }

  /**
   * Join the line. `order` is the place among equal priorities, usually a
   * running number.
   */
  join (item: T, priority: number, order: number): Place<T> {
    const place: Place<T> = { item, priority, order, index: this.#heap.length }
    this.#heap.push(place)
    this.#rise(place)

    return place
  }

  /**
   * The head of the line, which stays there
   */
  peek (): T | undefined {
    return this.#heap[0]?.item
  }

  /**
   * Take the head out of the line
   */
  shift (): T | undefined {
    const head = this.#heap[0]

    if (head == null) {
      return undefined
    }

    this.leave(head)

    return head.item
  }

  /**
   * Leave the line from any place. Harmless when it was left before.
   */
  leave (place: Place<T>): void {
    if (this.#heap[place.index] !== place) {
      return
    }

    const last = this.#heap.pop()

    if (last != null && last !== place) {
      last.index = place.index
      this.#heap[place.index] = last
      this.#rise(last)
      this.#sink(last)
    }

    place.index = -1
  }

  /**
   * Everything that waits, in the order in which it would be taken out. Sorts:
   * for inspection, not for the way of a dial.
   */
  toArray (): T[] {
    return [...this.#heap].sort((a, b) => isBefore(a, b) ? -1 : 1).map(({ item }) => item)
  }

  #rise (place: Place<T>): void {
    while (place.index > 0) {
      const parent = this.#heap[(place.index - 1) >> 1]

      if (!isBefore(place, parent)) {
        return
      }

      this.#swap(place, parent)
    }
  }

  #sink (place: Place<T>): void {
    for (;;) {
      const left = this.#heap[2 * place.index + 1]
      const right = this.#heap[2 * place.index + 2]
      const child = right != null && isBefore(right, left) ? right : left

      if (child == null || !isBefore(child, place)) {
        return
      }

      this.#swap(place, child)
    }
  }

  #swap (a: Place<T>, b: Place<T>): void {
    this.#heap[a.index] = b
    this.#heap[b.index] = a
    const { index } = a
    a.index = b.index
    b.index = index
  }
}

function isBefore (a: Place<unknown>, b: Place<unknown>): boolean {
  return a.priority === b.priority ? a.order < b.order : a.priority > b.priority
}
