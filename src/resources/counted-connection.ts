import { ChargedScope } from './charged-scope.ts'
import { ConnectionLimitError, ScopeStateError } from './errors.ts'
import { addMember, moveToRealm, removeMember } from './realm-members.ts'
import { MAX_CONNECTIONS } from './realm-reserves.ts'
import { checkOpen } from './span.ts'
import type { ResolvedLimits } from './limit-table.ts'
import type { LimitedUsage, Scopes } from './limited-usage.ts'
import type { PeerScope, RealmMember } from './realm-members.ts'
import type { Pool, RealmScope } from './realm-reserves.ts'
import type { OpenConnectionOptions } from './resource-manager.ts'
import type { RefusedAttempt, ScopeTree } from './scope-tree.ts'
import type { ConnectionScope, OnFull } from './scope-types.ts'
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

  release(): void

  /**
   * The streams of a connection are a linked list, as a set would cost more than
   * all the counting
   */
  nextStream: ConnectionStream | undefined
  previousStream: ConnectionStream | undefined
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
  constructor (tree: ScopeTree, connection: OpenConnectionOptions) {
    super(tree)
    this.direction = connection.direction
    this.pool = tree.standard
    const inbound = connection.direction === 'inbound' ? 1 : 0
    const descriptors = connection.fileDescriptor === true ? 1 : 0

    try {
      this.requireConnections(inbound, 1 - inbound, descriptors)
      // what it counts itself is what it takes from the others
      this.addConnections(inbound, 1 - inbound, descriptors)
      this.#orWhenFreed(() => { this.open(connection) }, connection.onFull)
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

  setPeer (peer: string, realm?: string, onFull?: OnFull): void {
    checkOpen(this)

    if (this.peerScope !== undefined) {
      throw new ScopeStateError(`The peer of "${this.name}" is known already`)
    }

    try {
      this.#orWhenFreed(() => { this.settle(peer, realm) }, onFull)
    } catch (err) {
      throw this.tree.refused(err, { ...this.attempt(), peer })
    }

    this.addTo(this.pool.transient, -1)
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
      this.enter([standard.transient, standard.system])
    } catch (err) {
      throw this.tree.refused(err, this.attempt())
    }

    this.addToAll(this.charged(), -1)
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

    this.leave()
    this.tree.peers.letGo(this.peerScope)
    this.tree.realms.letGo(this.realmScope)

    if (this.peerScope !== undefined) {
      removeMember(this.peerScope, this)
    }
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

  addCharge (charge: Scope, realm: RealmScope, sign: 1 | -1): void {
    this.addTo(charge, sign)

    for (let stream = this.#firstStream; stream !== undefined; stream = stream.nextStream) {
      // it counts there already, whichever realm the connection is in
      if (stream.protocolRealm === realm) {
        stream.addTo(charge, sign === 1 ? -1 : 1)
      }
    }
  }

  enterRealm (realm: RealmScope | undefined): void {
    const { realms } = this.tree
    const from = this.realmScope

    if (from !== undefined) {
      this.addCharge(from, from, -1)
    }

    if (realm !== undefined) {
      this.addCharge(realm, realm, 1)
    }

    this.realmScope = realms.hold(realm?.id)
    realms.letGo(from)
  }

  protected get kind (): string {
    return 'connection'
  }

  protected charged (): Scopes {
    const { peerScope, pool, realmScope } = this

    return peerScope === undefined ? [pool.transient, pool.system] : [peerScope, realmScope, pool.system]
  }

  protected attempt (): RefusedAttempt {
    return { kind: 'connection', direction: this.direction, peer: this.peer }
  }

  /**
   * Take a place, or else the one that another connection has given up for it. Nothing
   * is told of a refusal that is none in the end.
   */
  #orWhenFreed (take: () => void, onFull: OnFull | undefined): void {
    try {
      take()
    } catch (err) {
      if (onFull == null || !this.#isFull(err) || !onFull(err)) {
        throw err
      }

      take()
    }
  }

  #isFull (err: unknown): err is ConnectionLimitError {
    return err instanceof ConnectionLimitError && (err.scope === this.tree.standard.system.name || err.scope === MAX_CONNECTIONS)
  }

  private open (connection: OpenConnectionOptions): void {
    try {
      this.openIn(this.tree.standard, connection)
    } catch (err) {
      if (connection.allowListed !== true) {
        throw err
      }

      this.openIn(this.tree.allowListed, connection)
    }
  }

  private openIn (pool: Pool, { peer, realm }: OpenConnectionOptions): void {
    this.pool = pool

    if (peer == null) {
      this.enter([pool.transient, pool.system])
    } else {
      this.settle(peer, realm, pool.system)
    }
  }

  /**
   * Count for the peer and its realm, and in the system unless the connection does so
   */
  private settle (peerId: string, realmId: string | undefined, system?: Scope): void {
    const { peers, realms, reserves } = this.tree
    const peer = peers.hold(peerId)
    const realm = realms.hold(realmId)
    const entered = [peer, realm, system]

    try {
      this.requireInAll(entered)

      if (!this.usesAllowList) {
        reserves.require(this, this.pool, realm)
      }
    } catch (err) {
      peers.letGo(peer)
      realms.letGo(realm)
      throw err
    }

    this.addToAll(entered, 1)
    this.peerScope = peer
    this.realmScope = realm
    addMember(peer, this)
  }
}
