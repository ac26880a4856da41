import { ChargedScope } from './charged-scope.ts'
import { ScopeStateError, StreamLimitError } from './errors.ts'
import { checkOpen } from './span.ts'
import type { ConnectionStream, CountedConnection } from './counted-connection.ts'
import type { ResolvedLimits } from './limit-table.ts'
import type { LimitedUsage, Scopes } from './limited-usage.ts'
import type { PeerScope } from './realm-members.ts'
import type { Pool, RealmScope } from './realm-reserves.ts'
import type { ScopeRegistry } from './scope-registry.ts'
import type { RefusedAttempt, ScopeTree, SharedScope } from './scope-tree.ts'
import type { StreamScope } from './scope-types.ts'
import type { Scope } from './scope.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

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

  onTransientFull?(error: StreamLimitError): boolean
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

  readonly #connection: CountedConnection | undefined
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
    const inbound = stream.direction === 'inbound' ? 1 : 0

    super(tree)
    this.direction = stream.direction
    this.peer = stream.peer
    this.#connection = connection
    this.#heldPeer = connection === undefined ? tree.peers.hold(stream.peer) : undefined

    try {
      this.requireStreams(inbound, 1 - inbound)
      // what it counts itself is what it takes from the others
      this.addStreams(inbound, 1 - inbound)
      this.#enterOrWhenFreed(stream.onTransientFull)
    } catch (err) {
      tree.peers.letGo(this.#heldPeer)
      throw tree.refused(err, this.attempt())
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

    const { protocols, realms, realmOfProtocol } = this.tree
    const realmId = realmOfProtocol?.(protocol)
    const scope = protocols.hold(protocol)
    const share = scope.companion.hold(this.peer)
    const realm = realms.hold(realmId)

    try {
      this.enter([share, scope, this.elsewhere(realm)])
    } catch (err) {
      letGo(protocols, scope, share)
      realms.letGo(realm)
      throw this.tree.refused(err, { ...this.attempt(), protocol })
    }

    this.addTo(this.pool.transient, -1)
    this.#protocolScope = scope
    this.#protocolShare = share
    this.protocolRealm = realm
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
    const share = scope.companion.hold(this.peer)

    try {
      this.enter([share, scope])
    } catch (err) {
      letGo(services, scope, share)
      throw this.tree.refused(err, this.attempt())
    }

    this.#serviceScope = scope
    this.#serviceShare = share
  }

  release (): void {
    if (this.released) {
      return
    }

    this.leave()
    letGo(this.tree.protocols, this.#protocolScope, this.#protocolShare)
    letGo(this.tree.services, this.#serviceScope, this.#serviceShare)
    this.tree.realms.letGo(this.protocolRealm)
    this.tree.peers.letGo(this.#heldPeer)
    this.#connection?.removeStream(this)
  }

  override get limits (): ResolvedLimits {
    return this.tree.streamLimits
  }

  protected get kind (): string {
    return 'stream'
  }

  override requireIn (scope: LimitedUsage): void {
    scope.requireStreams(this.streamsInbound, this.streamsOutbound)

    if (this.memory !== 0) {
      scope.requireMemory(this.memory, 'always')
    }
  }

  override addTo (scope: LimitedUsage, sign: 1 | -1): void {
    scope.addStreams(sign * this.streamsInbound, sign * this.streamsOutbound)

    if (this.memory !== 0) {
      scope.addMemory(sign * this.memory)
    }
  }

  protected charged (): Scopes {
    const { transient, system } = this.pool
    const connection = this.#connection

    return [
      this.#protocolShare ?? transient, connection, this.#heldPeer ?? connection?.peerScope, connection?.realmScope, system,
      this.#protocolScope, this.elsewhere(this.protocolRealm), this.#serviceShare, this.#serviceScope
    ]
  }

  protected attempt (): RefusedAttempt {
    return { kind: 'stream', direction: this.direction, peer: this.peer, protocol: this.protocol }
  }

  /**
   * Nothing is told of a refusal that is none in the end
   */
  #enterOrWhenFreed (onTransientFull: NewStream['onTransientFull']): void {
    try {
      this.enter(this.charged())
    } catch (err) {
      if (!(err instanceof StreamLimitError) || err.scope !== this.tree.standard.transient.name || onTransientFull?.(err) !== true) {
        throw err
      }

      this.enter(this.charged())
    }
  }

  private get pool (): Pool {
    return this.#connection?.pool ?? this.tree.standard
  }

  /**
   * The realm of the protocol, unless the stream counts there with its connection
   */
  private elsewhere (realm: RealmScope | undefined): RealmScope | undefined {
    return realm === this.#connection?.realmScope ? undefined : realm
  }
}

function letGo (registry: ScopeRegistry<SharedScope>, scope: SharedScope | undefined, share: Scope | undefined): void {
  scope?.companion.letGo(share)
  registry.letGo(scope)
}
