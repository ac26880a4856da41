import type { ConnectionLimitError } from './errors.ts'
import type { ScopeStat } from './limited-usage.ts'
import type { MemoryPriority } from './memory-priority.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * Memory that belongs together and is given back together
 */
export interface SpanScope {
  /**
   * e.g. `connection:12.span`
   */
  readonly name: string

  /**
   * How many bytes are reserved, those of inner spans included
   */
  readonly memory: number

  /**
   * `true` after `release()`, or that of what the span belongs to
   */
  readonly released: boolean

  /**
   * Reserve memory in this scope and in all that it counts in
   *
   * @param bytes - how much
   * @param priority - how much it matters; `'always'` by default
   * @throws {MemoryLimitError} when one of them has no room for it
   * @throws {ScopeStateError} after the release
   */
  reserveMemory(bytes: number, priority?: MemoryPriority): void

  /**
   * Give memory back that was reserved here. What is in spans stays there, and no
   * more is given back than there is.
   */
  releaseMemory(bytes: number): void

  /**
   * A span inside this scope
   *
   * @throws {ScopeStateError} after the release
   */
  beginSpan(): SpanScope

  /**
   * Give everything back. Harmless when it has been already.
   */
  release(): void
}

/**
 * All places are taken that connections share, or are kept for realms. Returns `true`
 * if another connection has given up its place, so that it is worth another try.
 */
export type OnFull = (error: ConnectionLimitError) => boolean

/**
 * What one connection uses
 */
export interface ConnectionScope extends SpanScope {
  readonly direction: MessageStreamDirection

  /**
   * The peer id, once it is known
   */
  readonly peer: string | undefined

  /**
   * The realm that the connection counts in
   */
  readonly realm: string | undefined

  /**
   * `true` while the connection uses what is kept for allow-listed ones
   */
  readonly usesAllowList: boolean

  /**
   * The peer is known now. The connection no longer counts as transient, but for
   * the peer and, if there is one, the realm.
   *
   * @param peer - the peer id
   * @param realm - the realm of the peer
   * @param onFull - asked once if there is no place for it
   * @throws {ConnectionLimitError} when there is no room for it, and then nothing
   * has changed
   * @throws {ScopeStateError} when the peer was known, or after the release
   */
  setPeer(peer: string, realm?: string, onFull?: OnFull): void

  /**
   * Count the connection and its streams in another realm, or in none
   *
   * @throws {ResourceLimitError} when there is no room for it, and then nothing has
   * changed
   * @throws {ScopeStateError} when the peer is not known, or after the release
   */
  setRealm(realm: string | undefined): void

  /**
   * The connection is not allow-listed after all: count it as any other. To be
   * called before `setPeer`.
   *
   * @throws {ResourceLimitError} when there is no room for it, and then nothing has
   * changed
   * @throws {ScopeStateError} when the peer is known, or after the release
   */
  leaveAllowList(): void

  /**
   * What the connection and its streams use
   */
  stat(): ScopeStat
}

/**
 * What one stream uses
 */
export interface StreamScope extends SpanScope {
  readonly direction: MessageStreamDirection
  readonly peer: string
  readonly protocol: string | undefined
  readonly service: string | undefined

  /**
   * The protocol is known now. The stream no longer counts as transient, but for
   * the protocol, its share for the peer, and the realm of the protocol.
   *
   * @throws {ResourceLimitError} when there is no room for it, and then nothing has
   * changed
   * @throws {ScopeStateError} when the protocol was known, or after the release
   */
  setProtocol(protocol: string): void

  /**
   * Count the stream for a service, and its share for the peer
   *
   * @throws {ResourceLimitError} when there is no room for it, and then nothing has
   * changed
   * @throws {ScopeStateError} when the protocol is not known, when there is a
   * service, or after the release
   */
  setService(service: string): void

  /**
   * What the stream uses
   */
  stat(): ScopeStat
}
