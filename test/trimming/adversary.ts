/**
 * Larger than what was decided
 */
const NOT_KNOWN_YET = 1_000_000_000

/**
 * Decides how items compare when it is asked, so that each pivot turns out to be the
 * worst that could be chosen (McIlroy, A Killer Adversary for Quicksort). Never
 * contradicts itself.
 */
export class Adversary {
  comparisons = 0
  private readonly values = new Map<number, number>()
  private candidate = -1

  compare = (a: number, b: number): number => {
    this.comparisons++

    if (!this.values.has(a) && !this.values.has(b)) {
      this.values.set(a === this.candidate ? a : b, this.values.size)
    }

    if (!this.values.has(a)) {
      this.candidate = a
    } else if (!this.values.has(b)) {
      this.candidate = b
    }

    return this.worthOf(a) - this.worthOf(b)
  }

  /**
   * What the item has turned out to be
   */
  worthOf (item: number): number {
    return this.values.get(item) ?? NOT_KNOWN_YET + item
  }
}
