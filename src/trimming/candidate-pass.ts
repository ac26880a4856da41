import { visitCandidates } from './candidates.ts'
import { noteValue } from './note-value.ts'
import type { CandidateRules, GracePeriod, KeptConnections, CandidateSink } from './candidates.ts'
import type { ConnectionTable, PeerColumns, PeerEntry } from '../core/index.ts'

/**
 * The open connections that are counted and compared
 */
export type TrimTable = Pick<ConnectionTable, 'size' | 'allPeers' | 'get'> & Partial<Pick<ConnectionTable, 'columns'>>

/**
 * So many places are visited in one step, fewer if there is more to ask about a peer
 */
const STEP = 32

/**
 * A pass over all connected peers that visits each connection that may be closed, in
 * steps between which the event loop can have a turn.
 *
 * Most peers have one connection, are not protected and are worth what they were worth
 * the last time. That is noted in the columns of the table, and nothing else is read of
 * them but whether the connection is still open.
 */
export class CandidatePass {
  readonly #columns?: PeerColumns
  readonly #others: IterableIterator<PeerEntry>
  readonly #rules: CandidateRules
  readonly #grace: GracePeriod
  readonly #kept: KeptConnections
  readonly #sink: CandidateSink
  readonly #canNote: boolean
  #place = 0

  /**
   * Whoever comes later is not visited, or there might be no end
   */
  readonly #end: number

  /**
   * @param table - without columns its peers are asked for everything
   * @param rules - what is asked of each peer
   * @param grace - the grace period as of now
   * @param kept - counts what may not be closed
   * @param sink - gets every other connection
   * @param canNote - `false` if the rules take peers for unprotected that are not
   */
  constructor (table: TrimTable, rules: CandidateRules, grace: GracePeriod, kept: KeptConnections, sink: CandidateSink, canNote: boolean) {
    this.#columns = table.columns
    this.#others = table.columns == null ? table.allPeers() : [].values()
    this.#rules = rules
    this.#grace = grace
    this.#kept = kept
    this.#sink = sink
    this.#canNote = canNote
    this.#end = table.columns?.length ?? 0
  }

  /**
   * Returns `false` when all were visited
   */
  next (): boolean {
    const columns = this.#columns
    const place = this.#place

    if (columns == null) {
      return this.#nextOther()
    }

    this.#place = this.#visitPlaces(columns, place, Math.min(this.#end, place + STEP))

    return this.#place < this.#end
  }

  #nextOther (): boolean {
    const { done, value } = this.#others.next()

    if (done !== true) {
      this.#visit(value)
    }

    return done !== true
  }

  /**
   * Visits the peers that have something to ask about one by one, and others as many
   * as there are next to each other. Returns where to go on.
   */
  #visitPlaces (columns: PeerColumns, from: number, to: number): number {
    const { entries, peers } = columns
    let end = from

    while (end < to && entries[end] != null) {
      end++
    }

    if (end > from) {
      this.#visitNoted(columns, from, end)

      return end
    }

    const peer = peers[from]

    if (peer != null) {
      this.#visit(peer)
    }

    return from + 1
  }

  #visitNoted ({ connections, entries, firstSeen, values }: PeerColumns, from: number, to: number): void {
    const grace = this.#grace
    const kept = this.#kept
    const sink = this.#sink
    const closing = closingAmong(connections, from, to)

    for (let place = from; place < to; place++) {
      const entry = entries[place]

      if (closing?.has(place) === true) {
        kept.closing++
      } else if (entry != null && !grace.keeps(firstSeen[place], kept)) {
        sink.add(entry, values[place], false)
      }
    }
  }

  #visit (peer: PeerEntry): void {
    visitCandidates(peer, this.#rules, this.#grace, this.#kept, this.#sink)

    if (this.#canNote && this.#columns != null) {
      noteValue(peer, this.#columns, this.#rules)
    }
  }
}

/**
 * The places of connections that are being closed. The connections are all over the
 * memory: read in a loop that does nothing else, several are fetched at once.
 */
function closingAmong (connections: PeerColumns['connections'], from: number, to: number): Set<number> | undefined {
  let closing: Set<number> | undefined

  for (let place = from; place < to; place++) {
    if (connections[place]?.status !== 'open') {
      closing ??= new Set()
      closing.add(place)
    }
  }

  return closing
}
