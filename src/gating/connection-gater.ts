import { CODE_P2P } from '@multiformats/multiaddr'
import { remoteIp } from '../addresses/index.ts'
import { cidrSet } from './cidr-set.ts'
import { isWithinNetworks } from './net-restrict.ts'
import { isPrivateDial } from './private-dials.ts'
import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Who is banned. A `BanList` is one.
 */
export interface BanLookup {
  ofPeer(peerId: PeerId | string): unknown
  ofMultiaddr(multiaddr: Multiaddr): unknown
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
   * `10.0.0.0/8` or `/ip4/10.0.0.0/ipcidr/8`
   *
   * @default []
   */
  deny?: Array<string | Multiaddr>

  /**
   * If given, only these IP addresses and ranges are dialled and accepted. What
   * has no IP address of the remote itself (relayed connections, host names) is
   * not, except memory and unix sockets.
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
 * addition to it
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
  const { bans, netRestrict, denyPrivateDials } = init
  const denied = cidrSet(init.deny ?? [], 'deny')
  const restricted = netRestrict == null ? undefined : cidrSet(netRestrict, 'netRestrict')

  const isBanned = (peer: PeerId | string): boolean => bans?.ofPeer(peer) != null

  const isAddressDenied = (multiaddr: Multiaddr): boolean => {
    if (bans == null && denied.size === 0 && restricted == null) {
      return false
    }

    const ip = remoteIp(multiaddr)

    return bans?.ofMultiaddr(multiaddr) != null ||
      (ip != null && denied.has(ip)) ||
      (restricted != null && !isWithinNetworks(restricted, multiaddr, ip))
  }

  const isEitherBanned = (one: PeerId, other: PeerId): boolean => isBanned(one) || isBanned(other)
  const isDenied = (peerId: PeerId, { remoteAddr }: MultiaddrConnection): boolean => isBanned(peerId) || isAddressDenied(remoteAddr)

  // there is no `filterMultiaddrForPeer`: bans end, and an address that was not stored
  // would be missing then
  return {
    denyDialPeer: isBanned,

    // the peer, and the relays on the way to it
    denyDialMultiaddr: multiaddr => isAddressDenied(multiaddr) ||
      (denyPrivateDials === true && isPrivateDial(multiaddr)) ||
      (bans != null && multiaddr.getComponents().some(({ code, value }) => code === CODE_P2P && value != null && isBanned(value))),

    denyInboundConnection: ({ remoteAddr }) => isAddressDenied(remoteAddr),
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
