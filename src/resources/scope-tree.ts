import { ResourceLimitError } from './errors.ts'
import { LimitTable } from './limit-table.ts'
import { giveMemory, takeMemory } from './limited-usage.ts'
import { RealmReserves, RealmScope } from './realm-reserves.ts'
import { ScopeRegistry } from './scope-registry.ts'
import { Scope } from './scope.ts'
import { Span } from './span.ts'
import type { ResolvedLimits } from './limit-table.ts'
import type { Limits, RealmLimits, ScopeKind } from './limits.ts'
import type { PeerScope, RealmMember } from './realm-members.ts'
import type { Pool } from './realm-reserves.ts'
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
 * The scope of a protocol or a service, with the shares that peers have of it
 */
export type SharedScope = Scope<ScopeRegistry<Scope>>

function sharedScope (table: LimitTable, kind: 'protocol' | 'service', name: string): SharedScope {
  const shareKind = kind === 'protocol' ? 'protocolPeer' : 'servicePeer'
  const prefix = `${kind}:${name}.peer:`

  return new Scope(table.of(kind, name), name, `${kind}:`, new ScopeRegistry(peer => new Scope(table.of(shareKind, name), peer, prefix)))
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

  readonly reserves: RealmReserves
  readonly realmOfProtocol: RealmOfProtocol | undefined

  readonly standard: Pool
  readonly allowListed: Pool

  readonly peers: ScopeRegistry<PeerScope>
  readonly realms: ScopeRegistry<RealmScope>
  readonly protocols: ScopeRegistry<SharedScope>
  readonly services: ScopeRegistry<SharedScope>

  /**
   * The scopes of which there is one, those that have names, and those whose shares
   * are scopes of a kind, by that kind
   */
  readonly #single: Partial<Record<ScopeKind, Scope>>
  readonly #named: Partial<Record<ScopeKind, ScopeRegistry<Scope>>>
  readonly #shared: Partial<Record<ScopeKind, ScopeRegistry<SharedScope>>>

  readonly #table: LimitTable
  readonly #onRefused: OnRefused | undefined
  #lastNumber = 0

  constructor (limits: Limits, maxConnections = Infinity, onRefused?: OnRefused, realmOfProtocol?: RealmOfProtocol) {
    const table = new LimitTable(limits, maxConnections)
    const system = new Scope(table.of('system'), 'system')
    const transient = new Scope(table.of('transient'), 'transient')
    const allowListed = new Scope(table.of('allowListed'), 'allowListed')
    const allowListedTransient = new Scope(table.of('allowListedTransient'), 'allowListedTransient')

    this.#table = table
    this.reserves = new RealmReserves(maxConnections)
    this.connectionLimits = table.of('connection')
    this.streamLimits = table.of('stream')
    this.standard = { system, transient }
    this.allowListed = { system: allowListed, transient: allowListedTransient }
    this.peers = new ScopeRegistry(peer => new Scope<RealmMember | undefined>(table.of('peer', peer), peer, 'peer:'))
    this.realms = new ScopeRegistry(realm => new RealmScope(this.reserves, table.of('realm', realm), realm))
    this.protocols = new ScopeRegistry(protocol => sharedScope(table, 'protocol', protocol))
    this.services = new ScopeRegistry(service => sharedScope(table, 'service', service))
    this.#single = { system, transient, allowListed, allowListedTransient }
    this.#named = { peer: this.peers, realm: this.realms, protocol: this.protocols, service: this.services }
    this.#shared = { protocolPeer: this.protocols, servicePeer: this.services }
    this.#onRefused = onRefused
    this.realmOfProtocol = realmOfProtocol

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
   * @throws {InvalidOptionError} when the realms reserve more, and then nothing has changed
   */
  setMaxConnections (maxConnections: number): void {
    this.#table.setMaxConnections(maxConnections)
    this.reserves.maxConnections = maxConnections
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
    const scope = this.#named[kind]?.get(name)

    for (const changed of this.#shared[kind]?.get(name)?.companion.values() ?? (scope == null ? [] : [scope])) {
      changed.limits = limits
    }
  }

  /**
   * The scope of that kind and name, in use or not. `undefined` if there can be no
   * such scope.
   */
  find (kind: ScopeKind, name: string | undefined): Scope | undefined {
    return this.#single[kind] ?? (name == null ? undefined : this.#named[kind]?.peek(name))
  }

  /**
   * A span of a scope, which stays in use as long as the span. `undefined` if there
   * can be no such scope.
   */
  beginSpan (kind: ScopeKind, name: string | undefined): SpanScope | undefined {
    const { system } = this.standard
    const registry = this.#named[kind]
    const held = registry?.hold(name)
    const scope = held ?? this.#single[kind]

    if (scope == null) {
      return
    }

    const scopes = held == null && kind !== 'transient' ? [scope] : [scope, system]

    return new Span({
      name: scope.name,
      released: false,
      takeMemory: (bytes, priority) => { takeMemory(scopes, bytes, priority) },
      giveMemory: bytes => { giveMemory(scopes, bytes) }
    }, '.span', () => { registry?.letGo(held) })
  }

  #countReserves (): void {
    let unused = 0

    for (const [realm, reserved] of this.#table.reserves()) {
      unused += this.realms.get(realm)?.unusedReserve ?? reserved
    }

    this.reserves.unused = unused
  }
}
