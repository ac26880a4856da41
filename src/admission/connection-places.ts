import { isDiscouraged } from './barred.ts'
import { VictimChooser } from './victim-chooser.ts'
import type { AdmissionComponents, WantedPlace } from './admission-components.ts'
import type { EvictionCandidate } from './eviction.ts'
import type { HashKey } from './keyed-hash.ts'
import type { AdmissionReason, AdmissionRefusal } from './refusals.ts'
import type { Origin } from '../addresses/index.ts'

/**
 * A place for a connection, and who has to go for it; or why there is none
 */
export interface ConnectionPlace<C> {
  readonly victim?: C
  readonly refusal?: AdmissionRefusal
}

const FREE: ConnectionPlace<never> = {}

/**
 * As many connections as there may be. Nobody has a place, or has to go for a newcomer,
 * before the newcomer has said who it is.
 */
export class ConnectionPlaces<C extends EvictionCandidate> {
  /**
   * How many there are. May be changed at any time.
   */
  limit: number

  readonly #components: AdmissionComponents<C>
  readonly #victims: VictimChooser<C>

  /**
   * How many are taken by connections that are not open yet: otherwise several could take
   * the last one at the same time
   */
  #early = 0

  /**
   * @param components - who is connected
   * @param limit - how many places there are
   * @param hashKey - the secret behind the choice of whom to close, a random one by default
   */
  constructor (components: AdmissionComponents<C>, limit: number, hashKey?: HashKey) {
    this.limit = limit
    this.#components = components
    this.#victims = new VictimChooser(components, hashKey)
  }

  /**
   * Whether one more can not come in without another one going
   */
  get areTaken (): boolean {
    return this.#used >= this.limit
  }

  /**
   * Why connections from there may not come in, if they may not. Who is discouraged may not
   * have the last place.
   */
  check (origin: Origin): AdmissionRefusal | undefined {
    return this.#isLast && isDiscouraged(this.#components, origin) ? this.#refuse('discouraged') : undefined
  }

  /**
   * Look for a place for a peer that comes from there. The victim, if there is one, is to be
   * evicted when nothing else keeps the peer out.
   */
  find (peer: string, origin: Origin): ConnectionPlace<C> {
    const { discouraged, isTrusted } = this.#components

    if (this.#isLast && !isTrusted(peer) && (discouraged.hasPeer(peer) || isDiscouraged(this.#components, origin))) {
      return { refusal: this.#refuse('discouraged') }
    }

    if (!this.areTaken) {
      return FREE
    }

    const victim = this.#victims.choose({ resource: 'connections', peer })

    return victim == null && !isTrusted(peer) ? { refusal: this.#refuse('max-connections') } : { victim }
  }

  /**
   * Who has to go for a newcomer from there that needs something which there is not enough
   * of. Nobody has to go for who is discouraged.
   */
  victimFor (wanted: WantedPlace, origin: Origin): C | undefined {
    const isUnwelcome = isDiscouraged(this.#components, origin) || (wanted.peer != null && this.#components.discouraged.hasPeer(wanted.peer))

    return isUnwelcome ? undefined : this.#victims.choose(wanted)
  }

  /**
   * A connection has a place before it is open
   */
  take (): void {
    this.#early++
  }

  /**
   * It is open, and counted as such, or has failed
   */
  leave (): void {
    this.#early--
  }

  get #used (): number {
    return this.#components.connectionCount() + this.#early
  }

  get #isLast (): boolean {
    return this.#used + 1 >= this.limit
  }

  #refuse (reason: AdmissionReason): AdmissionRefusal {
    return { reason, scope: 'system', current: this.#used, limit: this.limit }
  }
}
