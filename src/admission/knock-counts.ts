import { createHashKey } from './keyed-hash.ts'
import type { HashKey } from './keyed-hash.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Clock } from '../clock.ts'

/**
 * Each host is counted in one cell of each row. Its count is the least of them, as others
 * share some of its cells, but hardly all.
 */
const ROWS = 4
const CELLS = 65_536
const COUNT_BITS = 8
const MOST = 2 ** COUNT_BITS - 1

/**
 * In ms: after that all counts are halved
 */
const HALF_LIFE = 60_000

/**
 * How often hosts have knocked of late, for any number of hosts in the same memory (a
 * count-min sketch): a count may be too high, never too low. It is only made when something
 * is counted. Hosts with IPv6 are counted by their /64, of which each has all addresses.
 */
export class KnockCounts {
  readonly #clock: Clock
  readonly #key: HashKey = createHashKey()
  #cells: Uint8Array | undefined
  #halvedAt = 0

  constructor (clock: Clock) {
    this.#clock = clock
  }

  add (ip: IpAddress): void {
    const cells = this.#cells ??= this.#empty()
    const count = this.get(ip)

    // only the lowest cells, as the others count somebody else as well
    for (let row = 0; row < ROWS; row++) {
      const cell = this.#cellOf(ip, row)
      cells[cell] = Math.max(cells[cell], Math.min(count + 1, MOST))
    }
  }

  get (ip: IpAddress): number {
    const cells = this.#cells

    if (cells == null) {
      return 0
    }

    this.#forget(cells)
    let least = MOST

    for (let row = 0; row < ROWS; row++) {
      least = Math.min(least, cells[this.#cellOf(ip, row)])
    }

    return least
  }

  #empty (): Uint8Array {
    this.#halvedAt = this.#clock.now()

    return new Uint8Array(ROWS * CELLS)
  }

  #forget (cells: Uint8Array): void {
    const halvings = Math.floor((this.#clock.now() - this.#halvedAt) / HALF_LIFE)

    if (halvings > 0) {
      // after as many nothing is left
      cells.forEach((count, i) => { cells[i] = halvings < COUNT_BITS ? count >> halvings : 0 })
      this.#halvedAt += halvings * HALF_LIFE
    }
  }

  #cellOf (ip: IpAddress, row: number): number {
    const [key0, key1] = this.#key
    const hash = mix(mix(mix(key0, row), ip.word(0)), ip.family === 4 ? key1 : key1 ^ ip.word(1))

    return row * CELLS + hash % CELLS
  }
}

/**
 * A word goes into a hash, with the constants of MurmurHash3. Unsigned.
 */
function mix (hash: number, word: number): number {
  let mixed = Math.imul(hash ^ Math.imul(word, 0xcc9e2d51), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)

  return (mixed ^ (mixed >>> 16)) >>> 0
}
