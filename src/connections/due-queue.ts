import type { Clock, Timer } from '../clock.ts'

/**
 * Something that a {@link DueList} calls back for
 */
export interface Due {
  /**
   * In ms since the epoch
   */
  dueAt: number

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
 * In ms: clocks wait no longer
 */
const MAX_DELAY = 2 ** 31 - 1

/**
 * In ms: a timer may fire so much too early, and clocks are corrected by so much all the
 * time
 */
const TOLERANCE = 1_000

/**
 * Calls back when items are due, with a single timer however many items wait. Each
 * item is its own entry, and in one list at most. Scheduling, rescheduling and
 * cancelling take logarithmic time. When the clock is set back, what waits is not due
 * later than it would have been.
 */
export class DueList<T extends Due> {
  private readonly clock: Clock
  private readonly onDue: (item: T, lateBy: number) => void
  private readonly heap: T[] = []
  private timer?: Timer
  private timerDueAt = Infinity

  /**
   * What the clock showed last, or has to show at least
   */
  private seen = -Infinity
  private firesAt = -Infinity

  /**
   * `onDue` is called once for each item when it is due, with the number of ms by
   * which it is late. It must not throw.
   */
  constructor (clock: Clock, onDue: (item: T, lateBy: number) => void) {
    this.clock = clock
    this.onDue = onDue
  }

  get size (): number {
    return this.heap.length
  }

  /**
   * An item that waits already is due at the new time only
   */
  schedule (item: T, dueAt: number): void {
    this.followClock()
    item.dueAt = dueAt

    if (item.index === NOT_DUE) {
      item.index = this.heap.length
      this.heap.push(item)
    }

    this.siftUp(item.index)
    this.siftDown(item.index)
    this.rearm()
  }

  cancel (item: T): void {
    if (item.index !== NOT_DUE) {
      this.remove(item)
      this.rearm()
    }
  }

  clear (): void {
    for (const item of this.heap) {
      item.index = NOT_DUE
    }

    this.heap.length = 0
    this.rearm()
  }

  /**
   * Moves everything by as much as the clock was set back. Timers take no notice of that.
   */
  private followClock (): number {
    const now = this.clock.now()
    const back = this.seen - now
    this.seen = now

    if (back > TOLERANCE) {
      this.timerDueAt -= back
      this.firesAt -= back

      for (const item of this.heap) {
        item.dueAt -= back
      }
    }

    return now
  }

  private rearm (): void {
    const dueAt = this.heap[0]?.dueAt ?? Infinity

    // a timer that fires too early does no harm and need not be set anew
    if (dueAt === this.timerDueAt || (dueAt > this.timerDueAt && dueAt !== Infinity)) {
      return
    }

    this.timer?.clear()
    this.timer = undefined
    this.timerDueAt = dueAt

    if (dueAt !== Infinity) {
      const now = this.clock.now()
      const delay = Math.min(MAX_DELAY, Math.max(0, dueAt - now))
      this.timer = this.clock.setTimeout(() => { this.fire() }, delay)
      this.firesAt = now + delay
    }
  }

  private fire (): void {
    this.timer = undefined
    this.seen = Math.max(this.seen, this.firesAt)
    const now = this.followClock()
    this.timerDueAt = Infinity
    let waiting = this.heap.length

    // an item that is scheduled for now by the callback has to wait for its turn
    for (let next = this.heap[0]; waiting > 0 && next != null && next.dueAt <= now; next = this.heap[0]) {
      waiting--
      this.remove(next)
      this.onDue(next, now - next.dueAt)
    }

    this.rearm()
  }

  private remove (item: T): void {
    const last = this.heap.pop()
    const { index } = item
    item.index = NOT_DUE

    if (last == null || last === item) {
      return
    }

    this.put(last, index)
    this.siftUp(last.index)
    this.siftDown(last.index)
  }

  private siftUp (index: number): void {
    const item = this.heap[index]

    while (index > 0) {
      const parent = this.heap[(index - 1) >> 1]

      if (parent.dueAt <= item.dueAt) {
        break
      }

      this.put(parent, index)
      index = (index - 1) >> 1
    }

    this.put(item, index)
  }

  private siftDown (index: number): void {
    const item = this.heap[index]

    for (;;) {
      let child = index * 2 + 1

      if (child >= this.heap.length) {
        break
      }

      if (child + 1 < this.heap.length && this.heap[child + 1].dueAt < this.heap[child].dueAt) {
        child++
      }

      if (this.heap[child].dueAt >= item.dueAt) {
        break
      }

      this.put(this.heap[child], index)
      index = child
    }

    this.put(item, index)
  }

  private put (item: T, index: number): void {
    this.heap[index] = item
    item.index = index
  }
}

/**
 * The same for items of any kind, with an entry for each that waits
 */
export class DueQueue<T> {
  private readonly entries = new Map<T, Entry<T>>()
  private readonly list: DueList<Entry<T>>

  /**
   * `onDue` is called as that of a {@link DueList} is
   */
  constructor (clock: Clock, onDue: (item: T, lateBy: number) => void) {
    this.list = new DueList(clock, ({ item }, lateBy) => {
      this.entries.delete(item)
      onDue(item, lateBy)
    })
  }

  get size (): number {
    return this.entries.size
  }

  has (item: T): boolean {
    return this.entries.has(item)
  }

  /**
   * An item that waits already is due at the new time only
   */
  schedule (item: T, dueAt: number): void {
    let entry = this.entries.get(item)

    if (entry == null) {
      entry = { item, dueAt, index: NOT_DUE }
      this.entries.set(item, entry)
    }

    this.list.schedule(entry, dueAt)
  }

  cancel (item: T): void {
    const entry = this.entries.get(item)

    if (entry != null) {
      this.entries.delete(item)
      this.list.cancel(entry)
    }
  }

  clear (): void {
    this.entries.clear()
    this.list.clear()
  }
}
