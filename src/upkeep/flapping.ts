import { RecentMap } from '../recent-map.ts'
import type { Clock } from '../clock.ts'

/**
 * Which peers connect and disconnect too often, and for how long these are refused
 */
export interface FlappingInit {
  /**
   * A session that was shorter than this many ms, and not ended by us, is a short
   * one
   *
   * @default 30_000
   */
  shortSession?: number

  /**
   * A peer with this many short sessions …
   *
   * @default 3
   */
  sessions?: number

  /**
   * … within this many ms is flapping
   *
   * @default 300_000
   */
  window?: number

  /**
   * For how many ms a flapping peer is kept out the first time. Each further time
   * adds as much again, up to five times (Dingo).
   *
   * @default 1_800_000
   */
  cooldown?: number
}

/**
 * Sessions of less than 30 s, 5 min and half an hour are those of Dingo, three
 * sessions those of DeP2P
 */
export const FLAPPING_DEFAULTS: Readonly<Required<FlappingInit>> = { shortSession: 30_000, sessions: 3, window: 300_000, cooldown: 1_800_000 }

interface Flapper {
  /**
   * When its last short sessions ended, oldest first
   */
  ends: number[]

  /**
   * How often it was found flapping
   */
  strikes: number
  deniedUntil: number
}

const MAX_STRIKES = 5

/**
 * So many peers are remembered. The ones that flapped longest ago make room.
 */
const MAX_PEERS = 10_000

/**
 * Keeps out peers that connect and disconnect again and again, for a time that
 * grows each time
 */
export class Flapping {
  readonly #clock: Clock
  readonly #init: Required<FlappingInit>
  readonly #peers = new RecentMap<string, Flapper>(MAX_PEERS)

  constructor (clock: Clock, init: Required<FlappingInit>) {
    this.#clock = clock
    this.#init = init
  }

  /**
   * A peer has disconnected that was connected for `duration` ms. Returns `true`
   * if it is kept out from now on.
   */
  onDisconnect (peer: string, duration: number): boolean {
    if (duration >= this.#init.shortSession || this.#init.sessions === Infinity) {
      return false
    }

    const now = this.#clock.now()
    const flapper = this.#peers.get(peer) ?? { ends: [], strikes: 0, deniedUntil: -Infinity }
    flapper.ends = [...flapper.ends, now].filter(end => now - end <= this.#init.window).slice(-Math.ceil(this.#init.sessions))
    this.#peers.set(peer, flapper)

    if (flapper.ends.length < this.#init.sessions) {
      return false
    }

    flapper.strikes = Math.min(MAX_STRIKES, flapper.strikes + 1)
    flapper.deniedUntil = now + flapper.strikes * this.#init.cooldown
    flapper.ends = []

    return true
  }

  /**
   * Is the peer to be kept out?
   */
  isDenied (peer: string): boolean {
    return this.#clock.now() < (this.#peers.get(peer)?.deniedUntil ?? -Infinity)
  }

  clear (): void {
    this.#peers.clear()
  }
}
