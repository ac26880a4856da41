import { follow } from '../follow.ts'
import type { PeerProtection } from './trusted-peers.ts'
import type { Libp2pEvents, Logger, PeerId } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/**
 * Protects relays through which others reach this node
 */
export const RELAY_TAG = 'relay'

/**
 * What libp2p's relay transport tags a relay with for as long as it has a reservation
 * there
 */
export const RESERVATION_TAG = 'keep-alive-circuit-relay'

export interface KeptRelaysComponents {
  log: Logger
  events: TypedEventTarget<Libp2pEvents>
  protection: PeerProtection

  /**
   * The connected peers
   */
  peers(): Iterable<PeerId>
  tagsOf(peerId: PeerId): readonly string[]
}

/**
 * Protects the relays on which this node has a reservation, while it is asked to
 */
export class KeptRelays {
  readonly #components: KeptRelaysComponents
  readonly #relays = new Map<string, PeerId>()
  #unfollow?: () => void

  constructor (components: KeptRelaysComponents) {
    this.#components = components
  }

  /**
   * Protect those that there are, and those that come, or none any more
   */
  keep (isKeeping: boolean): void {
    const { peers, tagsOf } = this.#components

    if (!isKeeping) {
      this.#unfollow?.()
      this.#unfollow = undefined
      this.#relays.forEach(peerId => { this.#release(peerId) })
    } else if (this.#unfollow == null) {
      this.#unfollow = follow(this.#components, {
        'peer:update': ({ peer }) => { this.#update(peer.id, peer.tags.has(RESERVATION_TAG)) }
      })

      for (const peerId of peers()) {
        this.#update(peerId, tagsOf(peerId).includes(RESERVATION_TAG))
      }
    }
  }

  #update (peerId: PeerId, hasReservation: boolean): void {
    if (!hasReservation) {
      this.#release(peerId)
    } else if (!this.#relays.has(peerId.toString())) {
      this.#relays.set(peerId.toString(), peerId)
      this.#components.protection.protect(peerId, RELAY_TAG)
    }
  }

  #release (peerId: PeerId): void {
    if (this.#relays.delete(peerId.toString())) {
      this.#components.protection.unprotect(peerId, RELAY_TAG)
    }
  }
}
