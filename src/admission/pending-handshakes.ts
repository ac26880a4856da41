import { KnockCounts } from './knock-counts.ts'
import { SubnetCounts } from './subnet-counts.ts'
import type { Origin } from './origin.ts'
import type { ExceededLimit } from './refusals.ts'
import type { OriginLimits } from './subnet-counts.ts'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * A connection that was accepted and is not upgraded yet
 */
export interface PendingHandshake<H> {
  readonly held: H
  readonly origin: Origin

  /**
   * When it was accepted
   */
  readonly since: number

  /**
   * Closes the socket
   */
  readonly socket?: AbortableSocket

  /**
   * Where it is in the list of those that may give way, -1 if it is not in it
   */
  index: number
}

/**
 * What a connection comes in over
 */
export interface AbortableSocket {
  readonly remoteAddr: Multiaddr
  abort(err: Error): void
}

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
export class PendingHandshakes<H> {
  /**
   * How many there may be. May be changed at any time.
   */
  limit: number

  readonly #clock: Clock
  readonly #random: Random
  readonly #subnets: SubnetCounts
  readonly #knocks: KnockCounts
  readonly #mayGive: Array<PendingHandshake<H>> = []
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
   * @param held - what the connection has taken
   * @param origin - where it comes from
   * @param mayGiveWay - whether it may lose its place to others
   * @param socket - closes it then
   */
  add (held: H, origin: Origin, mayGiveWay: boolean, socket?: AbortableSocket): PendingHandshake<H> {
    const pending = { held, origin, since: this.#clock.now(), socket, index: mayGiveWay ? this.#mayGive.length : -1 }

    if (mayGiveWay) {
      this.#mayGive.push(pending)
    }

    this.#size++
    this.#subnets.add(origin)

    return pending
  }

  /**
   * It has to be one of these
   */
  delete ({ index, origin }: PendingHandshake<H>): void {
    const last = index === -1 ? undefined : this.#mayGive.pop()

    if (last != null && last.index !== index) {
      last.index = index
      this.#mayGive[index] = last
    }

    this.#size--
    this.#subnets.remove(origin)
  }

  /**
   * Which one has to give way to a newcomer from there, `undefined` if none
   */
  victimFor (newcomer: Origin): PendingHandshake<H> | undefined {
    const level = this.#levelOf(newcomer)
    const most = this.#knocksOf(newcomer) * KNOCKS_MORE
    const begun = this.#clock.now() - LEAST_TIME
    let victim: Ranked<H> | undefined

    for (const pending of this.#sample()) {
      const ranked = { pending, level: this.#levelOf(pending.origin), knocks: this.#knocksOf(pending.origin) }
      const mayGo = ranked.level > level || (ranked.level === level && (ranked.knocks > most || pending.since <= begun))

      if (mayGo && (victim == null || isWorse(ranked, victim))) {
        victim = ranked
      }
    }

    return victim?.pending
  }

  #levelOf (origin: Origin): number {
    return this.#subnets.crowding(origin, Number.isFinite(this.limit) ? Math.max(2, this.limit * CROWD) : Infinity)
  }

  #knocksOf ({ ip }: Origin): number {
    // the first one was not counted, if there were places enough
    return ip == null ? 1 : Math.max(1, this.#knocks.get(ip))
  }

  * #sample (): Generator<PendingHandshake<H>> {
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

interface Ranked<H> {
  readonly pending: PendingHandshake<H>

  /**
   * How crowded its network is
   */
  readonly level: number

  /**
   * How often its host has knocked of late
   */
  readonly knocks: number
}

function isWorse<H> (a: Ranked<H>, b: Ranked<H>): boolean {
  return (a.level - b.level || a.knocks - b.knocks || b.pending.since - a.pending.since) > 0
}

/**
 * Does a scope count what is not upgraded yet, so that it has places again when one of these
 * gives way?
 */
export function countsPending (scope: string): boolean {
  return scope === 'transient' || scope === 'system'
}
