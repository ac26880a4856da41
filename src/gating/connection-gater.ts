import { CODE_P2P } from '@multiformats/multiaddr'
import { systemClock } from '../clock.ts'
import { AddressRules } from './address-rules.ts'
import type { AddressRulesComponents } from './address-rules.ts'
import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Who is banned. A `BanList` is one.
 */
export interface BanLookup {
  ofPeer(peerId: PeerId | string): unknown
  ofMultiaddr(multiaddr: Multiaddr): unknown

  /**
   * How many bans there are. While there is none, no name is looked up for them.
   */
  readonly size?: number
}

/**
 * The options of {@link connectionGater}
 */
export interface ConnectionGaterInit {
  /**
   * Who is banned, e.g. the `bans` of the connection manager, or a list from
   * `banList()`
   *
   * @default undefined, nobody
   */
  bans?: BanLookup

  /**
   * IP addresses or ranges that are neither dialled nor accepted, e.g.
   * `10.0.0.0/8` or `/ip4/10.0.0.0/ipcidr/8`, also not by a name
   *
   * @default []
   */
  deny?: Array<string | Multiaddr>

  /**
   * If given, only these IP addresses and ranges are dialled and accepted. What
   * has no IP address of the remote itself (relayed connections, in browsers host
   * names) is not, except memory and unix sockets.
   *
   * @default undefined, any address
   */
  netRestrict?: Array<string | Multiaddr>

  /**
   * Do not dial private addresses nor WebSockets without encryption, as libp2p
   * does in browsers
   *
   * @default false
   */
  denyPrivateDials?: boolean
}

/**
 * A connection gater of its own, for nodes without the connection manager or in
 * addition to it. While there is something to ask about IP addresses, names are looked up
 * before they are dialled, except in browsers. One that can not be looked up is not dialled
 * then. What the look-up tells is compared with where the socket leads.
 *
 * @param init - the rules
 * @param components - where the time comes from, and how names are looked up
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
export function connectionGater (init: ConnectionGaterInit = {}, components: Partial<AddressRulesComponents> = {}): ConnectionGater {
  const { bans } = init
  const rules = new AddressRules(init, { clock: systemClock, ...components })

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
