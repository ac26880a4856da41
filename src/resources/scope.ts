import { LimitedUsage } from './limited-usage.ts'
import type { ResolvedLimits } from './limit-table.ts'

/**
 * What several connections or streams share, by its kind and name
 */
export class Scope extends LimitedUsage {
  limits: ResolvedLimits

  /**
   * How many others rely on the scope
   */
  holders = 0

  private readonly kind: string
  private readonly key: string | undefined
  private readonly parent: Scope | undefined

  constructor (limits: ResolvedLimits, kind: string, key?: string, parent?: Scope) {
    super()

    this.limits = limits
    this.kind = kind
    this.key = key
    this.parent = parent
  }

  /**
   * e.g. `system`, `peer:12D3KooW…` or `protocol:/ipfs/ping/1.0.0.peer:12D3KooW…`.
   * Put together when asked for: most scopes come and go unnamed.
   */
  get name (): string {
    const name = this.key == null ? this.kind : `${this.kind}:${this.key}`

    return this.parent == null ? name : `${this.parent.name}.${name}`
  }

  /**
   * What the scope is known by among its kind
   */
  get id (): string {
    return this.key ?? this.kind
  }
}
