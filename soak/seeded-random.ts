import type { Random } from '../src/random.ts'

/**
 * The same numbers for the same seed
 */
export class SeededRandom implements Random {
  private state: number

  constructor (seed: number) {
    // a state of 0 would stay 0, and small seeds begin with small numbers
    this.state = (seed | 0) === 0 ? 1 : seed | 0

    for (let i = 0; i < 16; i++) {
      this.next()
    }
  }

  next (): number {
    // the shifts of Marsaglia's xorshift32
    this.state ^= this.state << 13
    this.state ^= this.state >>> 17
    this.state ^= this.state << 5

    return (this.state >>> 0) / 2 ** 32
  }

  /**
   * A whole number from `min` to `max`, both included
   */
  between (min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  pick <T> (list: readonly T[]): T | undefined {
    return list[Math.floor(this.next() * list.length)]
  }

  chance (probability: number): boolean {
    return this.next() < probability
  }
}
