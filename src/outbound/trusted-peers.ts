import { parseTrustedPeer } from './parse-peers.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Protects trusted peers
 */
export const TRUSTED_TAG = 'trusted'

/**
 * What keeps peers from being trimmed
 */
export interface PeerProtection {
  protect(peerId: PeerId, tag: string): void
  unprotect(peerId: PeerId, tag: string): boolean
}

/**
 * The peers that are trusted. What that means is said at the option `trustedPeers`.
 */
export class TrustedPeers {
  readonly #protection: PeerProtection
  readonly #peers = new Map<string, PeerId>()

  constructor (protection: PeerProtection, peers: ReadonlyArray<string | PeerId> = []) {
    this.#protection = protection
    peers.forEach(peer => { this.add(peer) })
  }

  /**
   * Trust a peer, whether it is connected now or later
   *
   * @throws {InvalidOptionError} if it is not the id of a peer
   */
  add (peer: string | PeerId): void {
    const peerId = parseTrustedPeer(peer, 'peer')
    this.#peers.set(peerId.toString(), peerId)
    this.#protection.protect(peerId, TRUSTED_TAG)
  }

  /**
   * The peer counts as any other from now on; what is open stays open. Returns `false`
   * if it was not trusted.
   *
   * @throws {InvalidOptionError} if it is not the id of a peer
   */
  remove (peer: string | PeerId): boolean {
    const peerId = parseTrustedPeer(peer, 'peer')

    if (!this.#peers.delete(peerId.toString())) {
      return false
    }

    this.#protection.unprotect(peerId, TRUSTED_TAG)

    return true
  }

  /**
   * @throws {InvalidOptionError} if it is not the id of a peer
   */
  has (peer: string | PeerId): boolean {
    return this.#peers.has(parseTrustedPeer(peer, 'peer').toString())
  }

  list (): PeerId[] {
    return [...this.#peers.values()]
  }
}
