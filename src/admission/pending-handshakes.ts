import { entryFields } from '../core/index.ts'
import { KnockCounts } from './knock-counts.ts'
import { SubnetCounts } from './subnet-counts.ts'
import type { ExceededLimit } from './refusals.ts'
import type { OriginLimits } from './subnet-counts.ts'
import type { Origin } from '../addresses/index.ts'
import type { Clock } from '../clock.ts'
import type { ConnectionEntry } from '../core/index.ts'
import type { Random } from '../random.ts'

declare module '../core/connection-entry.ts' {
  interface ConnectionEntry {
    /**
     * When it was accepted, in ms since the epoch. 0 if it was not.
     */
    acceptedAt: number

    /**
     * Where it is in the list of those that may give way while they are not upgraded, -1 if
     * it is not in it
     */
    pendingIndex: number
  }
}

entryFields(entry => {
  entry.acceptedAt = 0
  entry.pendingIndex = -1
})

export interface PendingHandshakesComponents {
  clock: Clock
  random: Random
}

/**
 * Among how many the one is looked for that gives way, so that it takes the same time
 * however many there are
 */
const SAMPLES = 16

/**
 * In ms: for how long a handshake does not give way to others that are as good: an honest
 * one over a long way takes that long. When more come than there are places in this time,
 * more of them are finished so than if none had its time.
 */
const LEAST_TIME = 1_000

/**
 * A host that has knocked more than so many times as often as another is worse. One that
 * tries again is not.
 */
const KNOCKS_MORE = 2

/**
 * Part of all places: a network with more of them is crowded
 */
const CROWD = 1 / 64

/**
 * The inbound connections that are not upgraded yet. When they have taken all places,
 * one of the most crowded network gives way, of equals the one whose host knocks most, and
 * of these the one that waits for longest.
 */
export class PendingHandshakes {
  /**
   * How many there may be. May be changed at any time.
   */
  limit: number

  readonly #clock: Clock
  readonly #random: Random
  readonly #subnets: SubnetCounts
  readonly #knocks: KnockCounts
  readonly #mayGive: ConnectionEntry[] = []
  #size = 0

  constructor ({ clock, random }: PendingHandshakesComponents, limit: number, subnets: OriginLimits) {
    this.limit = limit
    this.#clock = clock
    this.#random = random
    this.#subnets = new SubnetCounts(subnets)
    this.#knocks = new KnockCounts(clock)
  }

  get size (): number {
    return this.#size
  }

  get isFull (): boolean {
    return this.#size >= this.limit
  }

  /**
   * A connection of a host was made, whether it comes in or not
   */
  knock ({ ip }: Origin): void {
    // nobody is chosen by that while there are places enough
    if (ip != null && this.#size >= this.limit / 2) {
      this.#knocks.add(ip)
    }
  }

  /**
   * Which limit of its network does not allow one more, if there is one
   */
  check (origin: Origin): ExceededLimit | undefined {
    return this.#subnets.check(origin)
  }

  /**
   * @param entry - was accepted
   * @param mayGiveWay - whether it may lose its place to others
   */
  add (entry: ConnectionEntry, mayGiveWay: boolean): void {
    entry.acceptedAt = this.#clock.now()

    if (mayGiveWay) {
      entry.pendingIndex = this.#mayGive.length
      this.#mayGive.push(entry)
    }

    this.#size++
    this.#subnets.add(entry)
  }

  /**
   * It has to be one of these
   */
  delete (entry: ConnectionEntry): void {
    const { pendingIndex: index } = entry
    const last = index === -1 ? undefined : this.#mayGive.pop()

    if (last != null && last !== entry) {
      last.pendingIndex = index
      this.#mayGive[index] = last
    }

    entry.pendingIndex = -1
    this.#size--
    this.#subnets.remove(entry)
  }

  /**
   * Which one has to give way to a newcomer from there, `undefined` if none
   */
  victimFor (newcomer: Origin): ConnectionEntry | undefined {
    const level = this.#levelOf(newcomer)
    const most = this.#knocksOf(newcomer) * KNOCKS_MORE
    const begun = this.#clock.now() - LEAST_TIME
    let victim: Ranked | undefined

    for (const entry of this.#sample()) {
      const ranked = { entry, level: this.#levelOf(entry), knocks: this.#knocksOf(entry) }
      const mayGo = ranked.level > level || (ranked.level === level && (ranked.knocks > most || entry.acceptedAt <= begun))

      if (mayGo && (victim == null || isWorse(ranked, victim))) {
        victim = ranked
      }
    }

    return victim?.entry
  }

  #levelOf (origin: Origin): number {
    return this.#subnets.crowding(origin, Number.isFinite(this.limit) ? Math.max(2, this.limit * CROWD) : Infinity)
  }

  #knocksOf ({ ip }: Origin): number {
    // the first one was not counted, if there were places enough
    return ip == null ? 1 : Math.max(1, this.#knocks.get(ip))
  }

  * #sample (): Generator<ConnectionEntry> {
    const all = this.#mayGive

    if (all.length <= SAMPLES) {
      yield * all
      return
    }

    for (let i = 0; i < SAMPLES; i++) {
      yield all[Math.floor(this.#random.next() * all.length)]
    }
  }
}

interface Ranked {
  readonly entry: ConnectionEntry

  /**
   * How crowded its network is
   */
  readonly level: number

  /**
   * How often its host has knocked of late
   */
  readonly knocks: number
}

function isWorse (a: Ranked, b: Ranked): boolean {
  return (a.level - b.level || a.knocks - b.knocks || b.entry.acceptedAt - a.entry.acceptedAt) > 0
}

/**
 * Does a scope count what is not upgraded yet, so that it has places again when one of these
 * gives way?
 */
export function countsPending (scope: string): boolean {
  return scope === 'transient' || scope === 'system'
}
