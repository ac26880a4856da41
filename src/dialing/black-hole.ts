import { withDefaults } from '../options.ts'
import type { DialTraits } from './dial-traits.ts'

/**
 * `probing` is not known yet, `allowed` works, `blocked` is a black hole
 */
export type BlackHoleState = 'probing' | 'allowed' | 'blocked'

/**
 * What the detector needs to know of an address: only public ones tell something about
 * the way into the internet
 */
export type BlackHoleAddress = Pick<DialTraits, 'scope' | 'isUDP' | 'family'>

/**
 * The options of {@link BlackHoleDetector}
 */
export interface BlackHoleInit {
  /**
   * How many results are looked at. With `Infinity` nothing counts as a black hole.
   *
   * @default 100
   */
  window?: number

  /**
   * Fewer successes among them mean a black hole
   *
   * @default 5
   */
  minSuccesses?: number

  /**
   * Time between probes of a black hole, in ms. `Infinity`: it is not probed.
   *
   * @default 60000
   */
  probeInterval?: number
}

/**
 * Those of go-libp2p. The time between probes is a time and no number of dials, so that
 * a quiet node finds out as fast as a busy one.
 */
const DEFAULTS: Required<BlackHoleInit> = { window: 100, minSuccesses: 5, probeInterval: 60_000 }

type Counted = 'udp' | 'ipv6'

/**
 * Notices that a whole way of dialling does not work here: networks that drop
 * UDP, hosts whose IPv6 leads nowhere. Dials that take such a way are refused
 * but for a probe from time to time; a probe that succeeds opens the way again.
 *
 * A dial that was cancelled because another one won says nothing and must not be
 * recorded.
 */
export class BlackHoleDetector {
  readonly #counters: Record<Counted, SuccessCounter>

  constructor (init: BlackHoleInit = {}) {
    const resolved = withDefaults(init, DEFAULTS)
    this.#counters = { udp: new SuccessCounter(resolved), ipv6: new SuccessCounter(resolved) }
  }

  /**
   * What is known of the two ways
   */
  get states (): Record<Counted, BlackHoleState> {
    const { udp, ipv6 } = this.#counters

    return { udp: udp.state, ipv6: ipv6.state }
  }

  /**
   * The network is another one: nothing is known of the ways any more
   */
  clear (): void {
    Object.values(this.#counters).forEach(counter => { counter.clear() })
  }

  /**
   * Whether the address would be refused by a dial at `now`. Changes nothing, so
   * it can be asked as often as one likes.
   */
  isBlocked (address: BlackHoleAddress, now: number): boolean {
    const counters = this.#concerns(address)

    // to find out whether a way works, dials that take it have to be made,
    // whatever else they need
    return counters.every(({ state }) => state !== 'probing') && counters.some(counter => counter.isRefused(now))
  }

  /**
   * The address is about to be dialled: the next probe of a blocked way it takes
   * is due an interval later
   */
  recordStart (address: BlackHoleAddress, now: number): void {
    this.#concerns(address).forEach(counter => { counter.recordStart(now) })
  }

  /**
   * How the dial of an address ended
   */
  recordResult (address: BlackHoleAddress, success: boolean, now: number): void {
    this.#concerns(address).forEach(counter => { counter.recordResult(success, now) })
  }

  #concerns ({ scope, isUDP, family }: BlackHoleAddress): SuccessCounter[] {
    const { udp, ipv6 } = this.#counters

    return scope === 'public' ? [...(isUDP ? [udp] : []), ...(family === 6 ? [ipv6] : [])] : []
  }
}

/**
 * The last results of one way
 */
class SuccessCounter {
  readonly #init: Required<BlackHoleInit>

  /**
   * The latest at the end
   */
  #results: boolean[] = []
  #probedAt = -Infinity

  constructor (init: Required<BlackHoleInit>) {
    this.#init = init
  }

  get state (): BlackHoleState {
    if (this.#results.length < this.#init.window) {
      return 'probing'
    }

    return this.#results.filter(success => success).length >= this.#init.minSuccesses ? 'allowed' : 'blocked'
  }

  clear (): void {
    this.#results = []
    this.#probedAt = -Infinity
  }

  isRefused (now: number): boolean {
    return this.state === 'blocked' && now < this.#probedAt + this.#init.probeInterval
  }

  recordStart (now: number): void {
    if (this.state === 'blocked' && !this.isRefused(now)) {
      this.#probedAt = now
    }
  }

  recordResult (success: boolean, now: number): void {
    // so many will never be seen
    if (this.#init.window === Infinity) {
      return
    }

    const before = this.state

    if (before === 'blocked' && success) {
      this.#results = []
      return
    }

    this.#results.push(success)

    if (this.#results.length > this.#init.window) {
      this.#results.shift()
    }

    if (before !== 'blocked' && this.state === 'blocked') {
      this.#probedAt = now
    }
  }
}
