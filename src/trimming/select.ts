import { partition } from './partition.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * What the choice of victims looks at: one open connection that may be closed
 */
export interface TrimRecord {
  /**
   * Identifies the connection, and decides when all else is equal
   */
  readonly id: string

  /**
   * What the peer is worth
   */
  readonly value: number

  /**
   * `true` if the peer has a better connection than this one, so that closing it
   * does not disconnect the peer
   */
  readonly duplicate: boolean

  /**
   * How many streams the application has open on the connection
   */
  readonly streams: number

  readonly direction: MessageStreamDirection

  /**
   * When the connection was opened, in ms since the epoch
   */
  readonly openedAt: number

  /**
   * Has the peer a `keep-alive` tag, or is the connection relayed, and one of the few
   * ways in which others reach this node? Such a connection goes after others of equal
   * value.
   *
   * @default false
   */
  readonly spared?: boolean
}

/**
 * In which order connections are trimmed
 */
export interface VictimOrderOptions {
  /**
   * Under memory pressure connections with more streams go first, as they hold
   * more memory
   *
   * @default false
   */
  emergency?: boolean
}

/**
 * Compares two connections: negative when `a` is to be closed before `b`. In this
 * order: duplicates of a peer, the less valuable peer, the one that is not spared, the
 * one that is not in use, inbound ones, those with fewer streams (more in an
 * emergency), the newer one, and the id.
 */
export function compareVictims (a: TrimRecord, b: TrimRecord, emergency = false): number {
  if (a.duplicate !== b.duplicate) {
    return a.duplicate ? -1 : 1
  }

  if (a.value !== b.value) {
    return a.value - b.value
  }

  const isSpared = a.spared === true

  if (isSpared !== (b.spared === true)) {
    return isSpared ? 1 : -1
  }

  if (a.streams !== b.streams && (a.streams === 0 || b.streams === 0)) {
    return a.streams === 0 ? -1 : 1
  }

  if (a.direction !== b.direction) {
    return a.direction === 'inbound' ? -1 : 1
  }

  if (a.streams !== b.streams) {
    return emergency ? b.streams - a.streams : a.streams - b.streams
  }

  if (a.openedAt !== b.openedAt) {
    return b.openedAt - a.openedAt
  }

  if (a.id === b.id) {
    return 0
  }

  return a.id < b.id ? -1 : 1
}

/**
 * The `n` connections that are to be closed, first to last. The order of the
 * candidates makes no difference.
 */
export function selectVictims <T extends TrimRecord> (candidates: Iterable<T>, n: number, options: VictimOrderOptions = {}): T[] {
  const selection = new VictimSelection<T>(n, options)

  for (const candidate of candidates) {
    selection.add(candidate)
  }

  return selection.victims()
}

/**
 * So many candidates are gathered at least, as dropping some of a few is not
 * worthwhile
 */
const MIN_CAPACITY = 64

/**
 * Keeps the `n` most expendable of the candidates that are added one after the
 * other, in time proportional to their number, so that the event loop can have a
 * turn in between.
 *
 * Candidates are gathered until there are twice as many as needed, then the less
 * expendable half is dropped. From then on a candidate that is worth more than
 * all that were kept is not even gathered.
 */
export class VictimSelection<T extends TrimRecord> {
  readonly #n: number
  readonly #emergency: boolean
  #kept: T[] = []
  readonly #capacity: number
  #threshold?: T

  constructor (n: number, options: VictimOrderOptions = {}) {
    this.#n = Math.max(0, Math.floor(n)) || 0
    this.#capacity = Math.max(MIN_CAPACITY, this.#n * 2)
    this.#emergency = options.emergency ?? false
  }

  add (candidate: T): void {
    if (this.#n === 0 || (this.#threshold != null && this.#compare(candidate, this.#threshold) >= 0)) {
      return
    }

    this.#kept.push(candidate)

    if (this.#kept.length >= this.#capacity) {
      this.#dropTheBetterHalf()
    }
  }

  /**
   * The victims, first to last
   */
  victims (): T[] {
    if (this.#kept.length > this.#n) {
      this.#dropTheBetterHalf()
    }

    return this.#kept.sort((a, b) => this.#compare(a, b))
  }

  #dropTheBetterHalf (): void {
    partition(this.#kept, this.#n, (a, b) => this.#compare(a, b))
    this.#kept.length = this.#n
    this.#threshold = this.#kept[this.#n - 1]
  }

  #compare (a: T, b: T): number {
    return compareVictims(a, b, this.#emergency)
  }
}
