import { prefixText } from '../addresses/index.ts'
import type { CidrMap as Original } from './cidr-map.ts'
import type { Cidr } from './cidr.ts'
import type { IpAddress } from '../addresses/index.ts'

type Surface<T extends NonNullable<unknown>> = Pick<Original<T>, 'size' | 'get' | 'match' | 'has' | 'set' | 'delete' | 'clear'>

/**
 * Nobody can connect to a browser by IP address, so it looks up few of them: one after
 * the other, the ranges of each length that an address may be in
 */
export class CidrMap<T extends NonNullable<unknown>> implements Surface<T> {
  /**
   * By the text of the range
   */
  readonly #values = new Map<string, T>()

  /**
   * The lengths that ranges have or had, the longest first
   */
  readonly #lengths: number[] = []

  get size (): number {
    return this.#values.size
  }

  get (cidr: Cidr): T | undefined {
    return this.#values.get(cidr.text)
  }

  match (ip: IpAddress, accept: (value: T) => boolean = () => true): T | undefined {
    for (const bits of this.#lengths) {
      const value = this.#values.get(prefixText(ip, bits))

      if (value !== undefined && accept(value)) {
        return value
      }
    }

    return ip.embeddedIn == null ? undefined : this.match(ip.embeddedIn, accept)
  }

  has (ip: IpAddress): boolean {
    return this.match(ip) !== undefined
  }

  set (cidr: Cidr, value: T): void {
    this.#values.set(cidr.text, value)

    if (!this.#lengths.includes(cidr.bits)) {
      this.#lengths.push(cidr.bits)
      this.#lengths.sort((a, b) => b - a)
    }
  }

  delete (cidr: Cidr): boolean {
    return this.#values.delete(cidr.text)
  }

  clear (): void {
    this.#values.clear()
  }
}
