import type { OpenEntry, PeerEntry } from './connection-entry.ts'
import type { Connection } from '@libp2p/interface'

const MIN_CAPACITY = 64

/**
 * What a trim reads of every connected peer, side by side: going through the records
 * themselves, which are all over the memory, takes several times as long.
 *
 * A peer keeps its place for as long as it is connected, so that a pass that gives the
 * event loop turns in between sees nobody twice.
 */
export class PeerColumns {
  /**
   * By place. A free one is `undefined`.
   */
  readonly peers: Array<PeerEntry | undefined> = []

  /**
   * The only connections of the peers whose value is noted
   */
  readonly entries: Array<OpenEntry | undefined> = []
  readonly connections: Array<Connection | undefined> = []

  /**
   * What a peer is worth that has one connection and about which there is nothing else
   * to ask. `NaN` for all others.
   */
  values = new Float64Array(MIN_CAPACITY).fill(NaN)

  /**
   * When the peer has connected, in ms since the epoch
   */
  firstSeen = new Float64Array(MIN_CAPACITY)

  readonly #free: number[] = []

  /**
   * How many places there are, free ones among them
   */
  get length (): number {
    return this.peers.length
  }

  add (peer: PeerEntry): number {
    const place = this.#free.pop() ?? this.#append()
    this.peers[place] = peer
    this.firstSeen[place] = peer.firstSeen

    return place
  }

  remove (place: number): void {
    this.forget(place)
    this.peers[place] = undefined
    this.#free.push(place)
  }

  /**
   * There is nothing to ask about the peer but its value, until somebody calls
   * {@link forget}
   */
  note (place: number, entry: OpenEntry, value: number): void {
    this.entries[place] = entry
    this.connections[place] = entry.connection
    this.values[place] = value
  }

  forget (place: number): void {
    this.entries[place] = undefined
    this.connections[place] = undefined
    this.values[place] = NaN
  }

  #append (): number {
    const place = this.peers.push(undefined) - 1
    this.entries.push(undefined)
    this.connections.push(undefined)

    if (place === this.values.length) {
      this.values = grown(this.values)
      this.firstSeen = grown(this.firstSeen)
    }

    return place
  }
}

function grown (column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const result = new Float64Array(column.length * 2).fill(NaN)
  result.set(column)

  return result
}
