import { originOf } from '../addresses/index.ts'
import { UndoList } from './undo-list.ts'
import type { CloseReason } from './close-reason.ts'
import type { Undo as UndoOf } from './undo-list.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Connection, MessageStreamDirection, MultiaddrConnection, PeerId, StreamCloseEvent } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const ONCE = { once: true }

/**
 * How far a connection has come
 *
 * - `accepted` an inbound socket: nothing is known of it but its address
 * - `dialling` one of our addresses that are being dialled
 * - `identified` the remote has proved who it is
 * - `open` streams can be opened
 * - `leaving` it has lost its place, has given back what it held, and is closed next
 * - `closed` nothing is left of it
 */
export type ConnectionPhase = 'accepted' | 'dialling' | 'identified' | 'open' | 'leaving' | 'closed'

// what is true of a connection or not are the bits of one number
const DIALLED = 1
const INBOUND = 2
const ALLOW_LISTED = 4
const FORCED = 8
const DIAL_BACK = 16
const FILE_DESCRIPTOR = 32

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
  readonly entry: OpenEntry

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
 * Gives back what was taken for a connection: one function for all connections
 */
export type Undo = UndoOf<ConnectionEntry>

/**
 * What an open connection that was closed is told to
 */
export interface OnEntryClose {
  (entry: OpenEntry, event: Pick<StreamCloseEvent, 'error'>): void
}

/**
 * A connection that is open, or was
 */
export interface OpenEntry extends ConnectionEntry {
  connection: Connection
  peer: PeerEntry
}

/**
 * What is known of one connection, from its socket or the beginning of its dial until it is
 * closed. There is one for each connection, and no other record of it.
 *
 * Features declare what they keep of a connection as fields of it, where they use them, and
 * have them initialised with {@link entryFields}, so that all entries have one shape.
 */
export class ConnectionEntry {
  phase: ConnectionPhase

  /**
   * The address of its socket, or the one that is dialled
   */
  readonly remoteAddr: Multiaddr

  /**
   * What the connection is made of, as soon as there is one
   */
  socket: MultiaddrConnection | undefined = undefined

  /**
   * As soon as there is one
   */
  connection: Connection | undefined = undefined

  /**
   * Once it is open
   */
  peer: PeerEntry | undefined = undefined

  /**
   * The next connection of the peer
   */
  next: OpenEntry | undefined = undefined

  /**
   * When the table learned of it, in ms since the epoch. 0 before.
   */
  openedAt = 0

  /**
   * Why it is being closed, or was
   */
  closeReason: CloseReason | undefined = undefined

  /** More about that, e.g. the range that was banned */
  closeCause: string | undefined = undefined

  /**
   * Called when the connection is closed, once {@link listen} was
   */
  onClose: OnEntryClose | undefined = undefined

  private flags: number

  /**
   * The IP address or the relay that it comes from or leads to: no connection has both.
   * `null` where there is neither, `undefined` until the address was read.
   */
  private origin: IpAddress | string | null | undefined = undefined
  private taken = NOTHING_TAKEN

  /**
   * @param phase - how far it has come
   * @param remoteAddr - the address of its socket, or the one that is dialled
   * @param dialled - was it dialled by us?
   */
  constructor (phase: ConnectionPhase, remoteAddr: Multiaddr, dialled: boolean) {
    this.phase = phase
    this.remoteAddr = remoteAddr
    this.flags = dialled ? DIALLED : INBOUND

    for (let i = 0; i < initialisers.length; i++) {
      initialisers[i](this)
    }
  }

  /**
   * The IP address that it comes from or leads to, if its address says so and it is not relayed
   */
  get ip (): IpAddress | undefined {
    const origin = this.readOrigin()

    return typeof origin === 'object' && origin !== null ? origin : undefined
  }

  /**
   * The peer id of the relay that it goes through
   */
  get relay (): string | undefined {
    const origin = this.readOrigin()

    return typeof origin === 'string' ? origin : undefined
  }

  /**
   * Does it need a file descriptor of its own?
   */
  get fileDescriptor (): boolean {
    this.readOrigin()

    return this.has(FILE_DESCRIPTOR)
  }

  /**
   * Was it dialled by us? A punched hole was, and has the direction `inbound`.
   */
  get dialled (): boolean {
    return this.has(DIALLED)
  }

