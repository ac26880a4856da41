import { ConnectionEntry } from './connection-entry.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * More than so many are not looked through
 */
const MAX_RECENT = 8

const NOTHING = (): void => {}

/**
 * The connections that are on their way to be open. A connection shares the timeline of the
 * socket that it was made of, and a transport hands the signal of a dial to the upgrader: so
 * each connection finds its record.
 */
export class PendingConnections {
  /**
   * Accepted and not upgraded yet: those of which nobody would notice that they close.
   * Nearly always there is one, or few.
   */
  readonly #recent: ConnectionEntry[] = []

  /**
   * The others that were accepted, by timeline
   */
  readonly #watched = new Map<object, ConnectionEntry>()

  /**
   * Those that were not accepted and are being upgraded, by timeline
   */
  readonly #upgrading = new Map<object, ConnectionEntry>()

  /**
   * The addresses that are being dialled, by the signal that their transport was given
   */
  readonly #dials = new Map<AbortSignal, ConnectionEntry>()

  /**
   * How many upgrades of those that were accepted have not ended yet
   */
  #acceptedUpgrades = 0

  readonly #giveBack: (entry: ConnectionEntry) => void

  /**
   * @param giveBack - has a connection give back what was taken for it
   */
  constructor (giveBack: (entry: ConnectionEntry) => void) {
    this.#giveBack = giveBack
  }

  /**
   * The record of the connection that a socket is to become, or has just become
   */
  get (timeline: object): ConnectionEntry | undefined {
    for (let i = 0; i < this.#recent.length; i++) {
      if (this.#recent[i].socket?.timeline === timeline) {
        return this.#recent[i]
      }
    }

    return this.#watched.get(timeline) ?? this.#upgrading.get(timeline)
  }

  /**
   * The connection is open. Returns its record, unless there was none, or it has given way to
   * others before.
   */
  take (timeline: object): ConnectionEntry | undefined {
    const entry = this.get(timeline)

    if (entry == null) {
      return
    }

    this.#delete(entry)

    return entry.isPending ? entry : undefined
  }

  /**
   * A socket was accepted, and is upgraded next
   */
  accepted (entry: ConnectionEntry): void {
    this.#acceptedUpgrades++
    this.#recent.push(entry)

    if (this.#recent.length > MAX_RECENT) {
      this.#watchRecent()
    }
  }

  /**
   * One of these upgrades has ended, nobody says which. Those that have succeeded are known.
   * When none is under way, what is still pending has failed; otherwise those that have
   * failed are closed already or about to be.
   */
  acceptedUpgradeEnded (): void {
    this.#acceptedUpgrades = Math.max(0, this.#acceptedUpgrades - 1)

    if (this.#acceptedUpgrades > 0) {
      this.#watchRecent()
      return
    }

    // the array is used again, as it is filled and emptied for every connection that knocks
    for (let entry = this.#recent.pop(); entry != null; entry = this.#recent.pop()) {
      this.#end(entry)
    }

    if (this.#watched.size > 0) {
      this.#watched.forEach(entry => { this.#end(entry) })
      this.#watched.clear()
    }
  }

  /**
   * An address is dialled. Returns a function that is to be called when the attempt has
   * ended: what the connection has taken, if there is one by then, it keeps.
   */
  dialled (entry: ConnectionEntry, signal: AbortSignal): () => void {
    this.#dials.set(signal, entry)

    return () => {
      if (this.#dials.get(signal) === entry) {
        this.#dials.delete(signal)
      }

      this.#end(entry)
    }
  }

  /**
   * The addresses that are being dialled
   */
  dials (): Iterable<ConnectionEntry> {
    return this.#dials.values()
  }

  /**
   * A socket is upgraded to a connection. Returns a function that is to be called when that
   * has ended.
   *
   * @param socket - becomes a connection
   * @param dialled - was it dialled by us?
   * @param signal - was given to the transport that has dialled it
   */
  upgrade (socket: MultiaddrConnection, dialled: boolean, signal?: AbortSignal): () => void {
    const { timeline } = socket

    if (this.get(timeline) != null) {
      return NOTHING
    }

    const dial = signal == null ? undefined : this.#dials.get(signal)
    const entry = dial != null && dial.socket == null ? dial : new ConnectionEntry(dialled ? 'dialling' : 'accepted', socket.remoteAddr, dialled)
    entry.socket = socket
    this.#upgrading.set(timeline, entry)

    return () => {
      if (this.#upgrading.get(timeline) === entry) {
        this.#upgrading.delete(timeline)
      }
    }
  }

  /**
   * Those that were accepted
   */
  * [Symbol.iterator] (): IterableIterator<ConnectionEntry> {
    yield * this.#recent
    yield * this.#watched.values()
  }

  #end (entry: ConnectionEntry): void {
    if (entry.isPending) {
      entry.phase = 'closed'
      this.#giveBack(entry)
    }
  }

  /**
   * Returns `false` if the connection is not pending any more
   */
  #delete (entry: ConnectionEntry): boolean {
    const index = this.#recent.indexOf(entry)

    if (index !== -1) {
      this.#recent.splice(index, 1)

      return true
    }

    const timeline = entry.socket?.timeline

    return timeline != null && [this.#watched, this.#upgrading].some(map => map.get(timeline) === entry && map.delete(timeline))
  }

  #watchRecent (): void {
    for (const entry of this.#recent.splice(0)) {
      const { socket } = entry

      if (socket == null || hasEnded(socket)) {
        this.#end(entry)
        continue
      }

      this.#watched.set(socket.timeline, entry)
      socket.addEventListener('close', () => {
        if (this.#delete(entry)) {
          this.#end(entry)
        }
      }, { once: true })
    }
  }
}

/**
 * The remote may hang up before it is accepted
 */
function hasEnded ({ status }: MultiaddrConnection): boolean {
  return status === 'closed' || status === 'aborted' || status === 'reset'
}
