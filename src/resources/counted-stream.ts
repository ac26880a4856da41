import { ChargedScope } from './charged-scope.ts'
import { ScopeStateError } from './errors.ts'
import { checkOpen } from './span.ts'
import type { ConnectionStream, CountedConnection } from './counted-connection.ts'
import type { ResolvedLimits } from './limit-table.ts'
import type { LimitedUsage } from './limited-usage.ts'
import type { PeerScope } from './realm-members.ts'
import type { RealmScope } from './realm-reserves.ts'
import type { ScopeRegistry } from './scope-registry.ts'
import type { RealmOfProtocol, RefusedAttempt, ScopeTree, SharedScope } from './scope-tree.ts'
import type { StreamScope } from './scope-types.ts'
import type { Scope } from './scope.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * Where a stream's `scopes` have the transient scope, until the protocol is known
 */
const TRANSIENT = 0

/**
 * What is to be counted for a stream
 */
export interface NewStream {
  readonly direction: MessageStreamDirection
  readonly connection: CountedConnection | undefined

  /**
   * The peer of a stream whose connection is not known
   */
  readonly peer: string
  readonly realmOfProtocol: RealmOfProtocol | undefined
}

/**
 * A stream that counts where its connection does and, until its protocol is
 * known, as transient; then for the protocol, and for a service
 */
export class CountedStream extends ChargedScope implements StreamScope, ConnectionStream {
  readonly direction: MessageStreamDirection
  readonly peer: string
  protocolRealm: RealmScope | undefined = undefined
  nextStream: ConnectionStream | undefined = undefined
  previousStream: ConnectionStream | undefined = undefined

  readonly #scopes: LimitedUsage[]
  readonly #inbound: 0 | 1
  readonly #outbound: 0 | 1
  readonly #connection: CountedConnection | undefined
  readonly #realmOfProtocol: RealmOfProtocol | undefined
  readonly #heldPeer: PeerScope | undefined
  #protocolScope: SharedScope | undefined = undefined
  #protocolShare: Scope | undefined = undefined
  #serviceScope: SharedScope | undefined = undefined
  #serviceShare: Scope | undefined = undefined

  /**
   * @throws {StreamLimitError} when there is no room for the stream
   */
  constructor (tree: ScopeTree, stream: NewStream) {
    const { connection } = stream
    const heldPeer = connection?.peerScope === undefined ? tree.peers.hold(stream.peer) : undefined

    super(tree)
    this.#scopes = baseScopes(tree, connection, heldPeer)
    this.direction = stream.direction
    this.#inbound = stream.direction === 'inbound' ? 1 : 0
    this.#outbound = stream.direction === 'inbound' ? 0 : 1
    this.peer = stream.peer
    this.#connection = connection
    this.#realmOfProtocol = stream.realmOfProtocol

    this.#heldPeer = heldPeer

    try {
      this.requireIn(this)

      for (const scope of this.#scopes) {
        this.requireIn(scope)
      }
    } catch (err) {
      this.letGoPeer()
      throw tree.refused(err, this.attempt())
    }

    this.addTo(this, 1)

    for (const scope of this.#scopes) {
      this.addTo(scope, 1)
    }

    connection?.addStream(this)
  }

  get protocol (): string | undefined {
    return this.#protocolScope?.id
  }

  get service (): string | undefined {
    return this.#serviceScope?.id
  }

