import { follow } from '../follow.ts'
import { parseStaticPeer } from './parse-peers.ts'
import { StaticPeer } from './static-peer.ts'
import type { StaticPeerInput } from './parse-peers.ts'
import type { StaticPeerComponents, StaticPeerStatus } from './static-peer.ts'
import type { PeerProtection } from './trusted-peers.ts'
import type { Timer } from '../clock.ts'
import type { Libp2pEvents, PeerId } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

export interface StaticPeersComponents extends StaticPeerComponents {
  /**
   * Ourselves
   */
  peerId: PeerId
  events: TypedEventTarget<Libp2pEvents>
  protection: PeerProtection
}

/**
 * Protects static peers
 */
export const STATIC_TAG = 'static'

/**
 * In ms: how often it is looked whether static peers are connected, as an event may
 * have been missed
 */
const CHECK_INTERVAL = 30_000

/**
 * The peers that are dialled whenever they are not connected
 */
export class StaticPeers {
  readonly #components: StaticPeersComponents
  readonly #peers = new Map<string, StaticPeer>()
  #timer?: Timer
  #isSelfTold = false
  #unfollow?: () => void

  constructor (components: StaticPeersComponents, inputs: readonly StaticPeerInput[] = []) {
    this.#components = components
    inputs.forEach(input => { this.add(input) })
  }

  /**
   * How many there are
   */
  get size (): number {
    return this.#peers.size
  }

  /**
   * Keep a connection to this peer from now on. If it is one of the static peers, the
   * address is added to its others, and it is dialled even if it was hung up on. This
   * node itself is left out, which is logged once, so that all nodes of a deployment can
   * be given the same list.
   *
   * @throws {InvalidOptionError} if it is neither an address that ends with the id of
   * a peer, nor the id of a peer
   */
  add (input: StaticPeerInput): void {
    const { peerId, multiaddr } = parseStaticPeer(input, 'peer')
    const key = peerId.toString()

    if (peerId.equals(this.#components.peerId)) {
      this.#tellOfSelf()
      return
    }

    let peer = this.#peers.get(key)

    if (peer == null) {
      peer = new StaticPeer(peerId, this.#components)
      this.#peers.set(key, peer)
      this.#components.protection.protect(peerId, STATIC_TAG)
    }

    if (multiaddr != null) {
      peer.addAddress(multiaddr)
    }

    peer.revive(this.#timer != null)
  }

  /**
   * Do not dial this peer any more. What is open stays open, and counts as any other.
   * Returns `false` if it was none of the static peers.
   *
   * @throws {InvalidOptionError} if it is neither an address that ends with the id of
   * a peer, nor the id of a peer
   */
  remove (input: StaticPeerInput): boolean {
    const { peerId } = parseStaticPeer(input, 'peer')
    const key = peerId.toString()
    const peer = this.#peers.get(key)

    if (peer == null) {
      return false
    }

    peer.stop()
    this.#peers.delete(key)
    this.#components.protection.unprotect(peerId, STATIC_TAG)

    return true
  }

  has (peerId: PeerId): boolean {
    return this.#peers.has(peerId.toString())
  }

  list (): StaticPeerStatus[] {
    return [...this.#peers.values()].map(peer => peer.status)
  }

  start (): void {
    if (this.#timer != null) {
      return
    }

    this.#unfollow = follow(this.#components, {
      'connection:open': connection => { this.#peers.get(connection.remotePeer.toString())?.onConnected(connection) },
      // a limited one may be left
      'connection:close': ({ remotePeer }) => { this.#peers.get(remotePeer.toString())?.check() },
      'peer:disconnect': peerId => { this.#peers.get(peerId.toString())?.check() }
    })
    this.#schedule()
    this.#peers.forEach(peer => { peer.start() })
  }

  /**
   * Dial nobody any more
   */
  stop (): void {
    this.#unfollow?.()
    this.#timer?.clear()
    this.#timer = undefined
    this.#peers.forEach(peer => { peer.stop() })
  }

  /**
   * Something has happened that may matter to all of them
   */
  check (): void {
    this.#peers.forEach(peer => { peer.check() })
  }

  /**
   * The user hangs up on a peer
   */
  hangUp (peerId: PeerId): void {
    this.#peers.get(peerId.toString())?.hangUp()
  }

  /**
   * Failures of the past mean nothing any more: dial all that are not connected. Returns
   * how many that are.
   */
  networkChanged (): number {
    return [...this.#peers.values()].filter(peer => peer.networkChanged()).length
  }

  #tellOfSelf (): void {
    if (!this.#isSelfTold) {
      this.#isSelfTold = true
      this.#components.log.error('this node is one of its own static peers, and is left out')
    }
  }

  #schedule (): void {
    this.#timer = this.#components.clock.setTimeout(() => {
      this.#schedule()
      this.check()
    }, CHECK_INTERVAL)
  }
}
