import { chooseEviction } from './eviction.ts'
import { createHashKey } from './keyed-hash.ts'
import type { WantedPlace } from './admission-components.ts'
import type { EvictionCandidate } from './eviction.ts'
import type { HashKey } from './keyed-hash.ts'
import type { Clock } from '../clock.ts'

// a choice among 10 000 candidates takes some ms, so with one in 100 ms a flood of
// newcomers keeps the processor busy for less than a tenth of the time
const INTERVAL_PER_CANDIDATE = 0.01

export interface VictimChooserComponents<C extends EvictionCandidate> {
  clock: Clock
  evictionCandidates(wanted?: WantedPlace): readonly C[]
}

/**
 * Chooses whom to close for a newcomer, less often the more there are to choose from
 */
export class VictimChooser<C extends EvictionCandidate> {
  readonly #components: VictimChooserComponents<C>
  readonly #hashKey: HashKey
  #nextAt = -Infinity

  /**
   * @param components - the clock, and who there is to choose from
   * @param hashKey - the secret behind the choice, a random one by default
   */
  constructor (components: VictimChooserComponents<C>, hashKey: HashKey = createHashKey()) {
    this.#components = components
    this.#hashKey = hashKey
  }

  /**
   * Whom to close, `undefined` if nobody can be closed, or somebody was chosen just
   * before
   *
   * @param wanted - what the newcomer needs, if not just one place of `maxConnections`
   */
  choose (wanted?: WantedPlace): C | undefined {
    const now = this.#components.clock.now()

    if (now < this.#nextAt) {
      return
    }

    const candidates = this.#components.evictionCandidates(wanted)
    this.#nextAt = now + Math.floor(candidates.length * INTERVAL_PER_CANDIDATE)

    return chooseEviction(candidates, this.#hashKey)
  }
}
