import { InvalidOptionError } from '../errors.ts'
import { CountedConnection } from './counted-connection.ts'
import { CountedStream } from './counted-stream.ts'
import { ScopeStateError } from './errors.ts'
import { membersOf, moveToRealm } from './realm-members.ts'
import { parseScopeName } from './scope-name.ts'
import { ScopeTree } from './scope-tree.ts'
import { checkOpen } from './span.ts'
import { validateRealmLimits, validateScopeLimits } from './validate-limits.ts'
import type { ScopeStat } from './limited-usage.ts'
import type { Limits, RealmLimits } from './limits.ts'
import type { ConnectionExcess, OpenConnectionOptions, OpenStreamOptions, ResourceManager, ResourceStat, SharedScopeStat } from './resource-manager.ts'
import type { ScopeRegistry } from './scope-registry.ts'
import type { OnRefused, RealmOfProtocol, SharedScope } from './scope-tree.ts'
import type { ConnectionScope, SpanScope, StreamScope } from './scope-types.ts'
import type { Scope } from './scope.ts'

export interface LimitedResourceManagerInit {
  /**
   * The limits. What is left out is not limited.
   */
  limits: Limits

  /**
   * @default Infinity
   */
  maxConnections?: number
  onRefused?: OnRefused
  realmOfProtocol?: RealmOfProtocol
}

/**
 * A resource manager that holds limits
 */
export class LimitedResourceManager implements ResourceManager {
  readonly #tree: ScopeTree

  constructor (init: LimitedResourceManagerInit) {
    this.#tree = new ScopeTree(init.limits, init.maxConnections, init.onRefused, init.realmOfProtocol)
  }

  get maxConnections (): number {
    return this.#tree.reserves.maxConnections
  }

  set maxConnections (maxConnections: number) {
    this.#tree.setMaxConnections(maxConnections)
  }

  get places (): number {
    const { reserves, standard } = this.#tree

    return reserves.placesIn(standard.system)
  }

  get unusedReserve (): number {
    return this.#tree.reserves.unused
  }

  openConnection (options: OpenConnectionOptions): ConnectionScope {
    return new CountedConnection(this.#tree, options)
  }

  openStream (options: OpenStreamOptions): StreamScope {
    const { direction, onTransientFull } = options
    const connection = countedConnection(options.connection)
    const peer = connection?.peer ?? options.peer

    if (connection != null) {
      checkOpen(connection)
    }

    if (peer == null || (connection != null && connection.peer == null)) {
      throw new ScopeStateError('The peer of the stream is not known')
    }

    return new CountedStream(this.#tree, { direction, connection, peer, onTransientFull })
  }

  beginSpan (scope: string): SpanScope {
    const { kind, name } = parseScopeName(scope)

    return this.#tree.beginSpan(kind, name) ?? noSuchScope(scope)
  }

  setPeerRealm (peer: string, realm: string | undefined): void {
    const scope = this.#tree.peers.get(peer)

    if (scope == null) {
      return
    }

    try {
      moveToRealm(membersOf(scope), this.#tree.realms, realm)
    } catch (err) {
      throw this.#tree.refused(err, { kind: 'connection', peer })
    }
  }

  setLimit (scope: string, limits: RealmLimits): void {
    const { kind, name } = parseScopeName(scope)
    const validate = kind === 'realm' && name != null ? validateRealmLimits : validateScopeLimits

    this.#tree.setLimits(kind, name, validate(limits, scope))
  }

  scopeStat (scope: string): ScopeStat | undefined {
    return this.#find(scope).stat()
  }

  excess (scope: string): ConnectionExcess {
    const { connections, connectionsInbound, connectionsOutbound, limits } = this.#find(scope)
    const inbound = Math.max(0, connectionsInbound - limits.connectionsInbound)
    const outbound = Math.max(0, connectionsOutbound - limits.connectionsOutbound)

    return { connections: Math.max(inbound + outbound, connections - limits.connections), inbound, outbound }
  }

  stat (): ResourceStat {
    const { standard, allowListed, peers, realms, protocols, services, reserves } = this.#tree

    return {
      system: standard.system.stat(),
      transient: standard.transient.stat(),
      allowListed: allowListed.system.stat(),
      allowListedTransient: allowListed.transient.stat(),
      peers: statAll(peers, peer => peer.stat()),
      realms: statAll(realms, realm => realm.stat()),
      protocols: statAll(protocols, statShared),
      services: statAll(services, statShared),
      unusedReserve: reserves.unused
    }
  }

  * protocolStats (): Iterable<[protocol: string, stat: ScopeStat]> {
    for (const scope of this.#tree.protocols.values()) {
      yield [scope.id, scope.stat()]
    }
  }

  #find (scope: string): Scope {
    const { kind, name } = parseScopeName(scope)

    return this.#tree.find(kind, name) ?? noSuchScope(scope)
  }
}

function noSuchScope (scope: string): never {
  throw new InvalidOptionError('scope', scope, 'one scope, and not a kind of scopes')
}

function countedConnection (scope: ConnectionScope | undefined): CountedConnection | undefined {
  if (scope == null || scope instanceof CountedConnection) {
    return scope
  }

  throw new InvalidOptionError('connection', scope, 'a scope that openConnection returned')
}

function statShared (scope: SharedScope): SharedScopeStat {
  return { ...scope.stat(), peers: statAll(scope.companion, share => share.stat()) }
}

function statAll<T extends Scope, S> (scopes: ScopeRegistry<T>, stat: (scope: T) => S): Record<string, S> {
  return Object.fromEntries(Array.from(scopes.values(), scope => [scope.id, stat(scope)]))
}
