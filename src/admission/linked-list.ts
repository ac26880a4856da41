/**
 * Something that is in a {@link LinkedList} at most once
 */
export interface Linked<T> {
  previous?: T
  next?: T
}

/**
 * A list that things are added to and taken from in constant time, without an entry
 * of its own for each
 */
export class LinkedList<T extends Linked<T>> {
  #first?: T

  add (item: T): void {
    item.next = this.#first

    if (this.#first != null) {
      this.#first.previous = item
    }

    this.#first = item
  }

  /**
   * The item has to be in this list
   */
  delete (item: T): void {
    if (item.previous == null) {
      this.#first = item.next
    } else {
      item.previous.next = item.next
    }

    if (item.next != null) {
      item.next.previous = item.previous
    }

    item.previous = undefined
    item.next = undefined
  }

  * [Symbol.iterator] (): IterableIterator<T> {
    for (let item = this.#first; item != null; item = item.next) {
      yield item
    }
  }
}
