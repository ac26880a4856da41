import { RecentMap } from '../recent-map.ts'
import { STABLE_SESSION, STATIC_RETRY, retryDelay } from './retry-delay.ts'
import type { RetryDelayInit } from './retry-delay.ts'
import type { Clock, Timer } from '../clock.ts'
import type { CloseReason, PeerEntry } from '../core/index.ts'
import type { Random } from '../random.ts'
import type { Logger, PeerId } from '@libp2p/interface'

/**
 * Why a peer is parked
 *
 * - `trim` its connection was closed as there were too many
 * - `evict` its connection made room for a better one
 * - `refuse` it was open already when it turned out that there is no room for it
 * - `remote` the remote has closed its connection, maybe as it has too many itself, and
 * this node has enough. It is dialled after a minute all the same.
 * - `full` another connection would be more than the high watermark allows
 */
export type ParkReason = 'trim' | 'evict' | 'refuse' | 'remote' | 'full'

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
   * Until when it is not dialled even if there is room, in ms since the epoch
   */
  readonly notBefore: number

  /**
   * When it is dialled even if there is no room, in ms since the epoch
   */
  readonly until: number

  /**
   * The realm that the peer counted in, which has to have room as well
   */
  readonly realm?: string
}

export interface ParkedPeersComponents {
  clock: Clock
  random: Random
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
   * Has the peer a `keep-alive` tag? `undefined` if that is not known yet.
   */
  isKeptAlive(key: string): boolean | undefined

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

/**
 * In ms: for so long a remote that has closed its connection is left alone by a node that
 * has enough connections. It may have closed it by mistake, or been started anew.
 */
const REMOTE_WAIT: Readonly<RetryDelayInit> = { base: 60_000, max: 60_000, jitter: 0.2 }

const FOR_ROOM: Partial<Record<CloseReason, ParkReason>> = { trim: 'trim', evict: 'evict', refuse: 'refuse' }

/**
 * The peers that have lost their connection as there were too many, here or at their
 * end. Who dials without being asked leaves them alone until fewer connections are open
 * than the low watermark says: they would be the first to be closed again.
 */
export class ParkedPeers {
  /**
   * Called when there may be room
   */
  onRoom: () => void = () => {}

  readonly #components: ParkedPeersComponents

  /**
   * Who was closed, and was not connected since
   */
  readonly #closed = new RecentMap<string, ParkedPeer>(MAX_REMEMBERED)

  /**
   * How many sessions in a row the remote has ended soon after they began
   */
  readonly #shortSessions = new RecentMap<string, number>(MAX_REMEMBERED)

  /**
   * As many as there are peers with a `keep-alive` tag at most
   */
  readonly #waiting = new Map<string, WaitingDial>()
  readonly #running = new Set<RunningDial>()

  /**
   * When it is looked next whether there is room, in ms since the epoch
   */
  #next?: { readonly timer: Timer, readonly at: number }

  constructor (components: ParkedPeersComponents) {
    this.#components = components
  }

  /**
   * The last connection of a peer was closed
   *
   * @param peer - what was known of it
   * @param realm - the realm that it counted in
   */
  onDisconnect (peer: PeerEntry, realm: string | undefined): void {
    const { entry: { closeReason, connection }, firstSeen, key } = peer
    const { clock, isKeptAlive } = this.#components
    const since = clock.now()
    const reason = closeReason == null ? undefined : FOR_ROOM[closeReason]

    if (reason != null) {
      this.#closed.set(key, { reason, realm, since, notBefore: since, until: Infinity })
    } else if (closeReason == null && connection.status === 'closed' && isKeptAlive(key) !== false) {
      this.#closed.set(key, this.#closedByRemote(key, since, since - firstSeen))
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
      this.#schedule(0)
    }
  }

  /**
   * Have we closed the connection of a peer, and is there no room for it yet?
   */
  has (peerId: PeerId): boolean {
    const parked = this.of(peerId.toString())

    return parked != null && parked.reason !== 'remote'
  }

