import { prefixText } from '../addresses/index.ts'
import { CidrMap, parseCidr } from '../gating/index.ts'
import { BucketTable } from './bucket-table.ts'
import { TokenRate } from './token-rate.ts'
import type { ExceededLimit } from './refusals.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Clock } from '../clock.ts'
import type { RateLimit, RateLimits, SubnetRateLimit } from '../resources/index.ts'

// of how many networks of each size buckets are kept
const DEFAULT_MAX_BUCKETS = 65_536

interface NamedBucket {
  readonly name: string
  readonly rate: TokenRate
  fullAt: number
}

/**
 * How often networks may connect. An address in one of the `networks` of the
 * limits takes a token from the bucket of the most specific one; any other takes
 * one from every subnet that it is in, and from the one of all networks. Either
 * all have a token, or none is taken.
 */
export class TokenBuckets {
  readonly #clock: Clock
  readonly #tables: Record<4 | 6, BucketTable[]>
  readonly #networks = new CidrMap<NamedBucket | 'unlimited'>()
  readonly #global: NamedBucket | undefined

  /**
   * There is nothing to count, so that nothing need be looked up
   */
  readonly #isUnlimited: boolean

  /**
   * @param clock - where the time comes from
   * @param limits - the rates; what is left out is not limited
   * @param maxBuckets - of how many networks of each size buckets are kept
   */
  constructor (clock: Clock, limits: RateLimits, maxBuckets = DEFAULT_MAX_BUCKETS) {
    this.#clock = clock
    this.#tables = {
      4: createTables(limits.ipv4 ?? [], maxBuckets),
      6: createTables(limits.ipv6 ?? [], maxBuckets)
    }
    this.#global = limits.global == null ? undefined : createBucket('system', limits.global)

    for (const network of limits.networks ?? []) {
      const cidr = parseCidr(network.cidr, 'cidr')
      this.#networks.set(cidr, createBucket(`network:${cidr.text}`, network) ?? 'unlimited')
    }

    this.#isUnlimited = this.#global == null && this.#tables[4].length === 0 && this.#tables[6].length === 0 &&
      (limits.networks ?? []).every(({ perSecond }) => perSecond === 'unlimited')
  }

  /**
   * Of how many networks buckets are kept
   */
  get size (): number {
    return [...this.#tables[4], ...this.#tables[6]].reduce((sum, table) => sum + table.size, 0)
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

    if (network != null) {
      return network === 'unlimited' ? undefined : takeFrom(network, now)
    }

    const tables = this.#tables[ip.family]
    const fullAt: number[] = []

    for (const table of tables) {
      const time = table.fullAt(ip)

      if (!table.rate.hasToken(time, now)) {
        return { scope: `subnet:${prefixText(ip, table.bits)}`, current: table.rate.burst, limit: table.rate.burst }
      }

      fullAt.push(time)
    }

    // last, so that what a subnet has used up costs the others nothing
    const refusal = this.#global == null ? undefined : takeFrom(this.#global, now)

    if (refusal == null) {
      tables.forEach((table, i) => { table.setFullAt(ip, table.rate.take(fullAt[i], now), now) })
    }

    return refusal
  }

  /**
   * Gives back what `take` has taken
   */
  refund (ip: IpAddress): void {
    if (this.#isUnlimited) {
      return
    }

    const now = this.#clock.now()
    const network = this.#networks.match(ip)

    if (network != null) {
      if (network !== 'unlimited') {
        refundTo(network, now)
      }

      return
    }

    for (const table of this.#tables[ip.family]) {
      table.setFullAt(ip, table.rate.refund(table.fullAt(ip), now), now)
    }

    if (this.#global != null) {
      refundTo(this.#global, now)
    }
  }
}

function createBucket (name: string, { perSecond, burst }: RateLimit): NamedBucket | undefined {
  return perSecond === 'unlimited'
    ? undefined
    : { name, rate: new TokenRate(perSecond, burst), fullAt: -Infinity }
}

function createTables (limits: SubnetRateLimit[], maxBuckets: number): BucketTable[] {
  return limits
    .flatMap(({ prefix, perSecond, burst }) => perSecond === 'unlimited' ? [] : [new BucketTable(prefix, new TokenRate(perSecond, burst), maxBuckets)])
    .sort((a, b) => b.bits - a.bits)
}

function takeFrom (bucket: NamedBucket, now: number): ExceededLimit | undefined {
  const { name, rate, fullAt } = bucket

  if (!rate.hasToken(fullAt, now)) {
    return { scope: name, current: rate.burst, limit: rate.burst }
  }

  bucket.fullAt = rate.take(fullAt, now)
}

function refundTo (bucket: NamedBucket, now: number): void {
  bucket.fullAt = bucket.rate.refund(bucket.fullAt, now)
}
