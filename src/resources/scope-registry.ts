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

  get size (): number {
    return this.#others.size + (this.#first === undefined ? 0 : 1)
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
   * The scope of that key, which stays until `letGo` is called as often
   */
  hold (key: string): T {
    const scope = this.get(key) ?? this.add(this.#create(key))
    scope.holders++

    return scope
  }

  letGo (scope: T): void {
    scope.holders--

    if (scope.holders !== 0) {
      return
    }

    if (scope === this.#first) {
      this.#first = undefined
    } else {
      this.#others.delete(scope.id)
    }
  }

  * entries (): IterableIterator<[string, T]> {
    if (this.#first !== undefined) {
      yield [this.#first.id, this.#first]
    }

    yield * this.#others
  }

  private add (scope: T): T {
    if (this.#first === undefined) {
      this.#first = scope
    } else {
      this.#others.set(scope.id, scope)
    }

    return scope
  }
}
