import { PeerMap } from '@libp2p/peer-collections'
import { ConnectionEntry } from './connection-entry.ts'
import { PeerColumns } from './peer-columns.ts'
import type { PeerEntry } from './connection-entry.ts'
import type { Connection, PeerId } from '@libp2p/interface'

type PeerRecord = PeerEntry & { place: number, entries: ConnectionEntry[] }

/**
 * Returned when a connection was added
 */
export interface AddedConnection {
  readonly entry: ConnectionEntry

  /**
   * `true` if it is the first connection of its peer
   */
  readonly firstOfPeer: boolean
}

/**
 * Returned when a connection was removed
 */
export interface RemovedConnection {
  readonly entry: ConnectionEntry

  /**
   * `true` if the peer has no connection left
   */
  readonly lastOfPeer: boolean
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
  readonly columns = new PeerColumns()

  private readonly peers = new Map<string, PeerRecord>()
  private count = 0
  private inboundCount = 0

  /**
   * How many connections are open
   */
  get size (): number {
    return this.count
  }

  /**
   * How many peers have at least one open connection
   */
  get peerCount (): number {
    return this.peers.size
  }

  /**
   * How many of the open connections were opened by the remote
   */
  get inbound (): number {
    return this.inboundCount
  }

  /**
   * How many of the open connections were opened by us
   */
  get outbound (): number {
    return this.count - this.inboundCount
  }

  /**
   * Returns `undefined` if the connection is in the table already
   */
  add (connection: Connection, now: number): AddedConnection | undefined {
    const key = connection.remotePeer.toString()
    let peer: PeerRecord | undefined = this.peers.get(key)
    const firstOfPeer = peer == null

    if (peer?.connections.includes(connection) === true) {
      return
    }

    if (peer == null) {
      // with room for one, as nearly all peers have no more
      peer = { peerId: connection.remotePeer, key, connections: [connection], entries: [], firstSeen: now, place: 0, value: undefined }
      peer.place = this.columns.add(peer)
      this.peers.set(key, peer)
      this.byPeer.set(connection.remotePeer, peer.connections)
    }

    const entry = new ConnectionEntry(connection, peer, now)

    if (firstOfPeer) {
      peer.entries = [entry]
    } else {
      peer.connections.push(connection)
      peer.entries.push(entry)
    }

    this.columns.forget(peer.place)
    this.count++

    if (entry.direction === 'inbound') {
      this.inboundCount++
    }

    return { entry, firstOfPeer }
  }

  /**
   * Returns `undefined` if the connection is not in the table
   */
  remove (connection: Connection): RemovedConnection | undefined {
    const peer = this.peers.get(connection.remotePeer.toString())
    const index = peer?.connections.indexOf(connection) ?? -1

    if (peer == null || index === -1) {
      return
    }

    const entry = peer.entries[index]
    this.count--

    if (entry.direction === 'inbound') {
      this.inboundCount--
    }

    removeAt(peer.connections, index)
    removeAt(peer.entries, index)

    const lastOfPeer = peer.connections.length === 0

    if (lastOfPeer) {
      this.peers.delete(peer.key)
      this.byPeer.delete(peer.peerId)
      this.columns.remove(peer.place)
    } else {
      this.columns.forget(peer.place)
    }

    return { entry, lastOfPeer }
  }

  /**
   * The record of an open connection
   */
  get (connection: Connection): ConnectionEntry | undefined {
    const peer = this.peers.get(connection.remotePeer.toString())

    // nearly all peers have one, or few
    return peer?.entries[peer.connections.indexOf(connection)]
  }

  /**
   * The record of a connected peer, by its id or the text of it
   */
  getPeer (peerId: PeerId | string): PeerEntry | undefined {
    return this.peers.get(peerId.toString())
  }

  /**
   * What was noted about a peer, by its id as a string, may not be so any more. Returns
   * the record of the peer, if it is connected.
   */
  forgetValue (key: string): PeerEntry | undefined {
    const peer = this.peers.get(key)

    if (peer != null) {
      peer.value = undefined
      this.columns.forget(peer.place)
    }

    return peer
  }

  /**
   * Every connected peer, in the order in which they connected
   */
  allPeers (): IterableIterator<PeerEntry> {
    return this.peers.values()
  }

  /**
   * Every open connection, in the order in which their peers connected
   */
  allConnections (): Connection[] {
    const all: Connection[] = []

    for (const { connections } of this.peers.values()) {
      all.push(...connections)
    }

    return all
  }

  /**
   * Forget everything, e.g. after all connections were closed
   */
  clear (): void {
    this.peers.clear()
    this.count = 0
    this.byPeer.clear()
    this.columns.clear()
    this.inboundCount = 0
  }
}

function removeAt <T> (items: T[], index: number): void {
  if (items.length === 1) {
    items.length = 0
  } else {
    items.splice(index, 1)
  }
}