  /**
   * Why a peer is not dialled. `undefined` if it may be.
   */
  of (key: string): ParkedPeer | undefined {
    const closed = this.#closed.get(key)

    return this.#waiting.get(key) ?? (closed == null || this.#isDue(closed) ? undefined : closed)
  }

  /**
   * Dial a peer that is to be kept, now or as soon as there is room. Resolves when the
   * dial is over, or put off.
   */
  async dial (peerId: PeerId, dial: () => Promise<unknown>): Promise<void> {
    const { clock, isBelowHighWater, isConnected } = this.#components
    const key = peerId.toString()
    const closed = this.of(key)

    if (isConnected(peerId)) {
      await dial()
    } else if (closed == null && isBelowHighWater(this.#running.size)) {
      await this.#run({ realm: this.#closed.get(key)?.realm }, dial)
    } else {
      const now = clock.now()
      const parked = closed ?? { reason: 'full', since: now, notBefore: now, until: Infinity }
      this.#waiting.set(key, { ...parked, peerId, dial })
      this.check()
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
    this.#next?.timer.clear()
    this.#next = undefined
    this.#waiting.clear()
    this.#closed.clear()
    this.#shortSessions.clear()
  }

  /**
   * @param key - the peer
   * @param since - when it was closed
   * @param duration - for how many ms it was open
   */
  #closedByRemote (key: string, since: number, duration: number): ParkedPeer {
    const { random } = this.#components
    const short = duration < STABLE_SESSION ? (this.#shortSessions.get(key) ?? 0) + 1 : 0

    if (short === 0) {
      this.#shortSessions.delete(key)
    } else {
      this.#shortSessions.set(key, short)
    }

    // once is no reason to wait
    const wait = short < 2 ? 0 : retryDelay(short - 1, STATIC_RETRY, random)

    return { reason: 'remote', since, notBefore: since + wait, until: since + Math.max(wait, retryDelay(0, REMOTE_WAIT, random)) }
  }

  #schedule (delay: number): void {
    const { clock } = this.#components
    const at = clock.now() + delay

    if (this.#next == null || this.#next.at > at) {
      this.#next?.timer.clear()
      this.#next = {
        at,
        timer: clock.setTimeout(() => {
          this.#next = undefined
          this.onRoom()
          this.#resume()
        }, delay)
      }
    }
  }

  /**
   * Dials whoever waits as far as there is room, the most valuable first
   */
  #resume (): void {
    const { clock, isBelowHighWater, log, valueOf } = this.#components
    const now = clock.now()
    let next = Infinity

    const byValue = [...this.#waiting].map(([key, waiting]) => ({ key, waiting, value: valueOf(waiting.peerId) }))
      .sort((a, b) => b.value - a.value)

    for (const { key, waiting } of byValue) {
      const { notBefore, peerId, reason, until } = waiting

      if (this.#isDue(waiting) && isBelowHighWater(this.#running.size)) {
        log('dialling %p, which was parked - %s', peerId, reason)
        this.#waiting.delete(key)
        this.#closed.delete(key)
        this.#run(waiting, async () => waiting.dial())
          .catch(err => { log('could not connect to %p, which was parked - %e', peerId, err) })
      } else {
        next = Math.min(next, ...[notBefore, until].filter(at => at > now))
      }
    }

    if (next !== Infinity) {
      this.#schedule(next - now)
    }
  }

  #isDue ({ notBefore, realm, until }: ParkedPeer): boolean {
    const { clock, hasPlaceInRealm, isBelowLowWater } = this.#components
    const now = clock.now()

    if (now >= until || now < notBefore) {
      return now >= until
    }

    const inRealm = realm == null ? 0 : [...this.#running].filter(dial => dial.realm === realm).length

    return isBelowLowWater(this.#running.size) && (realm == null || hasPlaceInRealm(realm, inRealm))
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
