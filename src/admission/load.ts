import { duration, notNegative, numberRule } from '../options.ts'
import { canMeasureDelay, heapRatio } from './heap.ts'
import type { ExceededLimit } from './refusals.ts'
import type { Clock, Timer } from '../clock.ts'
import type { OptionRules } from '../options.ts'
import type { Startable } from '@libp2p/interface'

/**
 * The options of a {@link LoadMonitor}
 */
export interface LoadMonitorInit {
  /**
   * No inbound connection is accepted while the event loop is later than this many
   * ms. `Infinity` switches it off. Not in browsers.
   *
   * @default 1_000
   */
  maxEventLoopDelay?: number

  /**
   * No inbound connection is accepted while more than this part of the heap, 0 to
   * 1, is in use. `Infinity` switches it off. In browsers only where they measure
   * it.
   *
   * @default 0.95
   */
  maxHeapRatio?: number

  /**
   * How often to measure, in ms
   *
   * @default 250
   */
  interval?: number
}

/**
 * What the load is read from
 */
export interface LoadMonitorComponents {
  clock: Clock

  /**
   * Which part of the heap is in use
   *
   * @default what the engine says
   */
  heapRatio?(): number | undefined
}

/**
 * What each of these options may be
 */
export const LOAD_RULES: OptionRules<LoadMonitorInit> = {
  maxEventLoopDelay: duration,
  maxHeapRatio: notNegative,
  interval: numberRule('a finite number of ms of at least 1', value => value >= 1 && value < Infinity)
}

const DEFAULT_MAX_EVENT_LOOP_DELAY = 1_000
const DEFAULT_MAX_HEAP_RATIO = 0.95
const DEFAULT_INTERVAL = 250

/**
 * Measures how much there is to do, so that a node that can hardly serve those who
 * are connected lets nobody else in
 */
export class LoadMonitor implements Startable {
  readonly #clock: Clock
  readonly #readHeapRatio: () => number | undefined
  readonly #maxEventLoopDelay: number
  readonly #maxHeapRatio: number
  readonly #interval: number
  #timer: Timer | undefined

  /**
   * By how many ms the event loop is late, averaged over the last few measurements
   */
  #delay = 0
  #heap = 0

  constructor (components: LoadMonitorComponents, init: LoadMonitorInit = {}) {
    this.#clock = components.clock
    this.#readHeapRatio = components.heapRatio ?? heapRatio
    this.#maxEventLoopDelay = canMeasureDelay ? init.maxEventLoopDelay ?? DEFAULT_MAX_EVENT_LOOP_DELAY : Infinity
    this.#maxHeapRatio = init.maxHeapRatio ?? DEFAULT_MAX_HEAP_RATIO
    this.#interval = init.interval ?? DEFAULT_INTERVAL
  }

  start (): void {
    if (this.#timer == null && (this.#maxEventLoopDelay < Infinity || this.#maxHeapRatio < Infinity)) {
      this.#schedule()
    }
  }

  stop (): void {
    this.#timer?.clear()
    this.#timer = undefined
    this.#delay = 0
    this.#heap = 0
  }

  /**
   * Which limit is exceeded, if there is one
   */
  check (): ExceededLimit | undefined {
    if (this.#delay > this.#maxEventLoopDelay) {
      return { scope: 'event-loop-delay', current: Math.round(this.#delay), limit: this.#maxEventLoopDelay }
    }

    if (this.#heap > this.#maxHeapRatio) {
      return { scope: 'heap', current: this.#heap, limit: this.#maxHeapRatio }
    }
  }

  #schedule (): void {
    const expected = this.#clock.now() + this.#interval

    this.#timer = this.#clock.setTimeout(() => {
      // a timer may be early by a part of a ms
      const late = Math.max(0, this.#clock.now() - expected)

      // one long task is soon forgotten, a loop that is always late is not
      this.#delay = (this.#delay + late) / 2
      this.#heap = this.#readHeapRatio() ?? 0
      this.#schedule()
    }, this.#interval)
  }
}
