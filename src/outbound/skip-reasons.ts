import type { PeerId } from '@libp2p/interface'

/**
 * Why a candidate is not dialled
 *
 * - `invalid` a source has given something that is no peer
 * - `self` it is this node itself
 * - `connected` it is connected
 * - `dialling` it is being dialled
 * - `hung-up` the user hung up, and it was not connected since
 * - `parked` its connection was closed as there were too many, and there is no room yet
 * - `just-tried` it was dialled within the last 35 s
 * - `no-address` no address of it is known that there is a transport for
 * - `banned` the peer, or all its addresses, are banned
 * - `retry-chance` it is not its turn after earlier dials
 * - `private` its addresses lead to this host or a local network, or nowhere
 * - `group` there are enough connections to the networks of its addresses
 * - `protocol` it is known to speak none of the protocols that are asked for
 */
export type SkipReason = 'invalid' | 'self' | 'connected' | 'dialling' | 'hung-up' | 'parked' | 'just-tried' | 'no-address' |
  'banned' | 'retry-chance' | 'private' | 'group' | 'protocol'

/**
 * A candidate that was not dialled
 */
export interface SkippedCandidate {
  /**
   * `undefined` for what is no peer
   */
  readonly peerId?: PeerId

  /**
   * Where it came from: `anchors`, `peer-store`, `peer-routing`, `bootstrap` or, for
   * a source of the user, `user-1`, `user-2`, …
   */
  readonly source: string
  readonly reason: SkipReason
}
