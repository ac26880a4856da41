import { ConnectionLimitError } from './errors.ts'
import { Scope } from './scope.ts'
import type { ResolvedLimits } from './limit-table.ts'

/**
 * How many connections of the system are kept for realms that do not use all
 * that is reserved for them
 */
export class RealmReserves {
  /**
   * How many there are at this moment
   */
  unused = 0

  /**
   * @throws {ConnectionLimitError} when a connection whose peer has become known
   * would take what is kept for a realm that it does not belong to
   */
  require (system: Scope, transient: Scope, realm: RealmScope | undefined): void {
    if (this.unused === 0 || (realm !== undefined && realm.unusedReserve > 0)) {
      return
    }

    // connections whose peer is not known may yet turn out to be of the realm
    const settled = system.connections - transient.connections
    const available = system.limits.connections - this.unused

    if (settled + 1 > available) {
      throw new ConnectionLimitError(system.name, 'connections', settled, 1, available, `"${system.name}" has ${settled} of ${available} connections in use, 1 more requested, and ${this.unused} are kept for realms`)
    }
  }
}

/**
 * The scope of a realm, which knows how much of its reserve is not in use
 */
export class RealmScope extends Scope {
  readonly #reserves: RealmReserves

  constructor (reserves: RealmReserves, limits: ResolvedLimits, realm: string) {
    super(limits, realm, 'realm:')
    this.#reserves = reserves
  }

  get unusedReserve (): number {
    return Math.max(0, this.limits.reserved - this.connections)
  }

  override addConnections (inbound: number, outbound: number, fileDescriptors: number): void {
    const before = this.unusedReserve
    super.addConnections(inbound, outbound, fileDescriptors)
    this.#reserves.unused += this.unusedReserve - before
  }
}
