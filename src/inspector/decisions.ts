import type { InspectedManager } from './inspected.ts'
import type { Decision } from '../wiring/index.ts'

/**
 * One line of the decision log
 */
export interface DecisionRow extends Decision {
  /**
   * Grows by one from line to line
   */
  readonly id: number
}

/**
 * How many lines are told at once: in a flood nobody could read all
 */
const MAX_ROWS = 500

/**
 * Asks the manager for the decisions that were made since it was asked last
 */
export class DecisionReader {
  readonly #manager: Pick<InspectedManager, 'decisions'>
  #rows: DecisionRow[] = []
  #nextId = 1

  /**
   * The time of the last decision that was read, and how many of that time were
   */
  #last = { time: -Infinity, count: 0 }

  constructor (manager: Pick<InspectedManager, 'decisions'>) {
    this.#manager = manager
  }

  /**
   * The last lines that were read, oldest first
   */
  list (): DecisionRow[] {
    return this.#rows
  }

  /**
   * Those that are new
   *
   * @param now - in ms since the epoch
   */
  read (now: number): DecisionRow[] {
    // a clock that was set back would hide all until it has caught up
    const { time, count } = now < this.#last.time ? { time: now, count: 0 } : this.#last
    const found = this.#manager.decisions({ since: time })
    const told = Math.min(count, found.filter(decision => decision.time === time).length)
    const decisions = found.slice(told)
    const latest = decisions.at(-1)

    if (latest == null) {
      return []
    }

    const added = decisions.slice(-MAX_ROWS).map(decision => ({ ...decision, id: this.#nextId++ }))
    this.#last = { time: latest.time, count: found.filter(decision => decision.time === latest.time).length }
    this.#rows = [...this.#rows, ...added].slice(-MAX_ROWS)

    return added
  }
}
