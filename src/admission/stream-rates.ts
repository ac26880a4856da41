import { RecentMap } from '../recent-map.ts'
import { RateLimitError } from '../resources/index.ts'
import { TokenRate } from './token-rate.ts'
import type { Clock } from '../clock.ts'
import type { RateLimit, StreamRateLimits } from '../resources/index.ts'

/**
 * Of so many peers and protocols buckets are kept, those that were used last. One that is
 * forgotten is full.
 */
const MAX_BUCKETS = 16_384

interface Bucket {
  readonly scope: string
  readonly rate: TokenRate
  readonly burst: number
}

/**
 * How fast remotes may open streams
 */
export class StreamRates {
  readonly #clock: Pick<Clock, 'now'>
  #limits: StreamRateLimits = {}

  /**
   * By the limit
   */
  #rates = new Map<RateLimit, TokenRate>()

  /**
   * When each bucket is full, by its scope
   */
  readonly #fullAt: RecentMap<string, number>

  /**
   * @param clock - where the time comes from
   * @param limits - the rates; what is left out is not limited
   * @param maxBuckets - of how many peers and protocols buckets are kept
   */
  constructor (clock: Pick<Clock, 'now'>, limits: StreamRateLimits = {}, maxBuckets = MAX_BUCKETS) {
    this.#clock = clock
    this.#fullAt = new RecentMap(maxBuckets)
    this.setLimits(limits)
  }

  /**
   * Change the rates. Who has used up one has not got a new one because of that.
   */
  setLimits (limits: StreamRateLimits): void {
    this.#limits = limits
    this.#rates = new Map()
  }

  /**
   * Why a peer may not open a stream now. Takes nothing.
   *
   * @param peer - the peer id
   * @param protocol - of the stream, which is not known at first
   */
  exceeded (peer: string, protocol?: string): RateLimitError | undefined {
    const now = this.#clock.now()

    for (const { scope, rate, burst } of this.#buckets(peer, protocol)) {
      if (!rate.hasToken(this.#fullAt.get(scope) ?? 0, now)) {
        return new RateLimitError(scope, 0, 1, burst)
      }
    }
  }

  /**
   * A peer has opened a stream, or has negotiated its protocol
   */
  take (peer: string, protocol?: string): void {
    const now = this.#clock.now()

    for (const { scope, rate } of this.#buckets(peer, protocol)) {
      this.#fullAt.set(scope, rate.take(this.#fullAt.get(scope) ?? 0, now))
    }
  }

  #buckets (peer: string, protocol: string | undefined): Bucket[] {
    const { peer: ofPeer, protocol: ofAny, protocols, protocolPeer, protocolPeers } = this.#limits

    if (protocol == null) {
      return this.#bucket(ofPeer, `peer:${peer}`)
    }

    return [
      ...this.#bucket(own(protocols, protocol) ?? ofAny, `protocol:${protocol}`),
      ...this.#bucket(own(protocolPeers, protocol) ?? protocolPeer, `protocol:${protocol}.peer:${peer}`)
    ]
  }

  #bucket (limit: RateLimit | undefined, scope: string): Bucket[] {
    if (limit == null || limit.perSecond === 'unlimited') {
      return []
    }

    const rate = this.#rates.get(limit) ?? new TokenRate(limit)
    this.#rates.set(limit, rate)

    return [{ scope, rate, burst: limit.burst }]
  }
}

/**
 * A remote says what the protocol is called
 */
function own (limits: Record<string, RateLimit> | undefined, protocol: string): RateLimit | undefined {
  return limits != null && Object.hasOwn(limits, protocol) ? limits[protocol] : undefined
}
