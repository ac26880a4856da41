import { systemClock } from '../src/clock.ts'
import { EventHeap } from './event-heap.ts'
import type { Clock, Timer } from '../src/clock.ts'

/**
 * A clock whose time jumps from one event to the next
 */
export class EventClock implements Clock {
  /**
   * How many events there were
   */
  events = 0

  private time: number
  private readonly heap = new EventHeap()
  private isSettled = true

  constructor (start: number) {
    this.time = start
  }

  now (): number {
    return this.time
  }

  setTimeout (callback: () => void, delay: number): Timer {
    const event = this.heap.add(this.time + Math.max(0, delay), () => {
      this.isSettled = false
      callback()
    })

    return {
      clear: () => { event.callback = undefined }
    }
  }

  async nextTurn (): Promise<void> {
    await Promise.resolve()
  }

  /**
   * An event of the world, which waits for no promises unless `unsettle` is called
   */
  schedule (delay: number, callback: () => void): void {
    this.heap.add(this.time + delay, callback)
  }

  /**
   * Promises have to settle before the next event
   */
  unsettle (): void {
    this.isSettled = false
  }

  /**
   * Let everything happen that happens until then
   */
  async runUntil (end: number): Promise<void> {
    await this.settle()

    for (let event = this.heap.take(end); event != null; event = this.heap.take(end)) {
      this.time = event.at

      if (event.callback != null) {
        this.events++
        event.callback()
        await this.settle()
      }
    }

    this.time = end
  }

  private async settle (): Promise<void> {
    if (!this.isSettled) {
      this.isSettled = true
      await systemClock.nextTurn()
    }
  }
}
