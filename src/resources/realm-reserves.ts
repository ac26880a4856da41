import { ConnectionLimitError } from './errors.ts'
import { reserveOf } from './limit-table.ts'
import { Scope } from './scope.ts'
import type { Resource } from './errors.ts'
import type { ResolvedLimits } from './limit-table.ts'
import type { LimitedUsage } from './limited-usage.ts'

/**
 * What a refusal names where no limit of the system is reached, but the option of that name
 */
export const MAX_CONNECTIONS = 'maxConnections'

/**
 * How many places for connections are kept for realms that do not use all that is
 * reserved for them
 */
export class RealmReserves {
  /**
   * How many there are at this moment
   */
  unused = 0

  /**
   * With how many connections no more inbound ones are accepted
   */
  maxConnections: number

  constructor (maxConnections: number) {
    this.maxConnections = maxConnections
  }

  /**
   * How many connections there may be without those that are kept
   */
  placesIn ({ limits }: Scope): number {
    return Math.min(this.maxConnections, limits.connections, limits.connectionsInbound + limits.connectionsOutbound) - this.unused
  }

  /**
   * Those whose peer is not known yet do not count, as they may turn out to be of the
   * realm. A dial is held by the limit of all connections only: it is this node that
   * decides whom it dials.
   *
   * @throws {ConnectionLimitError} when a connection whose peer has become known
   * would take what is kept for a realm that it does not belong to
   */
  require (connection: LimitedUsage, { system, transient }: Pool, realm: RealmScope | undefined): void {
    if (this.unused === 0 || (realm !== undefined && realm.unusedReserve > 0)) {
      return
    }

    const { limits } = system
    const settled = system.connections - transient.connections
    this.#require(system.name, 'connections', settled, limits.connections)

    if (connection.connectionsInbound > 0) {
      this.#require(MAX_CONNECTIONS, 'connections', settled, this.maxConnections)
      this.#require(system.name, 'connectionsInbound', system.connectionsInbound - transient.connectionsInbound, limits.connectionsInbound)
    }

    if (connection.connectionsInbound > 0 && connection.fileDescriptors > 0) {
      this.#require(system.name, 'fileDescriptors', system.fileDescriptors - transient.fileDescriptors, limits.fileDescriptors)
    }
  }

  #require (scope: string, resource: Resource, settled: number, limit: number): void {
    const available = Math.max(0, limit - this.unused)

    if (settled + 1 > available) {
      throw new ConnectionLimitError(scope, resource, settled, 1, available, `"${scope}" has ${settled} of ${available} ${resource} in use, 1 more requested, and ${this.unused} are kept for realms`)
    }
  }
}

/**
 * What everyone uses together, and the part of it whose peers are not known
 */
export interface Pool {
  readonly system: Scope
  readonly transient: Scope
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
    return Math.max(0, reserveOf(this.limits) - this.connections)
  }

  override addConnections (inbound: number, outbound: number, fileDescriptors: number): void {
    const before = this.unusedReserve
    super.addConnections(inbound, outbound, fileDescriptors)
    this.#reserves.unused += this.unusedReserve - before
  }
}
