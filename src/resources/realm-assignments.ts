import type { Clock, Timer } from '../clock.ts'
import type { PeerId } from '@libp2p/interface'

interface Assignment {
  readonly peer: PeerId
  readonly realm: string

  /**
   * In ms since the epoch
   */
  readonly expiresAt: number
}

/**
 * In ms: timers stand still in a machine that is suspended, so it is looked so often
 * what is over
 */
const MAX_WAIT = 60_000

/**
 * Which peers were put into which realm, and until when
 */
export class RealmAssignments {
  readonly #assignments = new Map<string, Assignment>()
  readonly #clock: Clock
  readonly #onExpired: (peer: PeerId, realm: string) => void
  #timer: Timer | undefined
  #timerAt = Infinity
  #running = false

  /**
   * @param clock - the time
   * @param onExpired - is told of every assignment that has ended by itself. Must
   * not throw.
   */
  constructor (clock: Clock, onExpired: (peer: PeerId, realm: string) => void) {
    this.#clock = clock
    this.#onExpired = onExpired
  }

  get (peer: PeerId): string | undefined {
    const assignment = this.#assignments.get(peer.toString())

    return assignment == null || assignment.expiresAt <= this.#clock.now() ? undefined : assignment.realm
  }

  /**
   * How many peers are assigned to each realm
   */
  counts (): Map<string, number> {
    const counts = new Map<string, number>()

    for (const { peer } of this.#assignments.values()) {
      const realm = this.get(peer)

      if (realm != null) {
        counts.set(realm, (counts.get(realm) ?? 0) + 1)
      }
    }

    return counts
  }

  /**
   * @param peer - the peer
   * @param realm - its realm
   * @param duration - for how many ms, which may be `Infinity`
   */
  set (peer: PeerId, realm: string, duration: number): void {
    const expiresAt = this.#clock.now() + duration

    this.#assignments.set(peer.toString(), { peer, realm, expiresAt })
    this.#arm(expiresAt)
  }

  delete (peer: PeerId): void {
    this.#assignments.delete(peer.toString())
  }

  start (): void {
    this.#running = true
    this.#arm(this.#firstExpiry())
  }

  stop (): void {
    this.#running = false
    this.#disarm()
  }

  #arm (at: number): void {
    if (!this.#running || at >= this.#timerAt) {
      return
    }

    this.#disarm()
    this.#timerAt = at
    this.#timer = this.#clock.setTimeout(() => { this.#expire() }, Math.min(at - this.#clock.now(), MAX_WAIT))
  }

  #disarm (): void {
    this.#timer?.clear()
    this.#timer = undefined
    this.#timerAt = Infinity
  }

  #expire (): void {
    const now = this.#clock.now()

    this.#disarm()

    for (const [key, { peer, realm, expiresAt }] of this.#assignments) {
      if (expiresAt <= now) {
        this.#assignments.delete(key)
        this.#onExpired(peer, realm)
      }
    }

    this.#arm(this.#firstExpiry())
  }

  #firstExpiry (): number {
    let first = Infinity

    for (const { expiresAt } of this.#assignments.values()) {
      first = Math.min(first, expiresAt)
    }

    return first
  }
}
