import type { Clock } from '../clock.ts'

/**
 * What several metrics are calculated from. It is made once for all that are asked for
 * in the same turn of the event loop, as they are when somebody reads a registry.
 */
export class Snapshot<T> {
  readonly #clock: Pick<Clock, 'nextTurn'>
  readonly #make: () => T
  #current?: { readonly value: T }

  constructor (clock: Pick<Clock, 'nextTurn'>, make: () => T) {
    this.#clock = clock
    this.#make = make
  }

  /**
   * @throws {Error} what making it throws
   */
  get (): T {
    if (this.#current == null) {
      this.#current = { value: this.#make() }
      this.#clock.nextTurn()
        .catch(() => {})
        .finally(() => { this.#current = undefined })
    }

    return this.#current.value
  }
}
