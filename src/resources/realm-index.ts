import type { Membership } from './realm-membership.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * A connected peer, and the realms that it is in
 */
export interface IndexedPeer {
  readonly peer: PeerId

  /**
   * The realm that its connections count in
   */
  realm: string | undefined

  /**
   * The realm that it should count in, and that has no room for it
   */
  refusedBy: string | undefined

  memberships: readonly Membership[]
}

/**
 * Which connected peers are in which realm. Nearly all peers are in no realm in most
 * nodes, and then nothing is kept of them.
 */
export class RealmIndex {
  readonly #peers = new Map<string, IndexedPeer>()
  readonly #realms = new Map<string, Map<string, IndexedPeer>>()

  /**
   * What is known of a peer. That of one that is in no realm is kept nowhere, until
   * it is passed to {@link update}.
   */
  get (peer: PeerId): IndexedPeer {
    return this.#peers.get(peer.toString()) ?? { peer, realm: undefined, refusedBy: undefined, memberships: [] }
  }

  /**
   * Replace the memberships of a peer
   */
  update (indexed: IndexedPeer, memberships: readonly Membership[]): void {
    const key = indexed.peer.toString()

    for (const { realm } of indexed.memberships) {
      const members = this.#realms.get(realm)
      members?.delete(key)

      if (members?.size === 0) {
        this.#realms.delete(realm)
      }
    }

    for (const { realm } of memberships) {
      let members = this.#realms.get(realm)

      if (members == null) {
        members = new Map()
        this.#realms.set(realm, members)
      }

      members.set(key, indexed)
    }

    indexed.memberships = memberships

    if (memberships.length === 0) {
      this.#peers.delete(key)
    } else {
      this.#peers.set(key, indexed)
    }
  }

  remove (peer: PeerId): void {
    const indexed = this.#peers.get(peer.toString())

    if (indexed != null) {
      this.update(indexed, [])
    }
  }

  /**
   * The realms that connected peers are in
   */
  names (): Iterable<string> {
    return this.#realms.keys()
  }

  /**
   * The connected peers of a realm, whether they count in it or not
   */
  members (realm: string): Iterable<IndexedPeer> {
    return this.#realms.get(realm)?.values() ?? []
  }
}
