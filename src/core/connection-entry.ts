import type { CloseReason } from './close-reason.ts'
import type { IpAddress, TransportKind } from '../addresses/index.ts'
import type { Connection, MessageStreamDirection, PeerId, StreamCloseEvent } from '@libp2p/interface'

const ONCE = { once: true }

/**
 * A connected peer and its open connections
 */
export interface PeerEntry {
  /**
   * The remote peer
   */
  readonly peerId: PeerId

  /**
   * The peer id as a string, for use as a key
   */
  readonly key: string

  /**
   * The open connections of the peer, oldest first
   */
  readonly connections: Connection[]

  /**
   * What is known about the first of these. Nearly all peers have no other, so there is
   * no list: each has the `next` one.
   */
  readonly entry: ConnectionEntry

  /**
   * When the first connection of this peer was opened, in ms since the epoch.
   * Later connections of the same peer do not change it.
   */
  readonly firstSeen: number

  /**
   * Where the peer is in the columns of the table
   */
  readonly place: number

  /**
   * What the peer is worth, as long as that does not change by itself. Noted here, as
   * a trim asks it of every peer, until the table is told to `forgetValue`.
   */
  value?: number

  /**
   * Was a connection of the peer not refused when it was open? Set by whoever decides that.
   */
  admitted: boolean

  /**
   * What is known of the tags of the peer. Whoever keeps tags sets it, and nobody else
   * looks into it.
   */
  tags: object | undefined

  /**
   * The connection that streams to the peer were opened on last
   */
  selected: Connection | undefined
}

/**
 * What the application does with one connection
 */
export interface Use {
  streams: number

  /**
   * Since when there is no application stream, in ms since the epoch
   */
  idleSince: number

  /**
   * When the last one was opened, in ms since the epoch. 0 if there was none.
   */
  lastUsed: number
}

/**
 * What an address says of where a connection comes from
 */
export interface ConnectionSource {
  readonly group: string
  readonly ip: IpAddress | undefined
  readonly transport: TransportKind
}

/**
 * What a connection that is closed is reported to
 */
export interface OnEntryClose {
  (entry: ConnectionEntry, event: Pick<StreamCloseEvent, 'error'>): void
}

/**
 * What is known about one open connection. Features declare what they keep of it as fields,
 * where they use them, and have them initialised with {@link entryFields}, so that all
 * entries have one shape.
 */
export class ConnectionEntry {
  readonly connection: Connection
  readonly peer: PeerEntry

  /**
   * The direction at the time of opening
   */
  readonly direction: MessageStreamDirection

  /**
   * When the table learned of it, in ms since the epoch
   */
  readonly openedAt: number

  /**
   * What is known about the next connection of the peer
   */
  next: ConnectionEntry | undefined = undefined

  /**
   * Why it is being closed
   */
  closeReason: CloseReason | undefined = undefined

  /**
   * More about that, e.g. the range that was banned
   */
  closeCause: string | undefined = undefined

  /**
   * What the application does with it. `undefined` until it has opened a stream.
   */
  use: Use | undefined = undefined

  /**
   * Has it lost its place to another one? Then it is closed next.
   */
  isLeaving = false

  /**
   * Was it dialled although there was one? Then it is left alone.
   */
  isForced = false

  /**
   * Was a node dialled back on it, to find out whether it can be? Then it is closed soon,
   * and is no path to the peer.
   */
  isDialBack = false

  /**
   * Until when it may be used although another one has taken its place, in ms since the
   * epoch. `undefined` if none has.
   */
  drainUntil: number | undefined = undefined

  /**
   * Where it comes from or leads to, once that was asked for
   */
  source: ConnectionSource | undefined = undefined

  /**
   * What whoever reserves something for the connection has to give back. Nobody else
   * looks into it.
   */
  taken: object | undefined = undefined

  /**
   * Called when the connection is closed, once {@link listen} was
   */
  onClose: OnEntryClose | undefined = undefined

  constructor (connection: Connection, peer: PeerEntry, now: number) {
    this.connection = connection
    this.peer = peer
    this.direction = connection.direction
    this.openedAt = now

    for (let i = 0; i < initialisers.length; i++) {
      initialisers[i](this)
    }
  }

  /**
   * Call `onClose` when the connection is closed. What connections inherit from keeps
   * another four objects for each listener, so that it can be taken away, which would
   * take longer than all that is done then. So the listener is given to what that
   * inherits from.
   */
  listen (): void {
    const connection: Connection | EventTarget = this.connection
    // a bound function takes half of what an arrow function does
    const listener: (event: Event) => void = this.closed.bind(this)

    if (connection instanceof EventTarget) {
      EventTarget.prototype.addEventListener.call(connection, 'close', listener, ONCE)
    } else {
      this.connection.addEventListener('close', listener, ONCE)
    }
  }

  private closed (event: Event): void {
    // a close event is the only one of this name
    this.onClose?.(this, event as StreamCloseEvent)
  }
}

const initialisers: Array<(entry: ConnectionEntry) => void> = []

/**
 * To be called by the module that declares fields of the entry, when it is loaded: what
 * every entry begins with in them
 */
export function entryFields (initialise: (entry: ConnectionEntry) => void): void {
  initialisers.push(initialise)
}

/**
 * What is known about each open connection of a peer, oldest first
 */
export function entriesOf (peer: PeerEntry): ConnectionEntry[] {
  const entries: ConnectionEntry[] = []

  for (let entry: ConnectionEntry | undefined = peer.entry; entry != null; entry = entry.next) {
    entries.push(entry)
  }

  return entries
}
