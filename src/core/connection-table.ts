import { PeerMap } from '@libp2p/peer-collections'
import { ConnectionEntry, entriesOf } from './connection-entry.ts'
import { PeerColumns } from './peer-columns.ts'
import type { OpenEntry, PeerEntry } from './connection-entry.ts'
import type { Connection, PeerId } from '@libp2p/interface'

/**
 * What counts as being connected
 */
export interface ConnectedOptions {
  /**
   * Does a connection over a relay that limits it count, too?
   *
   * @default false
   */
  limited?: boolean
}

class PeerRecord implements PeerEntry {
  readonly peerId: PeerId
  readonly key: string
  readonly connections: Connection[]
  readonly firstSeen: number
  entry: OpenEntry
  place = 0
  value: number | undefined = undefined
  tags: object | undefined = undefined
  admitted = false
  selected: Connection | undefined = undefined

  constructor (connection: Connection, key: string, now: number, pending?: ConnectionEntry) {
    this.peerId = connection.remotePeer
    this.key = key
    // with room for one, as nearly all peers have no more
    this.connections = [connection]
    this.firstSeen = now
    this.entry = entryFor(connection, pending).opened(connection, this, now)
  }
}

/**
 * All open connections, by peer, with their counters. Adding, removing and
 * counting take the same time however many connections are open.
 */
export class ConnectionTable {
  /**
   * The connections of each peer. A genuine, live `PeerMap`: projects reach into
   * its private `map`.
   */
  readonly byPeer = new PeerMap<Connection[]>()

  /**
   * What a trim reads of every peer
   */
  columns = new PeerColumns()

  readonly #peers = new Map<string, PeerRecord>()
  #count = 0
  #inboundCount = 0
  #leavingCount = 0

  /**
   * How many connections are open
   */
  get size (): number {
    return this.#count
  }

  /**
   * How many peers have at least one open connection
   */
  get peerCount (): number {
    return this.#peers.size
  }

  /**
   * How many of the open connections were opened by the remote
   */
  get inbound (): number {
    return this.#inboundCount
  }

  /**
   * How many of the open connections were opened by us
   */
  get outbound (): number {
    return this.#count - this.#inboundCount
  }

  /**
   * Returns the record of the connection, which may be the only one of its peer, or
   * `undefined` if it is in the table already
   *
   * @param connection - is open
   * @param now - the time, in ms since the epoch
   * @param pending - its record, if there is one from when it was accepted or dialled
   */
  add (connection: Connection, now: number, pending?: ConnectionEntry): OpenEntry | undefined {
    const key = connection.remotePeer.toString()
    const known = this.#peers.get(key)

    if (known?.connections.includes(connection) === true) {
      return
    }

    const entry = known == null ? this.#addPeer(connection, key, now, pending) : this.#addTo(known, entryFor(connection, pending).opened(connection, known, now))
    this.#count++

    if (entry.direction === 'inbound') {
      this.#inboundCount++
    }

    return entry
  }

  /**
   * Returns the record of the connection, whose peer may have none left, or `undefined`
   * if it is not in the table
   */
  remove (connection: Connection): OpenEntry | undefined {
    const peer = this.#peers.get(connection.remotePeer.toString())
    const entry = peer == null ? undefined : findEntry(peer, connection)

    if (peer == null || entry == null) {
      return
    }

    this.setLeaving(entry, false)
    entry.phase = 'closed'
    this.#count--

    if (entry.direction === 'inbound') {
      this.#inboundCount--
    }

    peer.connections.splice(peer.connections.indexOf(connection), 1)

    if (peer.connections.length === 0) {
      this.#peers.delete(peer.key)
      this.byPeer.delete(peer.peerId)
      this.columns.remove(peer.place)
    } else {
      unlink(peer, entry)
      this.columns.forget(peer.place)
    }

    return entry
  }

  /**
   * How many of the open connections have lost their place, and are closed next
   */
  get leaving (): number {
    return this.#leavingCount
  }

  /**
   * A connection in the table has lost its place, or is open all the same
   */
  setLeaving (entry: OpenEntry, isLeaving: boolean): void {
    if (entry.isLeaving !== isLeaving) {
      entry.phase = isLeaving ? 'leaving' : 'open'
      this.#leavingCount += isLeaving ? 1 : -1
    }
  }

  /**
   * The record of an open connection
   */
  get (connection: Connection): OpenEntry | undefined {
    const peer = this.#peers.get(connection.remotePeer.toString())

    return peer == null ? undefined : findEntry(peer, connection)
  }

  /**
   * The record of a connected peer, by its id or the text of it
   */
  getPeer (peerId: PeerId | string): PeerEntry | undefined {
    return this.#peers.get(peerId.toString())
  }

  /**
   * Is there an open connection to the peer? One over a relay that limits it does not
   * count, as hardly anything can be done with it, unless `limited` is asked for.
   */
  isConnected (peerId: PeerId, { limited = false }: ConnectedOptions = {}): boolean {
    return this.getPeer(peerId)?.connections.some(({ limits, status }) => status === 'open' && (limited || limits == null)) ?? false
  }

  /**
   * What was noted about a connected peer may not be so any more
   */
  forgetValue (peer: PeerEntry): void {
    peer.value = undefined
    this.columns.forget(peer.place)
  }

  /**
   * Every connected peer, in the order in which they connected
   */
  allPeers (): IterableIterator<PeerEntry> {
    return this.#peers.values()
  }

  /**
   * Every open connection, in the order in which their peers connected
   */
  allConnections (): Connection[] {
    const all: Connection[] = []

    for (const { connections } of this.#peers.values()) {
      all.push(...connections)
    }

    return all
  }

  /**
   * What is known of every open connection, in the same order
   */
  * allEntries (): IterableIterator<OpenEntry> {
    for (const peer of this.#peers.values()) {
      for (let entry: OpenEntry | undefined = peer.entry; entry != null; entry = entry.next) {
        yield entry
      }
    }
  }

  /**
   * Forget everything, e.g. after all connections were closed
   */
  clear (): void {
    this.#peers.clear()
    this.#count = 0
    this.byPeer.clear()
    this.columns = new PeerColumns()
    this.#inboundCount = 0
    this.#leavingCount = 0
  }

  #addPeer (connection: Connection, key: string, now: number, pending?: ConnectionEntry): OpenEntry {
    const peer = new PeerRecord(connection, key, now, pending)
    peer.place = this.columns.add(peer)
    this.#peers.set(key, peer)
    this.byPeer.set(connection.remotePeer, peer.connections)

    return peer.entry
  }

  #addTo (peer: PeerRecord, entry: OpenEntry): OpenEntry {
    let last = peer.entry

    while (last.next != null) {
      last = last.next
    }

    last.next = entry
    peer.connections.push(entry.connection)
    this.columns.forget(peer.place)

    return entry
  }
}

function entryFor (connection: Connection, pending?: ConnectionEntry): ConnectionEntry {
  return pending ?? new ConnectionEntry('accepted', connection.remoteAddr, connection.direction === 'outbound')
}

function findEntry (peer: PeerEntry, connection: Connection): OpenEntry | undefined {
  let entry: OpenEntry | undefined = peer.entry

  // nearly all peers have one, or few
  while (entry != null && entry.connection !== connection) {
    entry = entry.next
  }

  return entry
}

function unlink (peer: PeerRecord, entry: OpenEntry): void {
  const before = entriesOf(peer).find(({ next }) => next === entry)

  if (before == null) {
    peer.entry = entry.next ?? entry
  } else {
    before.next = entry.next
  }
}
