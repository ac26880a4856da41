import { toCandidate } from './candidates.ts'
import { nthSmallest } from './nth-smallest.ts'
import { partition } from './partition.ts'
import { compareVictims } from './select.ts'
import type { CandidateRules, TrimCandidate } from './candidates.ts'
import type { VictimOrderOptions } from './select.ts'
import type { OpenEntry } from '../core/index.ts'
import type { Connection } from '@libp2p/interface'

/**
 * Finds the most expendable of many connections by their values alone, as far as
 * these tell. What else the choice looks at is read only of those that are chosen, or
 * are worth as much as the last of these: it is all over the memory.
 */
export class ValueSelection {
  readonly #rules: Pick<CandidateRules, 'streams'>
  readonly #options: VictimOrderOptions
  readonly #spared?: ReadonlySet<Connection>
  readonly #values: number[] = []
  readonly #entries: OpenEntry[] = []
  readonly #duplicates: TrimCandidate[] = []

  constructor (rules: Pick<CandidateRules, 'streams'>, options: VictimOrderOptions = {}, spared?: ReadonlySet<Connection>) {
    this.#rules = rules
    this.#options = options
    this.#spared = spared
  }

  add (entry: OpenEntry, value: number, duplicate: boolean): void {
    if (duplicate) {
      this.#duplicates.push(toCandidate(entry, value, true, this.#rules, this.#spared))
      return
    }

    this.#values.push(value)
    this.#entries.push(entry)
  }

  /**
   * The `n` connections that are to be closed, first to last. They are looked at and
   * put in order as they are taken.
   */
  * victims (n: number): IterableIterator<TrimCandidate> {
    yield * this.#sorted(this.#duplicates).slice(0, n)
    let left = n - this.#duplicates.length

    if (left <= 0) {
      return
    }

    const groups = this.#groupUpTo(left)

    for (const [value, entries] of [...groups].sort(([a], [b]) => a - b)) {
      const group = entries.map(entry => toCandidate(entry, value, false, this.#rules, this.#spared))

      if (group.length > left) {
        partition(group, left, (a, b) => this.#compare(a, b))
        group.length = left
      }

      left -= group.length
      yield * this.#sorted(group)
    }
  }

  /**
   * The connections by value, those with the `n` smallest ones
   */
  #groupUpTo (n: number): Map<number, OpenEntry[]> {
    const entries = this.#entries
    const values = this.#values
    const threshold = n < entries.length ? nthSmallest([...values], n) : Infinity
    const groups = new Map<number, OpenEntry[]>()

    for (let i = 0; i < entries.length; i++) {
      const value = values[i]

      if (value <= threshold) {
        const group = groups.get(value)

        if (group == null) {
          groups.set(value, [entries[i]])
        } else {
          group.push(entries[i])
        }
      }
    }

    return groups
  }

  #sorted (candidates: TrimCandidate[]): TrimCandidate[] {
    return candidates.sort((a, b) => this.#compare(a, b))
  }

  #compare (a: TrimCandidate, b: TrimCandidate): number {
    return compareVictims(a, b, this.#options.emergency)
  }
}
