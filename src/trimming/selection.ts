import { toCandidate } from './candidates.ts'
import { FairSelection } from './fair-selection.ts'
import { chosenByUser } from './user-choice.ts'
import { ValueSelection } from './value-selection.ts'
import type { CandidateRules, CandidateSink, TrimCandidate } from './candidates.ts'
import type { RealmShares } from './fair-selection.ts'
import type { VictimOrderOptions } from './select.ts'
import type { SelectVictims } from './user-choice.ts'
import type { OpenEntry } from '../core/index.ts'
import type { Connection, Logger } from '@libp2p/interface'

/**
 * Takes all that may be closed, and then says what is to be closed
 */
export interface Selection extends CandidateSink {
  /**
   * The `n` connections that are to be closed, first to last
   */
  victims(n: number): Iterable<TrimCandidate>
}

export interface SelectionInit extends VictimOrderOptions {
  /**
   * At most so many are to be closed
   */
  max: number

  /**
   * How many connections are open
   */
  open: number
  selectVictims?: SelectVictims
}

/**
 * The choice that is made as the user wishes, between realms, or by value alone
 */
export function createSelection (rules: CandidateRules, { max, open, emergency, selectVictims }: SelectionInit, log: Logger): Selection {
  const shares = rules.shares?.()
  const spared = rules.spared?.()

  if (selectVictims != null) {
    return new UserSelection(rules, selectVictims, spared, log)
  }

  return shares == null
    ? new ValueSelection(rules, { emergency }, spared)
    : new RealmSelection(rules, shares, spared, { max, open, emergency })
}

class UserSelection implements Selection {
  readonly #candidates: TrimCandidate[] = []
  readonly #rules: CandidateRules
  readonly #selectVictims: SelectVictims
  readonly #spared?: ReadonlySet<Connection>
  readonly #log: Logger

  constructor (rules: CandidateRules, selectVictims: SelectVictims, spared: ReadonlySet<Connection> | undefined, log: Logger) {
    this.#rules = rules
    this.#selectVictims = selectVictims
    this.#spared = spared
    this.#log = log
  }

  add (entry: OpenEntry, value: number, duplicate: boolean): void {
    this.#candidates.push(toCandidate(entry, value, duplicate, this.#rules, this.#spared))
  }

  victims (n: number): TrimCandidate[] {
    return chosenByUser(this.#selectVictims, this.#candidates, n, this.#log)
  }
}

class RealmSelection implements Selection {
  readonly #fair: FairSelection<TrimCandidate>
  readonly #rules: CandidateRules
  readonly #spared?: ReadonlySet<Connection>
  readonly #open: number

  constructor (rules: CandidateRules, shares: RealmShares, spared: ReadonlySet<Connection> | undefined, { max, open, emergency }: SelectionInit) {
    this.#fair = new FairSelection(max, shares, { emergency })
    this.#rules = rules
    this.#spared = spared
    this.#open = open
  }

  add (entry: OpenEntry, value: number, duplicate: boolean): void {
    this.#fair.add(toCandidate(entry, value, duplicate, this.#rules, this.#spared), this.#rules.realmOf?.(entry.peer))
  }

  victims (n: number): TrimCandidate[] {
    return this.#fair.victims(n, this.#open - n)
  }
}
