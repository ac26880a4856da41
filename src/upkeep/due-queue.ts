import type { Clock, Timer } from '../clock.ts'

/**
 * Something that a {@link DueList} calls back for
 */
export interface Due {
  /**
   * The position in the list, {@link NOT_DUE} when it is not in it. Nobody else
   * changes it.
   */
  index: number
}

/**
 * The `index` of what is in no list
 */
export const NOT_DUE = -1

interface Entry<T> extends Due {
  readonly item: T
}

/**
 * Calls back when items are due, with a single timer however many items wait. Each
 * item is its own entry, and in one list at most. Scheduling, rescheduling and
 * cancelling take logarithmic time.
 */
export class DueList<T extends Due> {
  readonly #clock: Clock
  readonly #onDue: (item: T, lateBy: number) => void
  readonly #heap: T[] = []

  /**
   * When the items of the heap are due, in ms since the epoch. Beside each other, as they
   * are compared far more often than the items are looked at.
   */
  readonly #times: number[] = []
  #timer?: Timer
  #timerDueAt = Infinity

  /**
   * `onDue` is called once for each item when it is due, with the number of ms by
   * which it is late. It must not throw.
   */
  constructor (clock: Clock, onDue: (item: T, lateBy: number) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  get size (): number {
    return this.#heap.length
  }

  /**
   * All that wait, in no order
   */
  items (): readonly T[] {
    return this.#heap
  }

  /**
   * An item that waits already is due at the new time only
   */
  schedule (item: T, dueAt: number): void {
    if (item.index === NOT_DUE) {
      item.index = this.#heap.push(item) - 1
      this.#times.push(dueAt)
    }

    this.#place(item, dueAt, item.index)
    this.#rearm()
  }

  cancel (item: T): void {
    if (item.index !== NOT_DUE) {
      this.#remove(item)
      this.#rearm()
    }
  }

  clear (): void {
    for (const item of this.#heap) {
      item.index = NOT_DUE
    }

    this.#heap.length = 0
    this.#times.length = 0
    this.#rearm()
  }

  /**
   * A timer that fires too early does no harm and need not be set anew
   */
  #rearm (): void {
    const dueAt = this.#times.at(0) ?? Infinity

    if (dueAt < this.#timerDueAt || dueAt === Infinity) {
      this.#timer?.clear()
      this.#timerDueAt = dueAt
      this.#timer = dueAt === Infinity ? undefined : this.#clock.setTimeout(() => { this.#fire() }, dueAt - this.#clock.now())
    }
  }

  #fire (): void {
    const now = this.#clock.now()
    this.#timerDueAt = Infinity
    let waiting = this.#heap.length

    // an item that is scheduled for now by the callback has to wait for its turn
    for (let dueAt = this.#times.at(0); waiting > 0 && dueAt != null && dueAt <= now; dueAt = this.#times.at(0)) {
      const next = this.#heap[0]
      waiting--
      this.#remove(next)
      this.#onDue(next, now - dueAt)
    }

    this.#rearm()
  }

  #remove (item: T): void {
    const last = this.#heap.pop()
    const dueAt = this.#times.pop()
    const { index } = item
    item.index = NOT_DUE

    if (last != null && dueAt != null && last !== item) {
      this.#place(last, dueAt, index)
    }
  }

  /**
   * Puts an item where it belongs: above all that are due later, below all that are due
   * earlier. The place that it is given is free, the others are in order.
   */
  #place (item: T, dueAt: number, index: number): void {
    const heap = this.#heap
    const times = this.#times

    for (let parent = (index - 1) >> 1; index > 0 && times[parent] > dueAt; parent = (index - 1) >> 1) {
      this.#put(heap[parent], times[parent], index)
      index = parent
    }

    for (let child = index * 2 + 1; child < times.length; child = index * 2 + 1) {
      if (child + 1 < times.length && times[child + 1] < times[child]) {
        child++
      }

      if (times[child] >= dueAt) {
        break
      }

      this.#put(heap[child], times[child], index)
      index = child
    }

    this.#put(item, dueAt, index)
  }

  #put (item: T, dueAt: number, index: number): void {
    this.#heap[index] = item
    this.#times[index] = dueAt
    item.index = index
  }
}

/**
 * The same for items of any kind, with an entry for each that waits
 */
export class DueQueue<T> {
  readonly #entries = new Map<T, Entry<T>>()
  readonly #list: DueList<Entry<T>>

  /**
   * `onDue` is called as that of a {@link DueList} is
   */
  constructor (clock: Clock, onDue: (item: T, lateBy: number) => void) {
    this.#list = new DueList(clock, ({ item }, lateBy) => {
      this.#entries.delete(item)
      onDue(item, lateBy)
    })
  }

  get size (): number {
    return this.#entries.size
  }

  has (item: T): boolean {
    return this.#entries.has(item)
  }

  /**
   * An item that waits already is due at the new time only
   */
  schedule (item: T, dueAt: number): void {
    let entry = this.#entries.get(item)

    if (entry == null) {
      entry = { item, index: NOT_DUE }
      this.#entries.set(item, entry)
    }

    this.#list.schedule(entry, dueAt)
  }

  cancel (item: T): void {
    const entry = this.#entries.get(item)

    if (entry != null) {
      this.#entries.delete(item)
      this.#list.cancel(entry)
    }
  }

  clear (): void {
    this.#entries.clear()
    this.#list.clear()
  }
}
