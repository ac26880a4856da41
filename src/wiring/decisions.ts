import { isPeerId } from '@libp2p/interface'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { InvalidOptionError } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { PeerId } from '@libp2p/interface'
import type { Component, Multiaddr } from '@multiformats/multiaddr'

/**
 * What was decided
 *
 * - `refuse` an inbound connection was not let in
 * - `resource` a connection, a stream or memory did not fit into a scope
 * - `trim` there were too many connections
 * - `trimmed` a connection was closed by a trim
 * - `evict` a connection was closed for a better one
 * - `close` a connection has come to its end, whoever closed it
 * - `dead` a connection was given up, as nothing was heard any more
 * - `recycle` a connection was closed to be replaced
 * - `upgrade` a direct connection took the place of a relayed one
 * - `ban`, `unban` somebody was banned, or is banned no more
 * - `discourage` a peer, or the host that is the `target`, may only stay while there is room
 * - `protect`, `unprotect` a peer was protected by a tag, or is no more
 * - `realm` a peer came into a realm, or left it
 * - `realm-limit` a realm is full
 * - `dial` a peer was dialled in vain
 * - `watermark` there are more connections than a watermark now, or no longer
 * - `reachability` others can dial this node, or cannot, so it dials more itself
 */
export type DecisionKind = 'refuse' | 'resource' | 'trim' | 'trimmed' | 'evict' | 'close' | 'dead' | 'recycle' | 'upgrade' | 'ban' | 'unban' |
  'discourage' | 'protect' | 'unprotect' | 'realm' | 'realm-limit' | 'dial' | 'watermark' | 'reachability'

/**
 * What was decided, when, about whom, and why. Plain data, that can be turned to JSON.
 */
export interface Decision {
  /**
   * In ms since the epoch
   */
  readonly time: number
  readonly kind: DecisionKind

  /**
   * The id of the peer that it is about, if it is known
   */
  readonly peer?: string

  /**
   * The address that it is about
   */
  readonly address?: string
  readonly reason: string

  /**
   * What the decision was based on, e.g. the `scope`, how much of it was in use
   * (`current`) and its `limit`
   */
  readonly details: DecisionDetails
}

/**
 * What a decision was based on, by name. Durations are in ms.
 */
export type DecisionDetails = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * Which decisions are asked for
 */
export interface DecisionFilter {
  /**
   * Those that were made at this time or later, in ms since the epoch
   */
  since?: number

  /**
   * Those about this peer
   */
  peer?: PeerId | string

  /**
   * Those of this kind, or these kinds
   */
  kind?: DecisionKind | readonly DecisionKind[]

  /**
   * No more than so many, the last ones
   *
   * @default Infinity
   */
  limit?: number
}

/**
 * A decision as it is noted
 */
export interface NotedDecision {
  readonly peer?: PeerId | string
  readonly address?: Multiaddr
  readonly reason: string
  readonly details?: DecisionDetails
}

/**
 * A peer id and an address may be views of the whole buffer that they were received in,
 * often 64 KB, so neither of them is kept
 */
interface Entry extends Omit<NotedDecision, 'peer' | 'address'> {
  readonly peer?: string

  /**
   * What the address is made of, without bytes. Most decisions are never asked for, so
   * it is not written out before.
   */
  readonly address?: Component[]
  readonly time: number
  readonly order: number
  readonly kind: DecisionKind
}

/**
 * How many decisions of each kind are kept, the last ones. Each kind has room of its
 * own, so that whoever is refused again and again does not push out all else.
 */
export const MAX_DECISIONS_PER_KIND = 500

/**
 * The last decisions of the connection manager
 */
export class DecisionLog {
  readonly #clock: Pick<Clock, 'now'>

  /**
   * How many decisions of each kind are kept
   */
  readonly capacity: number
  private readonly parts = new Map<string, { entries: Entry[], noted: number }>()
  #order = 0

  constructor (clock: Pick<Clock, 'now'>, capacity = MAX_DECISIONS_PER_KIND) {
    this.#clock = clock
    this.capacity = capacity
  }

  /**
   * Takes the same time however many there are. Some of one kind may have a part of the
   * log for themselves.
   */
  add (kind: DecisionKind, { peer, address, reason, details }: NotedDecision, part: string = kind): void {
    let log = this.parts.get(part)

    if (log == null) {
      log = { entries: [], noted: 0 }
      this.parts.set(part, log)
    }

    log.entries[log.noted++ % this.capacity] = { kind, peer: peer == null ? undefined : textOf(peer), address: address?.getComponents().map(({ code, name, value }) => ({ code, name, value })), reason, details, time: this.#clock.now(), order: this.#order++ }
  }

  /**
   * The decisions that were asked for, in the order in which they were made
   *
   * @throws {InvalidOptionError} if `since` or `limit` is not a number
   */
  list (filter: DecisionFilter = {}): Decision[] {
    const { since = -Infinity, limit = Infinity } = filter
    const peer = filter.peer == null ? undefined : textOf(filter.peer)
    const kinds = filter.kind == null ? undefined : [filter.kind].flat()
    assertNumber('since', since)
    assertNumber('limit', limit)

    const entries = [...this.parts.values()].flatMap(({ entries }) => entries)
      .filter(entry => entry.time >= since && (kinds?.includes(entry.kind) ?? true) && (peer == null || peerOf(entry) === peer))
      .sort((a, b) => a.order - b.order)

    return entries.slice(Math.max(0, entries.length - Math.max(0, limit))).map(render)
  }
}

function render (entry: Entry): Decision {
  const { time, kind, address, reason, details = {} } = entry
  const peer = peerOf(entry)

  return {
    time,
    kind,
    ...(peer == null ? {} : { peer }),
    ...(address == null ? {} : { address: multiaddr(address).toString() }),
    reason,
    details: Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
  }
}

/**
 * An address may tell the peer as well
 */
function peerOf ({ peer, address }: Entry): string | undefined {
  return peer ?? address?.findLast(({ code }) => code === CODE_P2P)?.value
}

function textOf (peer: unknown): string {
  return isPeerId(peer) ? peer.toString() : `${peer as string}`
}

function assertNumber (option: string, value: unknown): void {
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw new InvalidOptionError(option, value, 'a number')
  }
}
