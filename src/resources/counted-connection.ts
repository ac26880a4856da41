import { ChargedScope } from './charged-scope.ts'
import { ScopeStateError } from './errors.ts'
import { applyCharge, moveToRealm } from './realm-members.ts'
import { checkOpen } from './span.ts'
import type { ResolvedLimits } from './limit-table.ts'
import type { LimitedUsage } from './limited-usage.ts'
import type { PeerScope, RealmMember } from './realm-members.ts'
import type { RealmScope } from './realm-reserves.ts'
import type { Pool, RefusedAttempt, ScopeTree } from './scope-tree.ts'
import type { ConnectionScope } from './scope-types.ts'
import type { Scope } from './scope.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * A stream of the connection, as far as the connection has to know
 */
export interface ConnectionStream extends LimitedUsage {
  /**
   * The realm that the stream counts in because of its protocol
   */
  readonly protocolRealm: RealmScope | undefined

  /**
   * The connection has left a realm, and entered another
   */
  changeRealm(from: RealmScope | undefined, to: RealmScope | undefined): void

  release(): void

  /**
   * The streams of a connection are a linked list, as a set would cost more than
   * all the counting
   */
  nextStream: ConnectionStream | undefined
  previousStream: ConnectionStream | undefined
}

/**
 * What is to be counted for a connection
 */
export interface NewConnection {
  readonly direction: MessageStreamDirection
  readonly fileDescriptor: boolean
  readonly allowListed: boolean
  readonly peer: string | undefined
  readonly realm: string | undefined
}

/**
 * A connection that counts in the system and, until its peer is known, as
 * transient; then for the peer and the realm
 */
export class CountedConnection extends ChargedScope implements ConnectionScope, RealmMember {
  readonly direction: MessageStreamDirection
  peerScope: PeerScope | undefined = undefined
  realmScope: RealmScope | undefined = undefined
  nextMember: RealmMember | undefined = undefined
  pool: Pool

  #firstStream: ConnectionStream | undefined = undefined

  /**
   * @throws {ConnectionLimitError} when there is no room for the connection
   */
  constructor (tree: ScopeTree, connection: NewConnection) {
    super(tree)
    this.direction = connection.direction
    this.pool = tree.standard
    const inbound = connection.direction === 'inbound' ? 1 : 0
    const descriptors = connection.fileDescriptor ? 1 : 0

    try {
      this.requireConnections(inbound, 1 - inbound, descriptors)
      // what it counts itself is what it takes from the others
      this.addConnections(inbound, 1 - inbound, descriptors)
      this.open(connection)
    } catch (err) {
      throw tree.refused(err, { ...this.attempt(), peer: connection.peer })
    }
  }

  override get limits (): ResolvedLimits {
    return this.tree.connectionLimits
  }

  get peer (): string | undefined {
    return this.peerScope?.id
  }

  get realm (): string | undefined {
    return this.realmScope?.id
  }

  get usesAllowList (): boolean {
    return this.pool !== this.tree.standard
  }

  setPeer (peer: string, realm?: string): void {
    checkOpen(this)

    if (this.peerScope !== undefined) {
      throw new ScopeStateError(`The peer of "${this.name}" is known already`)
    }

    try {
      this.settle(peer, realm, this.pool.transient)
    } catch (err) {
      throw this.tree.refused(err, { ...this.attempt(), peer })
    }
  }

  setRealm (realm: string | undefined): void {
    checkOpen(this)

    if (this.peerScope === undefined) {
      throw new ScopeStateError(`The peer of "${this.name}" is not known yet`)
    }

    try {
      moveToRealm([this], this.tree.realms, realm)
    } catch (err) {
      throw this.tree.refused(err, this.attempt())
    }
  }

  leaveAllowList (): void {
    checkOpen(this)

    const { standard } = this.tree

    if (this.peerScope !== undefined) {
      throw new ScopeStateError(`The peer of "${this.name}" is known already`)
    }

    if (this.pool === standard) {
      return
    }

    try {
      this.requireIn(standard.transient)
      this.requireIn(standard.system)
    } catch (err) {
      throw this.tree.refused(err, this.attempt())
    }

    this.move(this.pool.transient, standard.transient)
    this.move(this.pool.system, standard.system)
    this.pool = standard
  }

  release (): void {
    if (this.released) {
      return
    }

    while (this.#firstStream !== undefined) {
      // removes it
      this.#firstStream.release()
    }

    this.released = true

    for (const scope of this.charged()) {
      this.addTo(scope, -1)
    }

    this.addConnections(-this.connectionsInbound, -this.connectionsOutbound, -this.fileDescriptors)
    this.addMemory(-this.memory)
    this.letGo(this.peerScope, this.realmScope)
    this.peerScope?.removeMember(this)
  }

