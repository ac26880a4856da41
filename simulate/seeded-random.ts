import type { Random } from '../src/random.ts'

/**
 * Numbers that look random and are the same for the same seed: the generator
 * "splitmix32". Several parts of a seed give generators that have nothing to do with
 * each other, so that what one part of a simulation draws does not change another.
 */
export class SeededRandom implements Random {
  private state: number

  constructor (...seed: readonly number[]) {
    this.state = seed.reduce((state, part) => scramble(state ^ scramble(part + 0x9e3779b9)), 0)
  }

  next (): number {
    return this.word() / 2 ** 32
  }

  /**
   * A whole number of 32 bits
   */
  word (): number {
    this.state = (this.state + 0x9e3779b9) | 0

    return scramble(this.state) >>> 0
  }

  /**
   * A whole number from 0 to `count - 1`
   */
  below (count: number): number {
    return Math.floor(this.next() * count)
  }

  /**
   * A time until something happens that happens on average every `mean` ms
   */
  exponential (mean: number): number {
    return -Math.log(1 - this.next()) * mean
  }
}

function scramble (word: number): number {
  let bits = word | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)

  return bits ^ (bits >>> 15)
}
