import { VictimSelection, compareVictims } from './select.ts'
import type { TrimRecord, VictimOrderOptions } from './select.ts'

/**
 * How connections are spread over the realms. `undefined` stands for all that are in
 * none.
 */
export interface RealmShares {
  /**
   * How many connections a realm may give at most. The rest is reserved for it.
   */
  spare(realm: string | undefined): number

  /**
   * Which realms have more than their share when `left` connections are left, and by
   * how many, the worst first
   */
  over(left: number): ReadonlyArray<{ readonly realm: string | undefined, readonly over: number }>
}

/**
 * Chooses victims so that realms which have more than their share pay first, and
 * none has to go below what is reserved for it
 */
export class FairSelection<T extends TrimRecord> {
  readonly #max: number
  readonly #shares: RealmShares
  readonly #options: VictimOrderOptions
  readonly #realms = new Map<string | undefined, VictimSelection<T>>()

  /**
   * At most `max` victims will be needed
   */
  constructor (max: number, shares: RealmShares, options: VictimOrderOptions = {}) {
    this.#max = max
    this.#shares = shares
    this.#options = options
  }

  add (candidate: T, realm: string | undefined): void {
    let selection = this.#realms.get(realm)

    if (selection == null) {
      selection = new VictimSelection<T>(Math.min(this.#max, this.#shares.spare(realm)), this.#options)
      this.#realms.set(realm, selection)
    }

    selection.add(candidate)
  }

  /**
   * The `n` victims of which `left` connections are left
   */
  victims (n: number, left: number): T[] {
    const first: T[][] = []
    const rest: T[][] = []
    const due = new Map(this.#shares.over(left).map(({ realm, over }) => [realm, over]))

    // those that are most over their share first
    for (const realm of new Set([...due.keys(), ...this.#realms.keys()])) {
      const victims = this.#realms.get(realm)?.victims() ?? []
      const count = due.get(realm) ?? 0
      first.push(victims.slice(0, count))
      rest.push(victims.slice(count))
    }

    const chosen = first.flat()

    if (chosen.length >= n) {
      return chosen.slice(0, n)
    }

    // where those that should pay cannot, the others do
    return [...chosen, ...rest.flat().sort((a, b) => compareVictims(a, b, this.#options.emergency))].slice(0, n)
  }
}