  addStream (stream: ConnectionStream): void {
    stream.nextStream = this.#firstStream

    if (this.#firstStream !== undefined) {
      this.#firstStream.previousStream = stream
    }

    this.#firstStream = stream
  }

  removeStream (stream: ConnectionStream): void {
    const { previousStream, nextStream } = stream

    if (previousStream === undefined) {
      this.#firstStream = nextStream
    } else {
      previousStream.nextStream = nextStream
    }

    if (nextStream !== undefined) {
      nextStream.previousStream = previousStream
    }
  }

  addCharge (charge: Scope, realm: RealmScope): void {
    charge.addConnections(this.connectionsInbound, this.connectionsOutbound, this.fileDescriptors)
    charge.addStreams(this.streamsInbound, this.streamsOutbound)
    charge.addMemory(this.memory)

    for (let stream = this.#firstStream; stream !== undefined; stream = stream.nextStream) {
      // it counts there already, whichever realm the connection is in
      if (stream.protocolRealm === realm) {
        charge.addStreams(-stream.streamsInbound, -stream.streamsOutbound)
        charge.addMemory(-stream.memory)
      }
    }
  }

  enterRealm (realm: RealmScope | undefined): void {
    const from = this.realmScope

    if (from !== undefined) {
      applyCharge(from, this, -1)
    }

    if (realm !== undefined) {
      this.tree.realms.hold(realm.id)
      applyCharge(realm, this, 1)
    }

    for (let stream = this.#firstStream; stream !== undefined; stream = stream.nextStream) {
      stream.changeRealm(from, realm)
    }

    this.realmScope = realm
    this.letGo(undefined, from)
  }

  protected get kind (): string {
    return 'connection'
  }

  /**
   * Put together when it is needed, as there are many connections
   */
  protected charged (): readonly LimitedUsage[] {
    const { peerScope, pool, realmScope } = this

    if (peerScope === undefined) {
      return [pool.transient, pool.system]
    }

    return realmScope === undefined ? [peerScope, pool.system] : [peerScope, realmScope, pool.system]
  }

  protected attempt (): RefusedAttempt {
    return { kind: 'connection', direction: this.direction, peer: this.peer }
  }

  private open (connection: NewConnection): void {
    try {
      this.enter(this.tree.standard, connection)
    } catch (err) {
      if (!connection.allowListed) {
        throw err
      }

      this.enter(this.tree.allowListed, connection)
    }
  }

  private enter (pool: Pool, { peer, realm }: NewConnection): void {
    this.pool = pool

    if (peer != null) {
      this.settle(peer, realm)
      return
    }

    const { transient, system } = pool
    this.requireIn(transient)
    this.requireIn(system)
    this.addTo(transient, 1)
    this.addTo(system, 1)
  }

  /**
   * Count for the peer and its realm, and no longer as transient if the connection
   * did
   */
  private settle (peerId: string, realmId: string | undefined, transient?: Scope): void {
    const { system } = this.pool
    const peer = this.tree.peers.hold(peerId)
    const realm = realmId == null ? undefined : this.tree.realms.hold(realmId)

    try {
      this.requireIn(peer)

      if (realm !== undefined) {
        this.requireIn(realm)
      }

      if (transient === undefined) {
        this.requireIn(system)
      }

      if (!this.usesAllowList) {
        this.tree.reserves.require(system, this.pool.transient, realm)
      }
    } catch (err) {
      this.letGo(peer, realm)
      throw err
    }

    this.addTo(peer, 1)

    if (realm !== undefined) {
      this.addTo(realm, 1)
    }

    if (transient === undefined) {
      this.addTo(system, 1)
    } else {
      this.addTo(transient, -1)
    }

    this.peerScope = peer
    this.realmScope = realm
    peer.addMember(this)
  }

  private move (from: Scope, to: Scope): void {
    this.addTo(from, -1)
    this.addTo(to, 1)
  }

  private requireIn (scope: LimitedUsage): void {
    scope.requireConnections(this.connectionsInbound, this.connectionsOutbound, this.fileDescriptors)
    scope.requireMemory(this.memory, 'always')
  }

  private addTo (scope: LimitedUsage, sign: 1 | -1): void {
    scope.addConnections(sign * this.connectionsInbound, sign * this.connectionsOutbound, sign * this.fileDescriptors)

    if (this.memory !== 0) {
      scope.addMemory(sign * this.memory)
    }
  }

  private letGo (peer: PeerScope | undefined, realm: RealmScope | undefined): void {
    if (peer !== undefined) {
      this.tree.peers.letGo(peer)
    }

    if (realm !== undefined) {
      this.tree.realms.letGo(realm)
    }
  }
}