  setProtocol (protocol: string): void {
    checkOpen(this)

    if (this.#protocolScope !== undefined) {
      throw new ScopeStateError(`The protocol of "${this.name}" is known already`)
    }

    const { protocols, realms } = this.tree
    const realmId = this.#realmOfProtocol?.(protocol)
    const scope = protocols.hold(protocol)
    const share = scope.peers.hold(this.peer)
    const realm = realmId == null ? undefined : realms.hold(realmId)
    const other = realm === this.#connection?.realmScope ? undefined : realm

    try {
      this.requireIn(share)
      this.requireIn(scope)

      if (other !== undefined) {
        this.requireIn(other)
      }
    } catch (err) {
      letGo(protocols, scope, share)

      if (realm !== undefined) {
        realms.letGo(realm)
      }

      throw this.tree.refused(err, { ...this.attempt(), protocol })
    }

    this.#protocolScope = scope
    this.#protocolShare = share
    this.protocolRealm = realm
    this.addTo(this.#scopes[TRANSIENT], -1)
    this.addTo(share, 1)
    this.addTo(scope, 1)
    this.#scopes[TRANSIENT] = share

    this.#scopes.push(scope)

    if (other !== undefined) {
      this.addTo(other, 1)
      this.#scopes.push(other)
    }
  }

  setService (service: string): void {
    checkOpen(this)

    if (this.#protocolScope === undefined) {
      throw new ScopeStateError(`The protocol of "${this.name}" is not known yet`)
    }

    if (this.#serviceScope !== undefined) {
      throw new ScopeStateError(`The service of "${this.name}" is known already`)
    }

    const { services } = this.tree
    const scope = services.hold(service)
    const share = scope.peers.hold(this.peer)

    try {
      this.requireIn(share)
      this.requireIn(scope)
    } catch (err) {
      letGo(services, scope, share)
      throw this.tree.refused(err, this.attempt())
    }

    this.#serviceScope = scope
    this.#serviceShare = share
    this.addTo(share, 1)
    this.addTo(scope, 1)
    this.#scopes.push(share, scope)
  }

  changeRealm (from: RealmScope | undefined, to: RealmScope | undefined): void {
    // the connection has moved the usage. The realm of the protocol stays.
    if (from !== undefined && from !== this.protocolRealm) {
      this.#scopes.splice(this.#scopes.indexOf(from), 1)
    }

    if (to !== undefined && to !== this.protocolRealm) {
      this.#scopes.push(to)
    }
  }

  release (): void {
    if (this.released) {
      return
    }

    this.released = true

    for (const scope of this.#scopes) {
      this.addTo(scope, -1)
    }

    this.addTo(this, -1)

    letGo(this.tree.protocols, this.#protocolScope, this.#protocolShare)
    letGo(this.tree.services, this.#serviceScope, this.#serviceShare)

    if (this.protocolRealm !== undefined) {
      this.tree.realms.letGo(this.protocolRealm)
    }

    this.letGoPeer()
    this.#connection?.removeStream(this)
  }

  override get limits (): ResolvedLimits {
    return this.tree.streamLimits
  }

  protected get kind (): string {
    return 'stream'
  }

  protected charged (): readonly LimitedUsage[] {
    return this.#scopes
  }

  protected attempt (): RefusedAttempt {
    return { kind: 'stream', direction: this.direction, peer: this.peer, protocol: this.protocol }
  }

  private requireIn (scope: LimitedUsage): void {
    scope.requireStreams(this.#inbound, this.#outbound)

    if (this.memory !== 0) {
      scope.requireMemory(this.memory, 'always')
    }
  }

  private addTo (scope: LimitedUsage, sign: 1 | -1): void {
    scope.addStreams(sign * this.#inbound, sign * this.#outbound)

    if (this.memory !== 0) {
      scope.addMemory(sign * this.memory)
    }
  }

  private letGoPeer (): void {
    if (this.#heldPeer !== undefined) {
      this.tree.peers.letGo(this.#heldPeer)
    }
  }
}

/**
 * What a stream counts in before its protocol is known.
 */
function baseScopes (tree: ScopeTree, connection: CountedConnection | undefined, heldPeer: PeerScope | undefined): LimitedUsage[] {
  const { transient, system } = connection?.pool ?? tree.standard
  const peer = heldPeer ?? connection?.peerScope

  if (connection === undefined || peer === undefined) {
    return peer === undefined ? [transient, system] : [transient, peer, system]
  }

  return connection.realmScope === undefined
    ? [transient, connection, peer, system]
    : [transient, connection, peer, connection.realmScope, system]
}

function letGo (registry: ScopeRegistry<SharedScope>, scope: SharedScope | undefined, share: Scope | undefined): void {
  if (scope !== undefined && share !== undefined) {
    scope.peers.letGo(share)
    registry.letGo(scope)
  }
}
