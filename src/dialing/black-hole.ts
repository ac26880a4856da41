/**
 * How many results are looked at (go-libp2p default)
 */
export const BLACK_HOLE_WINDOW = 100

/**
 * Fewer successes than this among the last {@link BLACK_HOLE_WINDOW} results
 * mean a black hole (go-libp2p default)
 */
export const BLACK_HOLE_MIN_SUCCESSES = 5

/**
 * How long after the last probe the next dial probes a black hole, in ms. By
 * time and not by the number of dials, so that a quiet node finds out as fast
 * as a busy one.
 */
export const BLACK_HOLE_PROBE_INTERVAL = 60_000

/**
 * `probing` is not known yet, `allowed` works, `blocked` is a black hole
 */
export type BlackHoleState = 'probing' | 'allowed' | 'blocked'

/**
 * What the detector needs to know of an address
 */
export interface BlackHoleAddress {
  /**
   * Only public addresses tell something about the way into the internet
   */
  isPublic: boolean

  /**
   * QUIC, WebTransport and WebRTC use UDP
   */
  isUDP: boolean

  /**
   * An IPv6 address, or a host name that is asked for IPv6 addresses only
   */
  isIPv6: boolean
}

/**
 * The options of {@link BlackHoleDetector}
 */
export interface BlackHoleInit {
  /**
   * How many results are looked at
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
   * Time between probes of a black hole, in ms
   *
   * @default 60000
   */
  probeInterval?: number
}

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
    this.#counters = {
      udp: new SuccessCounter(init),
      ipv6: new SuccessCounter(init)
    }
  }

  /**
   * What is known of the two ways
   */
  get states (): Record<Counted, BlackHoleState> {
    return {
      udp: this.#counters.udp.state,
      ipv6: this.#counters.ipv6.state
    }
  }

  /**
   * Whether the address would be refused by a dial at `now`. Changes nothing, so
   * it can be asked as often as one likes.
   */
  isBlocked (address: BlackHoleAddress, now: number): boolean {
    return this.#blockedBy(address, now).length > 0
  }

  /**
   * The address is about to be dialled: the next probe of a blocked way it takes
   * is due an interval later
   */
  recordStart (address: BlackHoleAddress, now: number): void {
    for (const counter of this.#concerns(address)) {
      counter.recordStart(now)
    }
  }

  /**
   * How the dial of an address ended
   */
  recordResult (address: BlackHoleAddress, success: boolean, now: number): void {
    for (const counter of this.#concerns(address)) {
      counter.recordResult(success, now)
    }
  }

  #blockedBy (address: BlackHoleAddress, now: number): SuccessCounter[] {
    const counters = this.#concerns(address)

    // to find out whether a way works, dials that take it have to be made,
    // whatever else they need
    if (counters.some(counter => counter.state === 'probing')) {
      return []
    }

    return counters.filter(counter => counter.isRefused(now))
  }

  #concerns (address: BlackHoleAddress): SuccessCounter[] {
    if (!address.isPublic) {
      return []
    }

    return [
      ...(address.isUDP ? [this.#counters.udp] : []),
      ...(address.isIPv6 ? [this.#counters.ipv6] : [])
    ]
  }
}

/**
 * The last results of one way
 */
class SuccessCounter {
  readonly #window: number
  readonly #minSuccesses: number
  readonly #probeInterval: number
  #results: boolean[] = []
  #next = 0
  #successes = 0
  #probedAt = -Infinity

  constructor (init: BlackHoleInit) {
    this.#window = init.window ?? BLACK_HOLE_WINDOW
    this.#minSuccesses = init.minSuccesses ?? BLACK_HOLE_MIN_SUCCESSES
    this.#probeInterval = init.probeInterval ?? BLACK_HOLE_PROBE_INTERVAL
  }

  get state (): BlackHoleState {
    if (this.#results.length < this.#window) {
      return 'probing'
    }

    return this.#successes >= this.#minSuccesses ? 'allowed' : 'blocked'
  }

  isRefused (now: number): boolean {
    return this.state === 'blocked' && now < this.#probedAt + this.#probeInterval
  }

  recordStart (now: number): void {
    if (this.state === 'blocked' && !this.isRefused(now)) {
      this.#probedAt = now
    }
  }

  recordResult (success: boolean, now: number): void {
    const before = this.state

    if (before === 'blocked' && success) {
      this.#results = []
      this.#next = 0
      this.#successes = 0
      return
    }

    this.#successes += Number(success) - Number(this.#results[this.#next] ?? false)
    this.#results[this.#next] = success
    this.#next = (this.#next + 1) % this.#window

    if (before !== 'blocked' && this.state === 'blocked') {
      this.#probedAt = now
    }
  }
}
