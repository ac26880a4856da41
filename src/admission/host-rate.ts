import { PrefixNumbers, isPrivateOrLoopback } from '../addresses/index.ts'
import type { ExceededLimit } from './refusals.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Clock } from '../clock.ts'

export interface HostRateInit {
  /**
   * How many connections a host may open within one second
   */
  inboundConnectionThreshold: number

  /**
   * Does that hold for hosts with loopback and private addresses?
   */
  limitPrivateHosts: boolean
}

/**
 * In ms. `inboundConnectionThreshold` is a number of connections per second.
 */
const WINDOW = 1_000

/**
 * Limits how often a single host may connect, as libp2p's own connection manager
 * does. All counts are dropped when the next second begins, so that memory is
 * bounded by what arrives in one second.
 */
export class HostRate {
  readonly #clock: Clock
  readonly #init: HostRateInit
  #counts = emptyCounts()
  #endsAt = -Infinity

  constructor (clock: Clock, init: HostRateInit) {
    this.#clock = clock
    this.#init = init
  }

  /**
   * Count a connection of a host. Returns which limit is exceeded, if it is one too
   * many.
   */
  take (ip: IpAddress): ExceededLimit | undefined {
    const { inboundConnectionThreshold: limit, limitPrivateHosts } = this.#init

    if (limit === Infinity || (!limitPrivateHosts && isPrivateOrLoopback(ip))) {
      return
    }

    const current = this.#current()[ip.family].addBelow(ip, limit)

    if (current >= limit) {
      return { scope: `ip:${ip.text}`, current, limit }
    }
  }

  #current (): Record<4 | 6, PrefixNumbers> {
    const now = this.#clock.now()

    if (now >= this.#endsAt) {
      // as many will connect in the next one
      this.#counts = emptyCounts(this.#counts[4].size, this.#counts[6].size)
      this.#endsAt = now + WINDOW
    }

    return this.#counts
  }
}

function emptyCounts (hosts4 = 0, hosts6 = 0): Record<4 | 6, PrefixNumbers> {
  return { 4: new PrefixNumbers(32, hosts4), 6: new PrefixNumbers(128, hosts6) }
}
