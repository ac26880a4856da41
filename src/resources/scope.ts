import { LimitedUsage } from './limited-usage.ts'
import type { ResolvedLimits } from './limit-table.ts'

/**
 * What several connections or streams share, by its kind and name. Scopes of most kinds
 * are of this one class, as a stream counts in many, and code that meets few classes is
 * the faster.
 */
export class Scope<Companion = unknown> extends LimitedUsage {
  limits: ResolvedLimits

  /**
   * What goes with scopes of this kind
   */
  companion: Companion

  /**
   * How many others rely on the scope
   */
  holders = 0

  /**
   * What the scope is known by among its kind
   */
  readonly id: string
  readonly #prefix: string

  /**
   * @param limits - how much may be in use
   * @param id - what the scope is known by among its kind
   * @param prefix - what comes before that in its name, `''` for the only one of its kind
   * @param companion - what goes with it, if anything does with its kind
   */
  constructor (limits: ResolvedLimits, id: string, prefix = '', companion?: Companion) {
    super()

    this.limits = limits
    // left out where its type has undefined
    this.companion = companion as Companion
    this.id = id
    this.#prefix = prefix
  }

  /**
   * e.g. `system`, `peer:12D3KooW…` or `protocol:/ipfs/ping/1.0.0.peer:12D3KooW…`.
   * Put together when asked for: most scopes come and go unnamed.
   */
  get name (): string {
    return this.#prefix + this.id
  }
}
