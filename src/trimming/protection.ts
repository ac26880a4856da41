/**
 * Which peers are protected, and by which tags. Independent of connections: a
 * peer can be protected before it connects and stays so when it is gone.
 */
export class Protection {
  readonly #peers = new Map<string, Set<string>>()

  /**
   * Protecting twice with the same tag is the same as protecting once
   */
  protect (peer: string, tag: string): void {
    const tags = this.#peers.get(peer)

    if (tags == null) {
      this.#peers.set(peer, new Set([tag]))
      return
    }

    tags.add(tag)
  }

  /**
   * Returns `true` if the peer is still protected by another tag
   */
  unprotect (peer: string, tag: string): boolean {
    const tags = this.#peers.get(peer)

    if (tags == null) {
      return false
    }

    tags.delete(tag)

    if (tags.size === 0) {
      this.#peers.delete(peer)
    }

    return tags.size > 0
  }

  /**
   * Without a tag: by any
   */
  isProtected (peer: string, tag?: string): boolean {
    const tags = this.#peers.get(peer)

    return tag == null ? tags != null : tags?.has(tag) === true
  }

  /**
   * The tags that protect a peer
   */
  tags (peer: string): string[] {
    return [...this.#peers.get(peer) ?? []]
  }

  /**
   * How many peers are protected
   */
  get size (): number {
    return this.#peers.size
  }
}
