import type { Scope } from './scope.ts'

/**
 * The scopes of one kind by their key. A scope exists while something holds it:
 * what nobody uses any more is dropped at once, and needs no sweeping.
 */
export class ScopeRegistry<T extends Scope> {
  /**
   * The first of several, or the only one: of what comes and goes there is mostly one, for
   * which a map would be made anew every few times
   */
  #first: T | undefined = undefined
  readonly #others = new Map<string, T>()
  readonly #create: (key: string) => T

  constructor (create: (key: string) => T) {
    this.#create = create
  }

  get (key: string): T | undefined {
    return this.#first?.id === key ? this.#first : this.#others.get(key)
  }

  /**
   * The scope of that key or, if nobody uses it, one that tells so
   */
  peek (key: string): T {
    return this.get(key) ?? this.#create(key)
  }

  /**
   * The scope of that key, which stays until `letGo` is called as often. None without a
   * key.
   */
  hold (key: string): T
  hold (key: string | undefined): T | undefined
  hold (key: string | undefined): T | undefined {
    if (key == null) {
      return
    }

    let scope = this.get(key)

    if (scope === undefined) {
      scope = this.#create(key)

      if (this.#first === undefined) {
        this.#first = scope
      } else {
        this.#others.set(key, scope)
      }
    }

    scope.holders++

    return scope
  }

  letGo (scope: T | undefined): void {
    if (scope === undefined || --scope.holders !== 0) {
      return
    }

    if (scope === this.#first) {
      this.#first = undefined
    } else {
      this.#others.delete(scope.id)
    }
  }

  * values (): IterableIterator<T> {
    if (this.#first !== undefined) {
      yield this.#first
    }

    yield * this.#others.values()
  }
}
