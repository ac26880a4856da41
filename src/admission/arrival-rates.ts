import { TokenBuckets } from './token-buckets.ts'
import type { AdmissionComponents } from './admission-components.ts'
import type { ExceededLimit } from './refusals.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { RateLimits } from '../resources/index.ts'

/**
 * A connection that was just made, and what it has paid for that
 */
export interface Arrival {
  readonly ip?: IpAddress

  /**
   * The rate that is exceeded, if one is
   */
  readonly exceeded?: ExceededLimit

  /**
   * Whether a token was taken for it
   */
  readonly hasPaid: boolean

  /**
   * Whether this node has just asked its host to dial it
   */
  readonly isDialBack: boolean
}

const FREE: Arrival = { hasPaid: false, isDialBack: false }

/**
 * How often hosts and networks connect
 */
export class ArrivalRates {
  readonly #components: Pick<AdmissionComponents, 'clock' | 'dialBacks' | 'hostRate'>
  #buckets: TokenBuckets

  constructor (components: Pick<AdmissionComponents, 'clock' | 'dialBacks' | 'hostRate'>, limits: RateLimits) {
    this.#components = components
    this.#buckets = new TokenBuckets(components.clock, limits)
  }

  /**
   * Change how often networks may connect. All begin with what they may do at once.
   */
  setLimits (limits: RateLimits): void {
    this.#buckets = new TokenBuckets(this.#components.clock, limits)
  }

  /**
   * Counts a connection of a host, and takes a token, which who was asked to come has to
   * pay as well, if there is one
   */
  arrive (ip: IpAddress | undefined): Arrival {
    if (ip == null) {
      return FREE
    }

    const { dialBacks, hostRate } = this.#components
    const isDialBack = dialBacks.has(ip)
    const tooFast = hostRate.take(ip)

    if (tooFast != null && !isDialBack) {
      return { ip, exceeded: tooFast, hasPaid: false, isDialBack }
    }

    const empty = this.#buckets.take(ip)

    return { ip, exceeded: tooFast ?? empty, hasPaid: empty == null, isDialBack }
  }

  /**
   * It came in only because it was asked to, which holds for no other any more
   */
  except ({ ip, isDialBack }: Arrival): void {
    if (ip != null && isDialBack) {
      this.#components.dialBacks.take(ip)
    }
  }

  /**
   * It did not come in, for another reason
   */
  refund ({ ip, hasPaid }: Arrival): void {
    if (ip != null && hasPaid) {
      this.#buckets.refund(ip)
    }
  }
}
