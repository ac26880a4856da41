import { PrefixNumbers } from '../addresses/index.ts'
import type { Cidr } from './cidr.ts'
import type { IpAddress } from '../addresses/index.ts'

/**
 * The ranges of one length, and where the value of each is
 */
interface Length {
  readonly bits: number
  readonly places: PrefixNumbers
}

/**
 * Which IPv6 ranges are looked for only where there are some that begin as an address does.
 * There may be many lengths of them, and few providers that they are of.
 */
const HEAD_BITS = 32

/**
 * Values by ranges of IP addresses, in a table for each length that ranges have: looking
 * up an address takes as many steps as there are different lengths, however many ranges
 * there are.
 */
export class CidrMap<T extends NonNullable<unknown>> {
  /**
   * Those with the most bits first
   */
  readonly #lengths: Record<4 | 6, Length[]> = { 4: [], 6: [] }

  /**
   * How many of the ranges of so many bits or more begin alike
   */
  #heads = new PrefixNumbers(HEAD_BITS)

  /**
   * How many ranges have addresses that begin with a byte: most lists are of a few networks,
   * and most addresses are in none of them
   */
  #firstBytes = { 4: new Uint32Array(256), 6: new Uint32Array(256) }

  /**
   * The first place stands for none
   */
  #values: Array<T | undefined> = [undefined]
  #freePlaces: number[] = []

  /**
   * How many ranges have a value
   */
  get size (): number {
    return this.#values.length - 1 - this.#freePlaces.length
  }

  /**
   * The value of exactly this range
   */
  get ({ network, bits }: Cidr): T | undefined {
    return this.#values[this.#find(network, bits)?.places.get(network) ?? 0]
  }

  /**
   * The value of the most specific range that an address is in. With `accept`,
   * of those whose value is accepted. An embedded IPv4 address is looked up as that
   * first, then as the IPv6 address that it was written in.
   */
  match (ip: IpAddress, accept?: (value: T) => boolean): T | undefined {
    return this.#matchIn(ip, accept) ?? (ip.embeddedIn == null ? undefined : this.#matchIn(ip.embeddedIn, accept))
  }

  #matchIn (ip: IpAddress, accept?: (value: T) => boolean): T | undefined {
    if (this.#firstBytes[ip.family][firstByte(ip)] === 0) {
      return
    }

    const most = ip.family === 4 || this.#heads.get(ip) > 0 ? Infinity : HEAD_BITS - 1

    for (const { bits, places } of this.#lengths[ip.family]) {
      if (bits > most) {
        continue
      }

      const value = this.#values[places.get(ip)]

      if (value !== undefined && (accept == null || accept(value))) {
        return value
      }
    }
  }

  /**
   * Whether an address is in one of the ranges
   */
  has (ip: IpAddress): boolean {
    return this.match(ip) !== undefined
  }

  /**
   * Gives a range a value. Replaces the one it has.
   */
  set ({ network, bits }: Cidr, value: T): void {
    const { places } = this.#find(network, bits) ?? this.#addLength(network, bits)
    const known = places.get(network)
    const place = known === 0 ? this.#freePlaces.pop() ?? this.#values.length : known
    this.#values[place] = value

    if (known === 0) {
      places.set(network, place)
      this.#count(network, bits, 1)
    }
  }

  /**
   * Takes the value of exactly this range away. Returns whether there was one.
   */
  delete ({ network, bits }: Cidr): boolean {
    const length = this.#find(network, bits)
    const place = length?.places.get(network) ?? 0

    if (length == null || place === 0) {
      return false
    }

    length.places.set(network, 0)
    this.#values[place] = undefined
    this.#freePlaces.push(place)
    this.#count(network, bits, -1)

    if (length.places.size === 0) {
      const lengths = this.#lengths[network.family]
      lengths.splice(lengths.indexOf(length), 1)
    }

    return true
  }

  /**
   * Takes all values away
   */
  clear (): void {
    this.#lengths[4] = []
    this.#lengths[6] = []
    this.#heads = new PrefixNumbers(HEAD_BITS)
    this.#firstBytes[4].fill(0)
    this.#firstBytes[6].fill(0)
    this.#values = [undefined]
    this.#freePlaces = []
  }

  #count (network: IpAddress, bits: number, difference: number): void {
    const counts = this.#firstBytes[network.family]
    const first = firstByte(network)

    for (let byte = first; byte < first + 2 ** Math.max(0, 8 - bits); byte++) {
      counts[byte] += difference
    }

    if (network.family === 6 && bits >= HEAD_BITS) {
      this.#heads.add(network, difference)
    }
  }

  #find ({ family }: IpAddress, bits: number): Length | undefined {
    return this.#lengths[family].find(length => length.bits === bits)
  }

  #addLength ({ family }: IpAddress, bits: number): Length {
    const length = { bits, places: new PrefixNumbers(bits) }
    this.#lengths[family].push(length)
    this.#lengths[family].sort((a, b) => b.bits - a.bits)

    return length
  }
}

function firstByte (ip: IpAddress): number {
  return ip.word(0) >>> 24
}
