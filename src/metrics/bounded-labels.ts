/**
 * What the figures of all names that are not told apart are added up under
 */
export const OTHER_LABEL = 'other'

/**
 * Keeps the labels of a metric few, and its figures true.
 *
 * A registry never forgets a label, so the names that others choose would fill it: no
 * more than so many are ever told apart, the first ones that come with the largest
 * figures, and the rest is added up. It also keeps the last figure of a label that is
 * left out, so what is gone is told as 0.
 */
export class BoundedLabels {
  readonly #max: number
  readonly #seen = new Set<string>()

  /**
   * @param max - how many names are told apart
   */
  constructor (max: number) {
    this.#max = max
  }

  /**
   * The figure of every label that there ever was
   *
   * @param figures - those of the moment
   */
  complete (figures: Iterable<readonly [name: string, figure: number]>): Record<string, number> {
    const totals = new Map<string, number>([...this.#seen].map(name => [name, 0]))
    let unknown: Array<readonly [string, number]> = []

    for (const figure of figures) {
      if (this.#seen.has(figure[0])) {
        totals.set(figure[0], figure[1])
      } else {
        unknown.push(figure)
      }
    }

    if (this.#seen.size + unknown.length > this.#max) {
      unknown = unknown.sort((a, b) => b[1] - a[1])
    }

    for (const [name, figure] of unknown) {
      const label = this.#seen.size < this.#max ? name : OTHER_LABEL
      this.#seen.add(label)
      totals.set(label, (totals.get(label) ?? 0) + figure)
    }

    return Object.fromEntries(totals)
  }
}
