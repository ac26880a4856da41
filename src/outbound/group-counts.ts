/**
 * Counts how many connections there are to each group of addresses
 */
export class GroupCounts {
  readonly #counts = new Map<string, number>()

  /**
   * How many groups there are connections to
   */
  get size (): number {
    return this.#counts.size
  }

  get (group: string): number {
    return this.#counts.get(group) ?? 0
  }

  add (group: string): void {
    this.#counts.set(group, this.get(group) + 1)
  }

  remove (group: string): void {
    const count = this.get(group)

    if (count > 1) {
      this.#counts.set(group, count - 1)
    } else {
      this.#counts.delete(group)
    }
  }

  clear (): void {
    this.#counts.clear()
  }
}
