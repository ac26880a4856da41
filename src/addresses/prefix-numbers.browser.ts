import { prefixText } from './prefixes.ts'
import type { IpAddress } from './ip-address.ts'
import type { PrefixNumbers as Original } from './prefix-numbers.ts'

type Surface = Pick<Original, 'size' | 'get' | 'set' | 'add' | 'addBelow' | 'replaceAll'>

/**
 * Nobody can connect to a browser by IP address, so there are never many of them: what
 * makes many fast and small is left out
 */
export class PrefixNumbers implements Surface {
  readonly #bits: number
  readonly #numbers = new Map<string, number>()

  constructor (bits: number) {
    this.#bits = bits
  }

  get size (): number {
    return this.#numbers.size
  }

  get (ip: IpAddress): number {
    return this.#numbers.get(prefixText(ip, this.#bits)) ?? 0
  }

  set (ip: IpAddress, number: number): void {
    this.#put(prefixText(ip, this.#bits), number)
  }

  add (ip: IpAddress, difference: number): void {
    this.set(ip, Math.max(0, this.get(ip) + difference))
  }

  addBelow (ip: IpAddress, limit: number): number {
    const number = this.get(ip)

    if (number < limit) {
      this.set(ip, number + 1)
    }

    return number
  }

  replaceAll (replace: (number: number) => number): void {
    this.#numbers.forEach((number, key) => { this.#put(key, replace(number)) })
  }

  #put (key: string, number: number): void {
    if (number === 0) {
      this.#numbers.delete(key)
    } else {
      this.#numbers.set(key, number)
    }
  }
}
