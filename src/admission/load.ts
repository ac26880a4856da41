import { duration, notNegative, numberRule } from '../options.ts'
import { machine } from '../resources/index.ts'
import { canMeasureDelay, heapRatio, residentMemory } from './memory.ts'
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
   * No inbound connection is accepted while the process has more than this part of the
   * memory in use, 0 to 1: of that of the machine or, if that is less, of the limit of its
   * container (cgroup v1 or v2). `Infinity` switches it off. Not in browsers.
   *
   * @default 0.9
   */
  maxMemoryRatio?: number

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

  /**
   * How many bytes of memory the process has in use
   *
   * @default what the system says
   */
  residentMemory?(): number | undefined

  /**
   * How many bytes there are for it, which is asked once for every start. 0 if that is not
   * known.
   *
   * @default what the machine or the container has
   */
  totalMemory?(): number
}

/**
 * What each of these options may be
 */
export const LOAD_RULES: OptionRules<LoadMonitorInit> = {
  maxEventLoopDelay: duration,
  maxHeapRatio: notNegative,
  maxMemoryRatio: notNegative,
  interval: numberRule('a finite number of ms of at least 1', value => value >= 1 && value < Infinity)
}

const DEFAULT_MAX_EVENT_LOOP_DELAY = 1_000
const DEFAULT_MAX_HEAP_RATIO = 0.95

// what is left is for the system, and for the rest of the heap
const DEFAULT_MAX_MEMORY_RATIO = 0.9
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
  readonly #readResident: () => number | undefined
  readonly #readTotal: () => number
  readonly #maxMemoryRatio: number
  readonly #interval: number
  #timer: Timer | undefined

  /**
   * By how many ms the event loop is late, averaged over the last few measurements
   */
  #delay = 0
  #heap = 0
  #memory = 0
  #totalMemory = 0

  constructor (components: LoadMonitorComponents, init: LoadMonitorInit = {}) {
    this.#clock = components.clock
    this.#readHeapRatio = components.heapRatio ?? heapRatio
    this.#maxEventLoopDelay = canMeasureDelay ? init.maxEventLoopDelay ?? DEFAULT_MAX_EVENT_LOOP_DELAY : Infinity
    this.#maxHeapRatio = init.maxHeapRatio ?? DEFAULT_MAX_HEAP_RATIO
    this.#readResident = components.residentMemory ?? residentMemory
    this.#readTotal = components.totalMemory ?? (() => machine().memory)
    this.#maxMemoryRatio = init.maxMemoryRatio ?? DEFAULT_MAX_MEMORY_RATIO
    this.#interval = init.interval ?? DEFAULT_INTERVAL
  }

  start (): void {
    if (this.#timer == null && [this.#maxEventLoopDelay, this.#maxHeapRatio, this.#maxMemoryRatio].some(limit => limit < Infinity)) {
      this.#totalMemory = this.#maxMemoryRatio < Infinity ? this.#readTotal() : 0
      this.#schedule()
    }
  }

  stop (): void {
    this.#timer?.clear()
    this.#timer = undefined
    this.#delay = 0
    this.#heap = 0
    this.#memory = 0
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

    if (this.#memory > this.#maxMemoryRatio) {
      return { scope: 'memory', current: this.#memory, limit: this.#maxMemoryRatio }
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
      this.#memory = this.#totalMemory > 0 ? (this.#readResident() ?? 0) / this.#totalMemory : 0
      this.#schedule()
    }, this.#interval)
  }
}
