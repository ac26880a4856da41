import { isHostName, parseIp } from '../addresses/index.ts'
import { lookUpHost } from './host-lookup.ts'
import type { LookUpHost } from './host-lookup.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Clock } from '../clock.ts'

/**
 * In ms: who can not look up a name for longer does not dial it
 */
const LOOKUP_TIMEOUT = 5_000

/**
 * How many names are looked up at the same time. What hangs counts until it ends.
 */
const MAX_LOOKUPS = 256

/**
 * How many IP addresses a name may have
 */
const MAX_IPS = 100

/**
 * What {@link HostAddresses} is made with
 */
export interface HostAddressesComponents {
  clock: Clock

  /**
   * How names are looked up
   *
   * @default as sockets do
   */
  lookUp?: LookUpHost
}

/**
 * The IP addresses that names have, as sockets would find them, within bounds: names are
 * given by strangers, and so may be their name servers
 */
export class HostAddresses {
  readonly #clock: Clock
  readonly #lookUp: LookUpHost | undefined

  /**
   * Look-ups under way, by name
   */
  readonly #lookups = new Map<string, Promise<readonly string[]>>()

  constructor ({ clock, lookUp = lookUpHost }: HostAddressesComponents) {
    this.#clock = clock
    this.#lookUp = lookUp
  }

  /**
   * Whether names can be looked up: not in browsers
   */
  get canLookUp (): boolean {
    return this.#lookUp != null
  }

  /**
   * At least one. `undefined` is one that can not be read.
   *
   * @throws {Error} if it takes too long, or there are none, or too many
   */
  async of (name: string): Promise<Array<IpAddress | undefined>> {
    const texts = await this.#inTime(this.#lookups.get(name) ?? this.#start(name))

    if (texts.length === 0 || texts.length > MAX_IPS) {
      throw new Error(`${name} has ${texts.length} IP addresses`)
    }

    return texts.map(text => parseIp(text))
  }

  async #start (name: string): Promise<readonly string[]> {
    if (this.#lookUp == null || !isHostName(name) || this.#lookups.size >= MAX_LOOKUPS) {
      throw new Error(`${name} is not looked up`)
    }

    const lookup = this.#lookUp(name).finally(() => { this.#lookups.delete(name) })
    this.#lookups.set(name, lookup)

    return lookup
  }

  async #inTime <T> (promise: Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = this.#clock.setTimeout(() => { reject(new Error(`Took longer than ${LOOKUP_TIMEOUT} ms`)) }, LOOKUP_TIMEOUT)

    return Promise.race([promise, late]).finally(() => { timer.clear() })
  }
}
