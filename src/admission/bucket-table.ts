import { PrefixNumbers, prefixText } from '../addresses/index.ts'
import { TokenRate } from './token-rate.ts'
import type { ExceededLimit } from './refusals.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { SubnetRateLimit } from '../resources/index.ts'

/**
 * In how many steps a bucket fills up. A bucket that was empty when its generation ended
 * is full after twice as many, which have to be a number of 30 bits.
 */
const STEPS = 2 ** 28

/**
 * A bucket of tokens for each network of one size: when it will be full.
 *
 * Buckets are in two generations. What changes belongs to the younger one, and a
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

  /**
   * For each network: when its bucket will be full, in units from the beginning of the
   * younger generation, and in the last bit which generation it belongs to. Both are in
   * one table, as with many networks each look-up waits for the memory.
   */
  private readonly buckets: PrefixNumbers

  /**
   * How many ms a unit has
   */
  readonly #unit: number

  /**
   * When the younger generation began, the bit of it, and how many belong to it
   */
  #since = -Infinity
  #generation = 0
  #youngCount = 0

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
    this.buckets = new PrefixNumbers(limit.prefix)
  }

  /**
   * Which limit is exceeded, if the bucket of the network that an address is in is empty
   */
  check (ip: IpAddress, now: number): ExceededLimit | undefined {
    if (!this.#rate.hasToken(this.#fullAt(this.buckets.get(ip)), now)) {
      return this.#rate.exceeded(`subnet:${prefixText(ip, this.prefix)}`)
    }
  }

  take (ip: IpAddress, now: number): void {
    this.#change(ip, 'take', now)
  }

  refund (ip: IpAddress, now: number): void {
    this.#change(ip, 'refund', now)
  }

  /**
   * When a bucket will be full. In the past if it is.
   */
  #fullAt (bucket: number): number {
    return bucket === 0 ? -Infinity : this.#since + (bucket >> 1) * this.#unit
  }

  #change (ip: IpAddress, how: 'take' | 'refund', now: number): void {
    const bucket = this.buckets.get(ip)
    const fullAt = this.#rate[how](this.#fullAt(bucket), now)

    if (now >= this.#since + this.#rate.fillTime || this.#youngCount >= this.#maxBuckets / 2) {
      this.#begin(now)
      this.#youngCount = 1
    } else if (!this.#isYoung(bucket)) {
      this.#youngCount++
    }

    // rounded down, so that nobody waits for longer than he has to
    this.buckets.set(ip, (Math.floor((fullAt - this.#since) / this.#unit) << 1) | this.#generation)
  }

  /**
   * Begins a generation. Those of the younger one become the older one, whose own are
   * dropped.
   */
  #begin (now: number): void {
    // twice, as the last bit is no part of the time
    const passed = 2 * Math.ceil((now - this.#since) / this.#unit)

    this.buckets.replaceAll(bucket => this.#isYoung(bucket) && bucket - passed > 1 ? bucket - passed : 0)
    this.#since = now
    this.#generation ^= 1
  }

  #isYoung (bucket: number): boolean {
    return bucket !== 0 && (bucket & 1) === this.#generation
  }
}
