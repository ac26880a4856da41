/**
 * The streams whose protocol is not known yet, by the peer that has opened them. When
 * there are as many as there may be, those who hold the most of the places make room for
 * those who hold few, so that nobody keeps all others from opening streams.
 */
export class TransientStreams<T> {
  readonly #byPeer = new Map<string, Set<T>>()
  #size = 0

  get size (): number {
    return this.#size
  }

  add (peer: string, stream: T): void {
    const streams = this.#byPeer.get(peer) ?? new Set()
    this.#byPeer.set(peer, streams)
    this.#size += Number(!streams.has(stream))
    streams.add(stream)
  }

  /**
   * Harmless when it is not there
   */
  delete (peer: string, stream: T): void {
    const streams = this.#byPeer.get(peer)
    this.#size -= Number(streams?.delete(stream) === true)

    if (streams?.size === 0) {
      this.#byPeer.delete(peer)
    }
  }

  /**
   * Which stream gives way to another one of `peer`: the oldest one of the peer that has
   * the most, if that are more than `peer` has. A peer that has as many as all have on
   * average gets no more, and is not compared with each of them.
   */
  giveWay (peer: string): T | undefined {
    const own = this.#byPeer.get(peer)?.size ?? 0

    if (own > 0 && own * this.#byPeer.size >= this.#size) {
      return
    }

    let most: Set<T> | undefined

    for (const streams of this.#byPeer.values()) {
      if (streams.size > (most?.size ?? own)) {
        most = streams
      }
    }

    const [oldest] = most ?? []

    return oldest
  }
}
