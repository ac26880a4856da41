/**
 * Gives back what was taken for a connection. One function for all connections: what it
 * gives back is in fields of the entry.
 */
export interface Undo<T> {
  (entry: T): void
}

/**
 * What was taken for a connection, in the order in which it was. The same things are taken
 * for nearly all connections, so the lists are shared: an entry has one pointer to one, and
 * taking something allocates nothing.
 */
export class UndoList<T> {
  readonly #before: UndoList<T> | undefined
  readonly #undo: Undo<T> | undefined

  /**
   * The lists that are one longer than this, as long as there is somebody who takes what is
   * in them, and the one that was asked for last
   */
  readonly #longer = new WeakMap<Undo<T>, UndoList<T>>()
  #last: UndoList<T> | undefined = undefined

  /**
   * An empty list, unless it is made by {@link with}
   */
  constructor (before?: UndoList<T>, undo?: Undo<T>) {
    this.#before = before
    this.#undo = undo
  }

  /**
   * This list with one more thing at its end
   */
  with (undo: Undo<T>): UndoList<T> {
    if (this.#last === undefined || this.#last.#undo !== undo) {
      this.#last = this.#longer.get(undo) ?? new UndoList(this, undo)
      this.#longer.set(undo, this.#last)
    }

    return this.#last
  }

  /**
   * This list without the thing that was taken last of those that `undo` gives back
   */
  without (undo: Undo<T>): UndoList<T> {
    if (this.#before === undefined || this.#undo === undefined) {
      return this
    }

    return this.#undo === undo ? this.#before : this.#before.without(undo).with(this.#undo)
  }

  /**
   * Is there something in it that `undo` gives back?
   */
  has (undo: Undo<T>): boolean {
    return this.#undo === undo || (this.#before?.has(undo) ?? false)
  }

  /**
   * Gives everything back, what was taken last first. What fails is told to `onError`, and
   * keeps nothing else from being given back.
   */
  run (entry: T, onError: (err: unknown) => void): void {
    let list: UndoList<T> = this

    while (list.#before !== undefined) {
      try {
        list.#undo?.(entry)
      } catch (err) {
        onError(err)
      }

      list = list.#before
    }
  }
}
