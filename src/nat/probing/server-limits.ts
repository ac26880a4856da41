import type { Clock } from '../../clock.ts'
import type { ReachabilityOptions } from '../resolve-options.ts'

const MINUTE = 60_000

/**
 * What an AutoNAT server does for others, so that nobody can use it to flood
 * somebody else
 */
export class ServerLimits {
  readonly #clock: Clock
  readonly #limits: ReachabilityOptions['server']
  readonly #requests: number[] = []
  readonly #dialData: number[] = []
  readonly #peers = new Map<string, { requests: number[], running: number }>()

  constructor (clock: Clock, limits: ReachabilityOptions['server']) {
    this.#clock = clock
    this.#limits = limits
  }

  /**
   * Whether a request of this peer may be answered. If so, it counts until
   * {@link release} is called, and a minute.
   */
  acquire (peer: string): boolean {
    this.#expire()
    const { requests, running } = this.#peers.get(peer) ?? { requests: [], running: 0 }
    const { requestsPerMinute, requestsPerMinutePerPeer, concurrentPerPeer } = this.#limits

    if (this.#requests.length >= requestsPerMinute || requests.length >= requestsPerMinutePerPeer || running >= concurrentPerPeer) {
      return false
    }

    const now = this.#clock.now()
    this.#requests.push(now)
    this.#peers.set(peer, { requests: [...requests, now], running: running + 1 })

    return true
  }

  /**
   * A request of this peer ended
   */
  release (peer: string): void {
    const entry = this.#peers.get(peer)

    if (entry != null) {
      entry.running = Math.max(0, entry.running - 1)
    }

    this.#expire()
  }

  /**
   * Whether one more address that is elsewhere may be dialled. If so, it
   * counts.
   */
  acquireDialData (): boolean {
    this.#expire()

    if (this.#dialData.length >= this.#limits.dialDataPerMinute) {
      return false
    }

    this.#dialData.push(this.#clock.now())

    return true
  }

  /**
   * About how many peers something is remembered
   */
  get size (): number {
    return this.#peers.size
  }

  #expire (): void {
    const since = this.#clock.now() - MINUTE
    dropBefore(this.#requests, since)
    dropBefore(this.#dialData, since)

    // as many peers as requests at most: the total is limited, too
    for (const [peer, entry] of this.#peers) {
      dropBefore(entry.requests, since)

      if (entry.requests.length === 0 && entry.running === 0) {
        this.#peers.delete(peer)
      }
    }
  }
}

function dropBefore (times: number[], since: number): void {
  const keep = times.findIndex(time => time > since)
  times.splice(0, keep === -1 ? times.length : keep)
}
