import type { Scope } from './scope.ts'

/**
 * The scopes of one kind by their key. A scope exists while something holds it:
 * what nobody uses any more is dropped at once, and needs no sweeping.
 */
export class ScopeRegistry<T extends Scope> {
  private readonly scopes = new Map<string, T>()
  private readonly create: (key: string) => T

  constructor (create: (key: string) => T) {
    this.create = create
  }

  get size (): number {
    return this.scopes.size
  }

  get (key: string): T | undefined {
    return this.scopes.get(key)
  }

  /**
   * The scope of that key or, if nobody uses it, one that tells so
   */
  peek (key: string): T {
    return this.scopes.get(key) ?? this.create(key)
  }

  /**
   * The scope of that key, which stays until `letGo` is called as often
   */
  hold (key: string): T {
    let scope = this.scopes.get(key)

    if (scope === undefined) {
      scope = this.create(key)
      this.scopes.set(key, scope)
    }

    scope.holders++

    return scope
  }

  letGo (scope: T): void {
    scope.holders--

    if (scope.holders === 0) {
      this.scopes.delete(scope.id)
    }
  }

  entries (): Iterable<[string, T]> {
    return this.scopes
  }
}
