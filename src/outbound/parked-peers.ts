import { RecentMap } from '../recent-map.ts'
import type { Clock, Timer } from '../clock.ts'
import type { CloseReason } from '../connections/index.ts'
import type { Logger, PeerId } from '@libp2p/interface'

/**
 * Why a peer is parked
 *
 * - `trim` its connection was closed as there were too many
 * - `evict` its connection made room for a better one
 * - `refuse` it was open already when it turned out that there is no room for it
 * - `full` another connection would be more than the high watermark allows
 */
export type ParkReason = 'trim' | 'evict' | 'refuse' | 'full'

/**
 * A peer that is not dialled again before there is room
 */
export interface ParkedPeer {
  readonly reason: ParkReason

  /**
   * Since when, in ms since the epoch
   */
  readonly since: number

  /**
   * The realm that the peer counted in, which has to have room as well
   */
  readonly realm?: string
}

export interface ParkedPeersComponents {
  clock: Clock
  log: Logger

  /**
   * Are fewer connections open than the low watermark says, though `dialling` more may
   * be soon?
   */
  isBelowLowWater(dialling: number): boolean

  /**
   * The same of the high watermark
   */
  isBelowHighWater(dialling: number): boolean

  /**
   * May one more connection count in a realm, though `dialling` more may be soon?
   */
  hasPlaceInRealm(realm: string, dialling: number): boolean

  isConnected(peerId: PeerId): boolean

  /**
   * What a peer is worth: the most valuable are dialled first
   */
  valueOf(peerId: PeerId): number
}

/**
 * Somebody who dials as soon as there is room
 */
interface WaitingDial extends ParkedPeer {
  readonly peerId: PeerId
  dial(): Promise<unknown>
}

/**
 * A dial that is under way
 */
type RunningDial = Pick<ParkedPeer, 'realm'>

/**
 * Of how many peers that nobody waits to dial it is remembered that they were closed
 */
const MAX_REMEMBERED = 1_000

const FOR_ROOM: Partial<Record<CloseReason, ParkReason>> = { trim: 'trim', evict: 'evict', refuse: 'refuse' }

/**
 * The peers that have lost their connection as there were too many. Who dials without
 * being asked leaves them alone until fewer connections are open than the low watermark
 * says: they would be the first to be closed again.
 */
export class ParkedPeers {
  /**
   * Called when there may be room
   */
  onRoom: () => void = () => {}

  readonly #components: ParkedPeersComponents

  /**
   * Who was closed for the sake of others, and was not connected since
   */
  readonly #closed = new RecentMap<string, ParkedPeer>(MAX_REMEMBERED)

  /**
   * As many as there are peers with a `keep-alive` tag at most
   */
  readonly #waiting = new Map<string, WaitingDial>()
  readonly #running = new Set<RunningDial>()

  /**
   * Looks whether there is room
   */
  #timer?: Timer

  constructor (components: ParkedPeersComponents) {
    this.#components = components
  }

  /**
   * The last connection of a peer was closed
   */
  onDisconnect (peerId: PeerId, closeReason: CloseReason | undefined, realm: string | undefined): void {
    const reason = closeReason == null ? undefined : FOR_ROOM[closeReason]

    if (reason != null) {
      this.#closed.set(peerId.toString(), { reason, realm, since: this.#components.clock.now() })
    }
  }

  /**
   * The first connection of a peer was opened, by whomever
   */
  onConnect (key: string): void {
    this.#closed.delete(key)
    this.#waiting.delete(key)
  }

  /**
   * There may be room
   */
  check (): void {
    if (this.#closed.size + this.#waiting.size > 0) {
      // whoever tells so may be closing connections
      this.#timer ??= this.#components.clock.setTimeout(() => {
        this.#timer = undefined
        this.onRoom()
        this.#resume()
      }, 0)
    }
  }

  /**
   * Is a peer not to be dialled as long as nobody asks for it?
   */
  has (peerId: PeerId): boolean {
    return this.of(peerId.toString()) != null
  }

  /**
   * Why a peer is not dialled. `undefined` if it may be.
   */
  of (key: string): ParkedPeer | undefined {
    const waiting = this.#waiting.get(key)
    const closed = this.#closed.get(key)

    return waiting ?? (closed == null || this.#hasRoom(closed) ? undefined : closed)
  }

  /**
   * Dial a peer that is to be kept, now or as soon as there is room. Resolves when the
   * dial is over, or put off.
   */
  async dial (peerId: PeerId, dial: () => Promise<unknown>): Promise<void> {
    const { clock, isBelowHighWater, isConnected } = this.#components
    const key = peerId.toString()
    const closed = this.of(key)

    if (closed != null) {
      this.#waiting.set(key, { ...closed, peerId, dial })
    } else if (!isConnected(peerId) && !isBelowHighWater(this.#running.size)) {
      this.#waiting.set(key, { reason: 'full', since: clock.now(), peerId, dial })
    } else {
      await this.#run({ realm: this.#closed.get(key)?.realm }, dial)
    }
  }

  /**
   * The peer is not to be dialled any more
   */
  cancel (key: string): void {
    this.#waiting.delete(key)
  }

  /**
   * Nobody is to be dialled any more
   */
  cancelAll (): void {
    this.#waiting.clear()
  }

  /**
   * Forget everything
   */
  stop (): void {
    this.#timer?.clear()
    this.#timer = undefined
    this.#waiting.clear()
    this.#closed.clear()
  }

  #resume (): void {
    const { isBelowLowWater, log, valueOf } = this.#components

    if (this.#waiting.size === 0 || !isBelowLowWater(this.#running.size)) {
      return
    }

    const byValue = [...this.#waiting].map(([key, waiting]) => ({ key, waiting, value: valueOf(waiting.peerId) }))
      .sort((a, b) => b.value - a.value)

    for (const { key, waiting } of byValue) {
      if (this.#hasRoom(waiting)) {
        log('dialling %p again, which was parked for %s', waiting.peerId, waiting.reason)
        this.#waiting.delete(key)
        this.#closed.delete(key)
        this.#run(waiting, async () => waiting.dial())
          .catch(err => { log('could not connect to %p, which was parked - %e', waiting.peerId, err) })
      }
    }
  }

  #hasRoom ({ realm }: RunningDial): boolean {
    const { hasPlaceInRealm, isBelowLowWater } = this.#components
    const running = [...this.#running].filter(dial => dial.realm === realm).length

    return isBelowLowWater(this.#running.size) && (realm == null || hasPlaceInRealm(realm, running))
  }

  async #run (running: RunningDial, dial: () => Promise<unknown>): Promise<void> {
    this.#running.add(running)

    try {
      await dial()
    } finally {
      this.#running.delete(running)
      this.check()
    }
  }
}
