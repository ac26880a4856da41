import type { DialFailureReason } from './dial-failure.ts'
import type { Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What there is to be told of single addresses
 */
export interface DialObserver {
  /**
   * An address is dialled, `delay` ms after the first of its peer
   */
  onAttempt(peerId: PeerId | undefined, multiaddr: Multiaddr, delay: number): void

  /**
   * An address was dialled and could not be connected to
   */
  onAttemptFailed(peerId: PeerId | undefined, multiaddr: Multiaddr, error: Error, reason: DialFailureReason): void

  /**
   * A connection is closed next, as another one to its peer was there first
   */
  onDiscard(connection: Connection): void
}
