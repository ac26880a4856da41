import { PrefixNumbers } from '../addresses/index.ts'
import type { TokenRate } from './token-rate.ts'
import type { IpAddress } from '../addresses/index.ts'

interface Generation {
  /**
   * When it began, in ms
   */
  readonly since: number
  readonly times: PrefixNumbers
}

/**
 * In how many steps a bucket fills up. A bucket that was empty when its generation ended
 * is full after twice as many, which have to be a number of 31 bits.
 */
const STEPS = 2 ** 29

/**
 * A bucket of tokens for each network of one size: when it will be full.
 *
 * Buckets are in two generations. What changes goes to the younger one, and a
 * generation lasts as long as a bucket takes to fill up: so the buckets of the older
 * one are full when it is dropped, as if they had never been used. Nothing has to
 * look for buckets that are no longer needed.
 */
export class BucketTable {
  /**
   * The size of the networks
   */
  readonly bits: number

  readonly rate: TokenRate
  #young: Generation
  #old: Generation
  readonly #maxBuckets: number

  /**
   * Times are kept as whole numbers, of so many ms each, from the beginning of a
   * generation
   */
  readonly #unit: number

  /**
   * @param bits - the size of the networks
   * @param rate - how the buckets fill
   * @param maxBuckets - of how many networks buckets are kept. When there are more,
   * those that were not used for longest are dropped before they are full.
   */
  constructor (bits: number, rate: TokenRate, maxBuckets: number) {
    this.bits = bits
    this.rate = rate
    this.#maxBuckets = maxBuckets
    this.#unit = Math.max(rate.fillTime, 1) / STEPS
    this.#young = { since: -Infinity, times: new PrefixNumbers(bits) }
    this.#old = { since: -Infinity, times: new PrefixNumbers(bits) }
  }

  get size (): number {
    return this.#young.times.size + this.#old.times.size
  }

  /**
   * When the bucket of the network that an address is in will be full. In the past if
   * it is.
   */
  fullAt (ip: IpAddress): number {
    return this.#timeIn(this.#young, ip) ?? this.#timeIn(this.#old, ip) ?? -Infinity
  }

  /**
   * Change when that bucket will be full
   */
  setFullAt (ip: IpAddress, fullAt: number, now: number): void {
    const { since, times } = this.#young

    // a time before the beginning is a clock that was set back
    if (now >= since + this.rate.fillTime || now < since || times.size >= this.#maxBuckets / 2) {
      this.#old = this.#young
      this.#young = { since: now, times: new PrefixNumbers(this.bits, times.size) }
    }

    // rounded down, so that nobody waits for longer than he has to
    this.#young.times.set(ip, 1 + Math.max(0, Math.floor((fullAt - this.#young.since) / this.#unit)))
  }

  #timeIn ({ since, times }: Generation, ip: IpAddress): number | undefined {
    const time = times.get(ip)

    return time === 0 ? undefined : since + (time - 1) * this.#unit
  }
}
