import { entriesOf } from '../core/index.ts'
import type { RealmShares } from './fair-selection.ts'
import type { TrimRecord } from './select.ts'
import type { OpenEntry, PeerEntry } from '../core/index.ts'
import type { Connection, PeerId } from '@libp2p/interface'

/**
 * An open connection that may be closed to make room
 */
export interface TrimCandidate extends TrimRecord {
  readonly peerId: PeerId
  readonly connection: Connection
}

/**
 * What is asked of the rest of the manager to find the candidates
 */
export interface CandidateRules {
  /**
   * What a peer is worth
   */
  value(peer: PeerEntry): number

  /**
   * The best of some open connections of a peer, the one that streams to it are opened
   * on if it is among them
   */
  best(peer: PeerEntry, among: readonly Connection[]): Connection | undefined

  /**
   * How many streams the application has open on a connection
   */
  streams(connection: Connection): number

  /**
   * Is the peer exempt from trimming?
   */
  isProtected(peer: PeerEntry): boolean

  /**
   * Is nobody on the allow list and has no realm a grace period of its own, so that of a
   * peer that is not protected only the value has to be known?
   *
   * @default no
   */
  isPlain?(): boolean

  /**
   * Is the address of the connection on the allow list?
   */
  isAllowListed(connection: Connection): boolean

  /**
   * For how many ms a peer is not closed after it has connected
   *
   * @default the grace period of the manager
   */
  gracePeriodOf?(peer: PeerEntry): number | undefined

  /**
   * The realm under which the connections of a peer count
   *
   * @default none
   */
  realmOf?(peer: PeerEntry): string | undefined

  /**
   * How connections are spread over the realms. `undefined` if there are none.
   */
  shares?(): RealmShares | undefined

  /**
   * The connections that go after others of equal value
   *
   * @default none
   */
  spared?(): ReadonlySet<Connection> | undefined
}

/**
 * How many connections may not be closed, and why
 */
export interface KeptConnections {
  protected: number
  inGrace: number
  allowListed: number

  /**
   * Connections that are being closed already
   */
  closing: number

  /**
   * In how many ms the first of the connections that are in their grace period
   * will have left it. `Infinity` if there is none.
   */
  graceRemaining: number
}

export function noneKept (): KeptConnections {
  return { protected: 0, inGrace: 0, allowListed: 0, closing: 0, graceRemaining: Infinity }
}

/**
 * What takes the connections that may be closed. An object, not a function: what is
 * compiled for a function is dropped when the function is collected, and a pass is made
 * again only minutes later.
 */
export interface CandidateSink {
  /**
   * @param entry - the connection
   * @param value - what its peer is worth
   * @param duplicate - does the peer have a better one?
   */
  add(entry: OpenEntry, value: number, duplicate: boolean): void
}

/**
 * Passes the connections of one peer that may be closed to `sink`, with what the
 * peer is worth and whether it has a better one, and counts those that may not.
 *
 * The grace period of a peer runs from its first connection, so that opening
 * another one now and then does not extend it. A duplicate has one of its own:
 * it may have been opened to replace the other.
 */
export function visitCandidates (peer: PeerEntry, rules: CandidateRules, grace: GracePeriod, kept: KeptConnections, sink: CandidateSink): void {
  const open = openConnections(peer)
  kept.closing += peer.connections.length - open.length

  if (open.length === 0) {
    return
  }

  if (rules.isProtected(peer)) {
    kept.protected += open.length
    return
  }

  const period = rules.gracePeriodOf?.(peer)

  if (grace.keeps(peer.firstSeen, kept, period, open.length)) {
    return
  }

  const best = open.length === 1 ? open[0].connection : bestSettled(peer, open, rules, grace, period)
  const value = rules.value(peer)

  for (const entry of open) {
    const { connection } = entry
    const duplicate = connection !== best

    if (duplicate && grace.keeps(entry.openedAt, kept, period)) {
      continue
    }

    if (rules.isAllowListed(connection)) {
      kept.allowListed++
    } else {
      sink.add(entry, value, duplicate)
    }
  }
}

/**
 * A connection that is new does not make those before it expendable, whatever is
 * going on on it
 */
function bestSettled (peer: PeerEntry, open: readonly OpenEntry[], rules: CandidateRules, grace: GracePeriod, period?: number): Connection | undefined {
  const settled = open.filter(({ openedAt }) => grace.remaining(openedAt, period) === 0)

  return rules.best(peer, (settled.length > 0 ? settled : open).map(({ connection }) => connection))
}

function openConnections (peer: PeerEntry): readonly OpenEntry[] {
  const { entry } = peer

  // nearly all peers have no other
  if (entry.next == null) {
    return isOpen(entry) ? [entry] : []
  }

  return entriesOf(peer).filter(isOpen)
}

function isOpen ({ connection }: OpenEntry): boolean {
  return connection.status === 'open'
}

/**
 * The grace period as of a moment
 */
export class GracePeriod {
  readonly #period: number
  readonly #now: number

  constructor (period: number, now: number) {
    this.#period = period
    this.#now = now
  }

  /**
   * How many ms are left of the grace period that began at a time. A time that is
   * yet to come was noted before the clock was set back, nobody knows when.
   */
  remaining (since: number, period = this.#period): number {
    return since > this.#now ? 0 : Math.max(0, since + period - this.#now)
  }

  /**
   * Counts `count` connections as kept, if the grace period that began at a time is not
   * over
   */
  keeps (since: number, kept: KeptConnections, period = this.#period, count = 1): boolean {
    const remaining = this.remaining(since, period)

    if (remaining === 0) {
      return false
    }

    kept.inGrace += count
    kept.graceRemaining = Math.min(kept.graceRemaining, remaining)

    return true
  }
}

/**
 * What the choice of victims looks at
 */
export function toCandidate (entry: OpenEntry, value: number, duplicate: boolean, rules: Pick<CandidateRules, 'streams'>, spared?: ReadonlySet<Connection>): TrimCandidate {
  const { connection, peer } = entry

  return {
    id: `${peer.key}/${connection.id}`,
    peerId: peer.peerId,
    connection,
    value,
    duplicate,
    streams: rules.streams(connection),
    direction: entry.direction,
    openedAt: entry.openedAt,
    spared: spared?.has(connection) === true
  }
}
