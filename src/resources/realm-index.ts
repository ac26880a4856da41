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
 * Which connected peers are in which realm
 */
export class RealmIndex {
  /**
   * Nearly all peers are in no realm in most nodes, and then there is nothing to keep of
   * them but that they are connected
   */
  private readonly peers = new Map<string, IndexedPeer | undefined>()
  private readonly realms = new Map<string, Map<string, IndexedPeer>>()

  get (peer: PeerId): IndexedPeer | undefined {
    const key = peer.toString()

    return this.peers.get(key) ?? (this.peers.has(key) ? inNoRealm(peer) : undefined)
  }

  add (peer: PeerId): IndexedPeer {
    const key = peer.toString()
    const indexed = this.peers.get(key)
    this.peers.set(key, indexed)

    return indexed ?? inNoRealm(peer)
  }

  /**
   * Replace the memberships of a peer
   */
  update (indexed: IndexedPeer, memberships: readonly Membership[]): void {
    const key = indexed.peer.toString()

    for (const { realm } of indexed.memberships) {
      const members = this.realms.get(realm)
      members?.delete(key)

      if (members?.size === 0) {
        this.realms.delete(realm)
      }
    }

    for (const { realm } of memberships) {
      let members = this.realms.get(realm)

      if (members == null) {
        members = new Map()
        this.realms.set(realm, members)
      }

      members.set(key, indexed)
    }

    indexed.memberships = memberships

    if (this.peers.has(key)) {
      this.peers.set(key, memberships.length === 0 ? undefined : indexed)
    }
  }

  remove (peer: PeerId): void {
    const indexed = this.get(peer)

    if (indexed != null) {
      if (indexed.memberships.length > 0) {
        this.update(indexed, [])
      }

      this.peers.delete(peer.toString())
    }
  }

  /**
   * The realms that connected peers are in
   */
  names (): Iterable<string> {
    return this.realms.keys()
  }

  /**
   * The connected peers of a realm, whether they count in it or not
   */
  members (realm: string): Iterable<IndexedPeer> {
    return this.realms.get(realm)?.values() ?? []
  }
}

function inNoRealm (peer: PeerId): IndexedPeer {
  return { peer, realm: undefined, refusedBy: undefined, memberships: [] }
}
