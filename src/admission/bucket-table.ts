import { PrefixNumbers, prefixText } from '../addresses/index.ts'
import { TokenRate } from './token-rate.ts'
import type { ExceededLimit } from './refusals.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { SubnetRateLimit } from '../resources/index.ts'

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
  readonly prefix: number
  readonly #rate: TokenRate
  readonly #maxBuckets: number
  private young: Generation
  private old: Generation

  /**
   * Times are kept as whole numbers, of so many ms each, from the beginning of a
   * generation
   */
  readonly #unit: number

  /**
   * @param limit - the size of the networks, and how the buckets fill
   * @param maxBuckets - of how many networks buckets are kept. When there are more,
   * those that were not used for longest are dropped before they are full.
   */
  constructor (limit: SubnetRateLimit, maxBuckets: number) {
    this.prefix = limit.prefix
    this.#rate = new TokenRate(limit)
    this.#maxBuckets = maxBuckets
    this.#unit = Math.max(this.#rate.fillTime, 1) / STEPS
    this.young = this.old = { since: -Infinity, times: new PrefixNumbers(limit.prefix) }
  }

  /**
   * Which limit is exceeded, if the bucket of the network that an address is in is empty
   */
  check (ip: IpAddress, now: number): ExceededLimit | undefined {
    if (!this.#rate.hasToken(this.#fullAt(ip), now)) {
      return this.#rate.exceeded(`subnet:${prefixText(ip, this.prefix)}`)
    }
  }

  take (ip: IpAddress, now: number): void {
    this.#setFullAt(ip, this.#rate.take(this.#fullAt(ip), now), now)
  }

  refund (ip: IpAddress, now: number): void {
    this.#setFullAt(ip, this.#rate.refund(this.#fullAt(ip), now), now)
  }

  /**
   * When a bucket will be full. In the past if it is.
   */
  #fullAt (ip: IpAddress): number {
    return this.#timeIn(this.young, ip) ?? this.#timeIn(this.old, ip) ?? -Infinity
  }

  #setFullAt (ip: IpAddress, fullAt: number, now: number): void {
    const { since, times } = this.young

    if (now >= since + this.#rate.fillTime || times.size >= this.#maxBuckets / 2) {
      this.old = this.young
      this.young = { since: now, times: new PrefixNumbers(this.prefix, times.size) }
    }

    // rounded down, so that nobody waits for longer than he has to
    this.young.times.set(ip, 1 + Math.floor((fullAt - this.young.since) / this.#unit))
  }

  #timeIn ({ since, times }: Generation, ip: IpAddress): number | undefined {
    const time = times.get(ip)

    return time === 0 ? undefined : since + (time - 1) * this.#unit
  }
}
