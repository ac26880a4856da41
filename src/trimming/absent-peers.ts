/**
 * What is kept of a peer that is not connected
 */
export interface Absent {
  /**
   * Since when the peer is not connected, or was tagged, in ms since the epoch
   */
  readonly since: number
}

/**
 * So many places of the queue may be those of peers that are gone from it, besides as
 * many as there are peers
 */
const MAX_STALE = 64

/**
 * Peers that are not connected, at most so many, for so long. The one that has waited
 * longest makes room. All in constant time: the first entry of a `Map` is not found in
 * constant time after many before it were deleted.
 */
export class AbsentPeers<T extends Absent> {
  readonly #peers = new Map<string, T>()
  readonly #maxPeers: number
  readonly #ttl: number

  /**
   * In the order in which they were added, from `first` on. Those that were added again
   * or deleted are still there.
   */
  private queue: Array<readonly [peer: string, absent: T]> = []
  #first = 0

  /**
   * @param maxPeers - how many are kept
   * @param ttl - for how many ms
   */
  constructor (maxPeers: number, ttl: number) {
    this.#maxPeers = maxPeers
    this.#ttl = ttl
  }

  get size (): number {
    return this.#peers.size
  }

  get (peer: string, now: number): T | undefined {
    const absent = this.#peers.get(peer)

    return absent == null || this.#isExpired(absent, now) ? undefined : absent
  }

  /**
   * Replaces what is kept of the peer. Those that are kept for too long, or are one too
   * many, are dropped.
   */
  set (peer: string, absent: T, now: number): void {
    this.#peers.set(peer, absent)
    this.queue.push([peer, absent])

    for (; this.#first < this.queue.length; this.#first++) {
      const [oldest, kept] = this.queue[this.#first]

      if (this.#peers.get(oldest) !== kept) {
        continue
      }

      if (this.#peers.size <= this.#maxPeers && !this.#isExpired(kept, now)) {
        break
      }

      this.#peers.delete(oldest)
    }

    this.#compact()
  }

  delete (peer: string): void {
    this.#peers.delete(peer)
  }

  clear (): void {
    this.#peers.clear()
    this.queue = []
    this.#first = 0
  }

  #isExpired ({ since }: T, now: number): boolean {
    return now - since >= this.#ttl
  }

  /**
   * Whoever comes and goes all the time leaves one entry each time
   */
  #compact (): void {
    if (this.queue.length > 2 * this.#peers.size + MAX_STALE) {
      this.queue = this.queue.slice(this.#first).filter(([peer, absent]) => this.#peers.get(peer) === absent)
      this.#first = 0
    }
  }
}
