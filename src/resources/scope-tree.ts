import { ResourceLimitError } from './errors.ts'
import { LimitTable } from './limit-table.ts'
import { PeerScope } from './realm-members.ts'
import { RealmReserves, RealmScope } from './realm-reserves.ts'
import { ScopeRegistry } from './scope-registry.ts'
import { Scope } from './scope.ts'
import { SharedSpan } from './shared-span.ts'
import type { ResolvedLimits } from './limit-table.ts'
import type { Limits, RealmLimits, ScopeKind } from './limits.ts'
import type { SpanScope } from './scope-types.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * What was refused
 */
export interface RefusedAttempt {
  readonly kind: 'connection' | 'stream' | 'memory'
  readonly direction?: MessageStreamDirection
  readonly peer?: string
  readonly protocol?: string
}

/**
 * Is told of everything that a limit refuses, when nothing of it is left in use,
 * and before the error is thrown. Must not throw.
 */
export type OnRefused = (error: ResourceLimitError, attempt: RefusedAttempt) => void

/**
 * Finds the realm of a protocol. Must not throw.
 */
export type RealmOfProtocol = (protocol: string) => string | undefined

/**
 * What everyone uses together
 */
export interface Pool {
  readonly system: Scope
  readonly transient: Scope
}

/**
 * The scope of a protocol or a service, with the shares that peers have of it
 */
export class SharedScope extends Scope {
  readonly peers: ScopeRegistry<Scope>
  #shareLimits: ResolvedLimits

  constructor (table: LimitTable, kind: 'protocol' | 'service', name: string) {
    super(table.of(kind, name), name, `${kind}:`)

    this.#shareLimits = table.of(kind === 'protocol' ? 'protocolPeer' : 'servicePeer', name)
    const prefix = `${this.name}.peer:`
    this.peers = new ScopeRegistry(peer => new Scope(this.#shareLimits, peer, prefix))
  }

  /**
   * Change the limits of the share of every peer
   */
  setShareLimits (limits: ResolvedLimits): void {
    this.#shareLimits = limits

    for (const [, share] of this.peers.entries()) {
      share.limits = limits
    }
  }
}

/**
 * Every scope that several connections or streams share, and their limits
 */
export class ScopeTree {
  /**
   * What one connection may use, its streams included
   */
  readonly connectionLimits: ResolvedLimits

  /**
   * What one stream may use
   */
  readonly streamLimits: ResolvedLimits

  readonly reserves = new RealmReserves()

  readonly standard: Pool
  readonly allowListed: Pool

  readonly peers: ScopeRegistry<PeerScope>
  readonly realms: ScopeRegistry<RealmScope>
  readonly protocols: ScopeRegistry<SharedScope>
  readonly services: ScopeRegistry<SharedScope>

  readonly #table: LimitTable
  readonly #onRefused: OnRefused | undefined
  #lastNumber = 0

  constructor (limits: Limits, onRefused?: OnRefused) {
    const table = new LimitTable(limits)
    const single = (kind: ScopeKind): Scope => new Scope(table.of(kind), kind)

    this.#table = table
    this.connectionLimits = table.of('connection')
    this.streamLimits = table.of('stream')
    this.standard = { system: single('system'), transient: single('transient') }
    this.allowListed = { system: single('allowListed'), transient: single('allowListedTransient') }
    this.peers = new ScopeRegistry(peer => new PeerScope(table.of('peer', peer), peer))
    this.realms = new ScopeRegistry(realm => new RealmScope(this.reserves, table.of('realm', realm), realm))
    this.protocols = new ScopeRegistry(protocol => new SharedScope(table, 'protocol', protocol))
    this.services = new ScopeRegistry(service => new SharedScope(table, 'service', service))
    this.#onRefused = onRefused

    this.#countReserves()
  }

  /**
   * A number for the name of a connection or stream
   */
  nextNumber (): number {
    return ++this.#lastNumber
  }

  /**
   * Change some limits of a kind of scopes, or of one by name. They hold at once,
   * for what is open already as well.
   */
  setLimits (kind: ScopeKind, name: string | undefined, limits: RealmLimits): void {
    this.#table.set(kind, name, limits)

    if (name != null) {
      this.#adopt(kind, name)
    }

    this.#countReserves()
  }

  /**
   * Tell of a refusal, and pass the error on
   */
  refused (error: unknown, attempt: RefusedAttempt): unknown {
    if (error instanceof ResourceLimitError) {
      this.#onRefused?.(error, attempt)
    }

    return error
  }

  /**
   * A scope that had the limits of its kind now has its own
   */
  #adopt (kind: ScopeKind, name: string): void {
    const limits = this.#table.of(kind, name)

    if (kind === 'protocolPeer') {
      this.protocols.get(name)?.setShareLimits(limits)
    } else if (kind === 'servicePeer') {
      this.services.get(name)?.setShareLimits(limits)
    } else {
      const scope = this.#registry(kind)?.get(name)

      if (scope != null) {
        scope.limits = limits
      }
    }
  }

  /**
   * The scope of that kind and name, in use or not. `undefined` if there can be no
   * such scope.
   */
  find (kind: ScopeKind, name: string | undefined): Scope | undefined {
    switch (kind) {
      case 'system': return this.standard.system
      case 'transient': return this.standard.transient
      case 'allowListed': return this.allowListed.system
      case 'allowListedTransient': return this.allowListed.transient
      default: return name == null ? undefined : this.#registry(kind)?.peek(name)
    }
  }

  /**
   * A span of a scope, which stays in use as long as the span. `undefined` if there
   * can be no such scope.
   */
  beginSpan (kind: ScopeKind, name: string | undefined): SpanScope | undefined {
    const { system } = this.standard
    const registry = this.#registry(kind)

    if (registry != null && name != null) {
      const scope = registry.hold(name)

      return new SharedSpan([scope, system], () => { registry.letGo(scope) })
    }

    const scope = this.find(kind, name)

    if (scope != null) {
      return new SharedSpan(kind === 'transient' ? [scope, system] : [scope], () => {})
    }
  }

  #registry (kind: ScopeKind): ScopeRegistry<Scope> | undefined {
    switch (kind) {
      case 'peer': return this.peers
      case 'realm': return this.realms
      case 'protocol': return this.protocols
      case 'service': return this.services
      default: return undefined
    }
  }

  #countReserves (): void {
    let unused = 0

    for (const [realm, reserved] of this.#table.reserves()) {
      unused += this.realms.get(realm)?.unusedReserve ?? reserved
    }

    this.reserves.unused = unused
  }
}
