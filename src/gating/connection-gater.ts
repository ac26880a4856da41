import { CODE_P2P } from '@multiformats/multiaddr'
import { remoteIp } from '../addresses/index.ts'
import { cidrSet } from './cidr-set.ts'
import { isWithinNetworks } from './net-restrict.ts'
import { isPrivateDial } from './private-dials.ts'
import type { CidrMap } from './cidr-map.ts'
import type { Cidr } from './cidr.ts'
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
  return new NetworkGater(init)
}

/**
 * There is no `filterMultiaddrForPeer`: bans end, and an address that was not
 * stored would be missing then.
 */
class NetworkGater implements ConnectionGater {
  readonly #bans: BanLookup | undefined
  readonly #denied: CidrMap<Cidr>
  readonly #restricted: CidrMap<Cidr> | undefined
  readonly #denyPrivateDials: boolean

  constructor (init: ConnectionGaterInit) {
    this.#bans = init.bans
    this.#denied = cidrSet(init.deny ?? [], 'deny')
    this.#restricted = init.netRestrict == null ? undefined : cidrSet(init.netRestrict, 'netRestrict')
    this.#denyPrivateDials = init.denyPrivateDials ?? false
  }

  denyDialPeer (peerId: PeerId): boolean {
    return this.#isBanned(peerId)
  }

  denyDialMultiaddr (multiaddr: Multiaddr): boolean {
    if (this.#isAddressDenied(multiaddr) || (this.#denyPrivateDials && isPrivateDial(multiaddr))) {
      return true
    }

    if (this.#bans != null) {
      // the peer, and the relays on the way to it
      for (const { code, value } of multiaddr.getComponents()) {
        if (code === CODE_P2P && value != null && this.#bans.ofPeer(value) != null) {
          return true
        }
      }
    }

    return false
  }

  denyInboundConnection (maConn: MultiaddrConnection): boolean {
    return this.#isAddressDenied(maConn.remoteAddr)
  }

  denyOutboundConnection (peerId: PeerId, maConn: MultiaddrConnection): boolean {
    return this.#isBanned(peerId) || this.#isAddressDenied(maConn.remoteAddr)
  }

  denyInboundEncryptedConnection (peerId: PeerId, maConn: MultiaddrConnection): boolean {
    return this.#isBanned(peerId) || this.#isAddressDenied(maConn.remoteAddr)
  }

  denyOutboundEncryptedConnection (peerId: PeerId, maConn: MultiaddrConnection): boolean {
    return this.#isBanned(peerId) || this.#isAddressDenied(maConn.remoteAddr)
  }

  denyInboundUpgradedConnection (peerId: PeerId, maConn: MultiaddrConnection): boolean {
    return this.#isBanned(peerId) || this.#isAddressDenied(maConn.remoteAddr)
  }

  denyOutboundUpgradedConnection (peerId: PeerId, maConn: MultiaddrConnection): boolean {
    return this.#isBanned(peerId) || this.#isAddressDenied(maConn.remoteAddr)
  }

  denyInboundRelayReservation (source: PeerId): boolean {
    return this.#isBanned(source)
  }

  denyOutboundRelayedConnection (source: PeerId, destination: PeerId): boolean {
    return this.#isBanned(source) || this.#isBanned(destination)
  }

  denyInboundRelayedConnection (relay: PeerId, remotePeer: PeerId): boolean {
    return this.#isBanned(relay) || this.#isBanned(remotePeer)
  }

  #isBanned (peerId: PeerId): boolean {
    return this.#bans?.ofPeer(peerId) != null
  }

  #isAddressDenied (multiaddr: Multiaddr): boolean {
    if (this.#bans == null && this.#denied.size === 0 && this.#restricted == null) {
      return false
    }

    const ip = remoteIp(multiaddr)

    return this.#bans?.ofMultiaddr(multiaddr) != null ||
      (ip != null && this.#denied.has(ip)) ||
      (this.#restricted != null && !isWithinNetworks(this.#restricted, multiaddr, ip))
  }
}
