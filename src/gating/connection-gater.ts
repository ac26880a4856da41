import { CODE_P2P } from '@multiformats/multiaddr'
import { systemClock } from '../clock.ts'
import { AddressRules } from './address-rules.ts'
import type { AddressRulesComponents } from './address-rules.ts'
import type { ConnectionGaterInit } from './options.ts'
import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'

/**
 * A connection gater of its own, for nodes without the connection manager or in
 * addition to it. While there is something to ask about IP addresses, names are looked up
 * before they are dialled, except in browsers. One that can not be looked up is not dialled
 * then. What the look-up tells is compared with where the socket leads.
 *
 * @throws {InvalidOptionError} that names the entry of a list that is not a range
 * of IP addresses
 *
 * @example
 *
 * ```ts
 * import { createLibp2p } from 'libp2p'
 * import { connectionGater } from 'libp2p-connmgr'
 *
 * const node = await createLibp2p({
 *   connectionGater: connectionGater({
 *     deny: ['198.51.100.0/24'],
 *     denyPrivateDials: true
 *   })
 * })
 * ```
 */
export function connectionGater (init: ConnectionGaterInit = {}): ConnectionGater {
  return createGater(init, { clock: systemClock })
}

/**
 * The same with what it takes from outside
 */
export function createGater (init: ConnectionGaterInit, components: AddressRulesComponents): ConnectionGater {
  const { bans } = init
  const rules = new AddressRules(init, components)

  const isBanned = (peer: PeerId | string): boolean => bans?.ofPeer(peer) != null
  const isEitherBanned = (one: PeerId, other: PeerId): boolean => isBanned(one) || isBanned(other)
  const isDenied = (peerId: PeerId, maConn: MultiaddrConnection): boolean => isBanned(peerId) || rules.deniesSocket(maConn)

  // there is no `filterMultiaddrForPeer`: bans end, and an address that was not stored
  // would be missing then
  return {
    denyDialPeer: isBanned,

    // the peer, and the relays on the way to it
    denyDialMultiaddr: multiaddr => (bans != null && multiaddr.getComponents().some(({ code, value }) => code === CODE_P2P && value != null && isBanned(value))) ||
      rules.deniesDial(multiaddr),

    denyInboundConnection: maConn => rules.deniesSocket(maConn),
    denyOutboundConnection: isDenied,
    denyInboundEncryptedConnection: isDenied,
    denyOutboundEncryptedConnection: isDenied,
    denyInboundUpgradedConnection: isDenied,
    denyOutboundUpgradedConnection: isDenied,
    denyInboundRelayReservation: isBanned,
    denyOutboundRelayedConnection: isEitherBanned,
    denyInboundRelayedConnection: isEitherBanned
  }
}