  /**
   * Which end opened it, as the connection says
   */
  get direction (): MessageStreamDirection {
    return this.has(INBOUND) ? 'inbound' : 'outbound'
  }

  /**
   * Is its address on the allow list, so that the limits are lifted for it?
   */
  get isAllowListed (): boolean {
    return this.has(ALLOW_LISTED)
  }

  set isAllowListed (value: boolean) {
    this.set(ALLOW_LISTED, value)
  }

  /**
   * Was it dialled although there was one? Then it is left alone.
   */
  get isForced (): boolean {
    return this.has(FORCED)
  }

  set isForced (value: boolean) {
    this.set(FORCED, value)
  }

  /**
   * Was a node dialled back on it? Then it is closed soon, and is no path to the peer.
   */
  get isDialBack (): boolean {
    return this.has(DIAL_BACK)
  }

  set isDialBack (value: boolean) {
    this.set(DIAL_BACK, value)
  }

  /**
   * Is it on its way to be open?
   */
  get isPending (): boolean {
    return this.phase === 'accepted' || this.phase === 'dialling' || this.phase === 'identified'
  }

  /**
   * Has it lost its place to another one? Then it is closed next.
   */
  get isLeaving (): boolean {
    return this.phase === 'leaving'
  }

  /**
   * Whether it has a connection and a peer, as all have from when they are open
   */
  hasConnection (): this is OpenEntry {
    return this.connection != null && this.peer != null
  }

  /**
   * It is a connection of a peer now
   */
  opened (connection: Connection, peer: PeerEntry, now: number): OpenEntry {
    this.phase = 'open'
    this.connection = connection
    this.peer = peer
    this.openedAt = now
    this.set(INBOUND, connection.direction === 'inbound')

    if (!this.hasConnection()) {
      throw new Error('An open connection has a connection and a peer')
    }

    return this
  }

  /**
   * Something was taken for the connection, which `undo` gives back: once, after what was
   * taken later
   */
  undo (undo: Undo): void {
    this.taken = this.taken.with(undo)
  }

  /**
   * Was something taken that `undo` gives back?
   */
  hasTaken (undo: Undo): boolean {
    return this.taken.has(undo)
  }

  /**
   * It was given back before. Returns `false` if it was not taken.
   */
  forget (undo: Undo): boolean {
    const { taken } = this
    this.taken = taken.without(undo)

    return this.taken !== taken
  }

  /**
   * Gives back everything that was taken. Harmless when it was done before.
   *
   * @param onError - is told what fails
   */
  giveBack (onError: (err: unknown) => void): void {
    const { taken } = this
    this.taken = NOTHING_TAKEN
    taken.run(this, onError)
  }

  /**
   * Call `onClose` when the connection is closed. What connections inherit from keeps 270 bytes
   * for a listener, so it is given to what that inherits from.
   */
  listen (): void {
    const connection: Connection | EventTarget | undefined = this.connection
    // a bound function takes half of what an arrow function does
    const listener: (event: Event) => void = this.closed.bind(this)

    if (connection instanceof EventTarget) {
      EventTarget.prototype.addEventListener.call(connection, 'close', listener, ONCE)
    } else {
      this.connection?.addEventListener('close', listener, ONCE)
    }
  }

  private closed (event: Event): void {
    if (this.hasConnection()) {
      // a close event is the only one of this name
      this.onClose?.(this, event as StreamCloseEvent)
    }
  }

  private readOrigin (): IpAddress | string | null {
    if (this.origin === undefined) {
      const { fileDescriptor = false, ip, relay } = originOf(this.remoteAddr)
      this.origin = ip ?? relay ?? null
      this.set(FILE_DESCRIPTOR, fileDescriptor)
    }

    return this.origin
  }

  private has (flag: number): boolean {
    return (this.flags & flag) !== 0
  }

  private set (flag: number, value: boolean): void {
    this.flags = value ? this.flags | flag : this.flags & ~flag
  }
}

const NOTHING_TAKEN = new UndoList<ConnectionEntry>()

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
export function entriesOf (peer: PeerEntry): OpenEntry[] {
  const entries: OpenEntry[] = []

  for (let entry: OpenEntry | undefined = peer.entry; entry != null; entry = entry.next) {
    entries.push(entry)
  }

  return entries
}
