import { PrefixNumbers } from '../addresses/index.ts'
import type { TokenRate } from './token-rate.ts'
import type { IpAddress } from '../addresses/index.ts'

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
  private young: PrefixNumbers
  private old: PrefixNumbers
  private readonly maxBuckets: number
  private endsAt = -Infinity

  /**
   * @param bits - the size of the networks
   * @param rate - how the buckets fill
   * @param maxBuckets - of how many networks buckets are kept. When there are more,
   * those that were not used for longest are dropped before they are full.
   */
  constructor (bits: number, rate: TokenRate, maxBuckets: number) {
    this.bits = bits
    this.rate = rate
    this.maxBuckets = maxBuckets
    this.young = new PrefixNumbers(bits)
    this.old = new PrefixNumbers(bits)
  }

  get size (): number {
    return this.young.size + this.old.size
  }

  /**
   * When the bucket of the network that an address is in will be full. In the past if
   * it is.
   */
  fullAt (ip: IpAddress): number {
    const fullAt = this.young.get(ip)

    // 0 is that of a bucket that was never used, and long past
    return fullAt === 0 ? this.old.get(ip) : fullAt
  }

  /**
   * Change when that bucket will be full
   */
  setFullAt (ip: IpAddress, fullAt: number, now: number): void {
    // a time before the beginning is a clock that was set back
    if (now >= this.endsAt || now < this.endsAt - this.rate.fillTime || this.young.size >= this.maxBuckets / 2) {
      this.old = this.young
      this.young = new PrefixNumbers(this.bits, this.old.size)
      this.endsAt = now + this.rate.fillTime
    }

    this.young.set(ip, fullAt)
  }
}
