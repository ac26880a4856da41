import { CidrMap, parseCidr } from '../gating/index.ts'
import { BucketTable } from './bucket-table.ts'
import { TokenRate } from './token-rate.ts'
import type { ExceededLimit } from './refusals.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Clock } from '../clock.ts'
import type { RateLimit, RateLimits, SubnetRateLimit } from '../resources/index.ts'

// of how many networks of each size buckets are kept
const DEFAULT_MAX_BUCKETS = 65_536

/**
 * How often networks may connect. An address in one of the `networks` of the
 * limits takes a token from the bucket of the most specific one; any other takes
 * one from every subnet that it is in, and from the one of all networks. Either
 * all have a token, or none is taken.
 */
export class TokenBuckets {
  readonly #clock: Clock
  private readonly tables: Record<4 | 6, BucketTable[]>
  readonly #networks = new CidrMap<Bucket>()
  readonly #global: Bucket

  /**
   * There are no limits at all, so that nothing need be looked up
   */
  readonly #isUnlimited: boolean

  /**
   * @param clock - where the time comes from
   * @param limits - the rates; what is left out is not limited
   * @param maxBuckets - of how many networks of each size buckets are kept
   */
  constructor (clock: Clock, limits: RateLimits, maxBuckets = DEFAULT_MAX_BUCKETS) {
    const { ipv4 = [], ipv6 = [], networks = [], global = { perSecond: 'unlimited', burst: 0 } } = limits
    this.#clock = clock
    this.#isUnlimited = Object.keys(limits).length === 0
    this.tables = { 4: createTables(ipv4, maxBuckets), 6: createTables(ipv6, maxBuckets) }
    this.#global = new Bucket('system', global)

    for (const network of networks) {
      const cidr = parseCidr(network.cidr, 'cidr')
      this.#networks.set(cidr, new Bucket(`network:${cidr.text}`, network))
    }
  }

  /**
   * Takes a token from every bucket of an address. Returns the one that is empty,
   * if there is one, and then nothing was taken.
   */
  take (ip: IpAddress): ExceededLimit | undefined {
    if (this.#isUnlimited) {
      return
    }

    const now = this.#clock.now()
    const network = this.#networks.match(ip)
    const tables = network == null ? this.tables[ip.family] : []

    for (const table of tables) {
      const refusal = table.check(ip, now)

      if (refusal != null) {
        return refusal
      }
    }

    // last, so that what a subnet has used up costs the others nothing
    const refusal = (network ?? this.#global).take(now)

    if (refusal == null) {
      tables.forEach(table => { table.take(ip, now) })
    }

    return refusal
  }

  /**
   * Gives back what `take` has taken
   */
  refund (ip: IpAddress): void {
    const now = this.#clock.now()
    const network = this.#networks.match(ip)

    if (network == null) {
      this.tables[ip.family].forEach(table => { table.refund(ip, now) })
    }

    (network ?? this.#global).refund(now)
  }
}

/**
 * The bucket of one network, or of all
 */
class Bucket {
  readonly #scope: string
  readonly #rate: TokenRate
  #fullAt = -Infinity

  constructor (scope: string, limit: RateLimit) {
    this.#scope = scope
    this.#rate = new TokenRate(limit)
  }

  take (now: number): ExceededLimit | undefined {
    if (!this.#rate.hasToken(this.#fullAt, now)) {
      return this.#rate.exceeded(this.#scope)
    }

    this.#fullAt = this.#rate.take(this.#fullAt, now)
  }

  refund (now: number): void {
    this.#fullAt = this.#rate.refund(this.#fullAt, now)
  }
}

function createTables (limits: SubnetRateLimit[], maxBuckets: number): BucketTable[] {
  return limits
    .filter(({ perSecond }) => perSecond !== 'unlimited')
    .map(limit => new BucketTable(limit, maxBuckets))
    .sort((a, b) => b.prefix - a.prefix)
}
