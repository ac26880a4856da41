import { LimitedUsage, giveMemory, takeMemory } from './limited-usage.ts'
import { Span } from './span.ts'
import type { Scopes } from './limited-usage.ts'
import type { MemoryPriority } from './memory-priority.ts'
import type { RefusedAttempt, ScopeTree } from './scope-tree.ts'
import type { SpanScope } from './scope-types.ts'
import type { MemoryOwner } from './span.ts'

/**
 * A connection or a stream: a scope that counts in others
 */
export abstract class ChargedScope extends LimitedUsage implements MemoryOwner {
  released = false

  protected readonly tree: ScopeTree
  readonly #number: number

  /**
   * What was reserved here, and not in what counts here. Most scopes have none.
   */
  #ownMemory: Span | undefined = undefined

  constructor (tree: ScopeTree) {
    super()

    this.tree = tree
    this.#number = tree.nextNumber()
  }

  override get name (): string {
    return `${this.kind}:${this.#number}`
  }

  reserveMemory (bytes: number, priority?: MemoryPriority): void {
    this.#own().reserveMemory(bytes, priority)
  }

  releaseMemory (bytes: number): void {
    this.#own().releaseMemory(bytes)
  }

  beginSpan (): SpanScope {
    return this.#own().beginSpan()
  }

  takeMemory (bytes: number, priority: MemoryPriority): void {
    try {
      takeMemory([this, ...this.charged()], bytes, priority)
    } catch (err) {
      throw this.tree.refused(err, { ...this.attempt(), kind: 'memory' })
    }
  }

  giveMemory (bytes: number): void {
    giveMemory([this, ...this.charged()], bytes)
  }

  /**
   * Count in other scopes as well, or in none of them
   *
   * @throws {ResourceLimitError} when one of them has no room
   */
  protected enter (scopes: Scopes): void {
    this.requireInAll(scopes)
    this.addToAll(scopes, 1)
  }

  protected requireInAll (scopes: Scopes): void {
    for (const scope of scopes) {
      if (scope !== undefined) {
        this.requireIn(scope)
      }
    }
  }

  protected addToAll (scopes: Scopes, sign: 1 | -1): void {
    for (const scope of scopes) {
      if (scope !== undefined) {
        this.addTo(scope, sign)
      }
    }
  }

  /**
   * No longer count anywhere
   */
  protected leave (): void {
    this.released = true
    this.addToAll(this.charged(), -1)
    this.addTo(this, -1)
  }

  protected abstract get kind (): string

  /**
   * Everything that this counts in, put together when it is needed, as there are many
   * connections
   */
  protected abstract charged (): Scopes

  /**
   * What a refusal is reported as
   */
  protected abstract attempt (): RefusedAttempt

  #own (): Span {
    this.#ownMemory ??= new Span(this, '')

    return this.#ownMemory
  }
}
