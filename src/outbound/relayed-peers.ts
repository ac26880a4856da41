import { follow } from '../follow.ts'
import { hasKeepAliveTag } from './reconnect-queue.ts'
import { StaticPeer } from './static-peer.ts'
import type { StaticPeerComponents } from './static-peer.ts'
import type { Libp2pEvents, PeerId } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

export interface RelayedPeersComponents extends StaticPeerComponents {
  events: TypedEventTarget<Libp2pEvents>

  /**
   * The connected peers
   */
  peers(): Iterable<PeerId>

  /**
   * Has the peer a `keep-alive` tag, if that is known without reading it?
   */
  isKeptAlive(peerId: PeerId): boolean | undefined

  /**
   * Is it dialled for another reason already?
   */
  isStatic(peerId: PeerId): boolean
}

/**
 * Dials peers with a `keep-alive` tag that are connected only over a relay which limits
 * the connection, at their direct addresses, for as long as that is so. Who loses the
 * relayed connection, too, is left to the reconnect queue.
 */
export class RelayedPeers {
  readonly #components: RelayedPeersComponents

  /**
   * Those that are connected, and were over a relay only at some time since they are
   */
  readonly #peers = new Map<string, StaticPeer>()
  #unfollow?: () => void

  constructor (components: RelayedPeersComponents) {
    this.#components = components
  }

  start (): void {
    if (this.#unfollow != null) {
      return
    }

    this.#unfollow = follow(this.#components, {
      'connection:open': connection => {
        this.#peers.get(connection.remotePeer.toString())?.onConnected(connection)
        this.#check(connection.remotePeer)
      },
      'connection:close': ({ remotePeer }) => { this.#check(remotePeer) },
      'peer:disconnect': peerId => { this.#check(peerId) },
      'peer:update': ({ peer }) => { this.#check(peer.id) }
    })

    for (const peerId of this.#components.peers()) {
      this.#check(peerId)
    }
  }

  /**
   * Dial nobody any more
   */
  stop (): void {
    this.#unfollow?.()
    this.#unfollow = undefined
    this.#peers.forEach(peer => { peer.stop() })
    this.#peers.clear()
  }

  /**
   * The user hangs up on a peer
   */
  hangUp (peerId: PeerId): void {
    this.#peers.get(peerId.toString())?.hangUp()
  }

  /**
   * Failures of the past mean nothing any more. Returns how many are dialled.
   */
  networkChanged (): number {
    return [...this.#peers.values()].filter(peer => peer.networkChanged()).length
  }

  /**
   * Goes by what is, not by what has happened
   */
  #check (peerId: PeerId): void {
    const { isConnected, log } = this.#components
    const known = this.#peers.get(peerId.toString())

    if (!isConnected(peerId, { limited: true })) {
      this.#forget(peerId)
    } else if (known != null || !isConnected(peerId)) {
      this.#update(peerId).catch(err => { log.error('could not find out whether %p is to be dialled - %e', peerId, err) })
    }
  }

  async #update (peerId: PeerId): Promise<void> {
    const { isConnected, isKeptAlive, isStatic, lookUp } = this.#components
    const isKept = isKeptAlive(peerId) ?? hasKeepAliveTag(await lookUp(peerId))

    if (!isKept || isStatic(peerId) || !isConnected(peerId, { limited: true })) {
      this.#forget(peerId)
    } else if (this.#unfollow != null) {
      const key = peerId.toString()
      const peer = this.#peers.get(key) ?? new StaticPeer(peerId, this.#components)
      this.#peers.set(key, peer)
      peer.start()
    }
  }

  #forget (peerId: PeerId): void {
    const key = peerId.toString()
    this.#peers.get(key)?.stop()
    this.#peers.delete(key)
  }
}
