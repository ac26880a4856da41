import { prefixKey } from '../addresses/index.ts'
import type { CidrMap as Original } from './cidr-map.ts'
import type { Cidr } from './cidr.ts'
import type { IpAddress, PrefixKey } from '../addresses/index.ts'

type Surface<T extends NonNullable<unknown>> = Pick<Original<T>, 'size' | 'get' | 'match' | 'has' | 'set' | 'delete' | 'clear'>

/**
 * The ranges of one length
 */
interface Table<T> {
  readonly family: 4 | 6
  readonly bits: number
  readonly values: Map<PrefixKey, T>
}

/**
 * Nobody can connect to a browser by IP address, so it looks up few of them: a table for
 * each length of the ranges does, one after the other
 */
export class CidrMap<T extends NonNullable<unknown>> implements Surface<T> {
  /**
   * The longest first
   */
  #tables: Array<Table<T>> = []

  get size (): number {
    return this.#tables.reduce((sum, { values }) => sum + values.size, 0)
  }

  get (cidr: Cidr): T | undefined {
    return this.#tableOf(cidr)?.values.get(prefixKey(cidr.network, cidr.bits))
  }

  match (ip: IpAddress, accept: (value: T) => boolean = () => true): T | undefined {
    for (const { family, bits, values } of this.#tables) {
      const value = family === ip.family ? values.get(prefixKey(ip, bits)) : undefined

      if (value !== undefined && accept(value)) {
        return value
      }
    }
  }

  has (ip: IpAddress): boolean {
    return this.match(ip) !== undefined
  }

  set (cidr: Cidr, value: T): void {
    const { bits, network } = cidr
    let table = this.#tableOf(cidr)

    if (table == null) {
      table = { family: network.family, bits, values: new Map() }
      this.#tables.push(table)
      this.#tables.sort((a, b) => b.bits - a.bits)
    }

    table.values.set(prefixKey(network, bits), value)
  }

  delete (cidr: Cidr): boolean {
    const table = this.#tableOf(cidr)
    const isDeleted = table?.values.delete(prefixKey(cidr.network, cidr.bits)) ?? false

    if (table?.values.size === 0) {
      this.#tables.splice(this.#tables.indexOf(table), 1)
    }

    return isDeleted
  }

  clear (): void {
    this.#tables = []
  }

  #tableOf ({ bits, network: { family } }: Cidr): Table<T> | undefined {
    return this.#tables.find(table => table.family === family && table.bits === bits)
  }
}
