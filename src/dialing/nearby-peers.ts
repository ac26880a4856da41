import { isLoopback, isOnThisHost, isPrivateOrLoopback, leadingIp, prefixText, remoteIp } from '../addresses/index.ts'
import { RecentMap } from '../recent-map.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Of how many addresses it is remembered which peer was seen there
 */
const MAX_REMEMBERED = 4_000

/**
 * In bits: addresses that share so many are taken for those of one site, as the masks of
 * local networks are not known
 */
const SITE_BITS = { 4: 16, 6: 48 }

export interface NearbyPeersComponents {
  /**
   * Where this node listens, and where it says that it does
   */
  ownAddresses(): readonly Multiaddr[]
}

/**
 * Which peers were seen in the networks, other than the internet, that this node is in.
 * What a peer says of itself does not count, nor what others say of it.
 */
export class NearbyPeers {
  readonly #components: NearbyPeersComponents
  readonly #seen = new RecentMap<string, true>(MAX_REMEMBERED)

  /**
   * Was there a connection to another host?
   */
  #hasMetOthers = false

  constructor (components: NearbyPeersComponents) {
    this.#components = components
  }

  /**
   * There is a connection to a peer, whose socket leads to this address
   */
  observe (peerId: PeerId, address: Multiaddr): void {
    const ip = remoteIp(address)

    // the others may be dialled anyway, and are so many that they would push these out
    if (ip != null && isPrivateOrLoopback(ip)) {
      this.#seen.set(keyOf(peerId, ip), true)
    }

    this.#hasMetOthers ||= !isWithinHost(address)
  }

  /**
   * Whether an IP address that is not public may be dialled for a peer: it was seen at it,
   * and this node has an address on that network. Whoever comes from loopback may have
   * come through a proxy, so that counts only where there is nothing but loopback, and
   * then all peers are there.
   */
  has (peerId: PeerId, ip: IpAddress): boolean {
    const own = this.#components.ownAddresses()

    if (isLoopback(ip)) {
      return !this.#hasMetOthers && own.length > 0 && own.every(isWithinHost)
    }

    return this.#seen.has(keyOf(peerId, ip)) && own.some(address => isOneSite(remoteIp(address), ip))
  }
}

function keyOf (peerId: PeerId, ip: IpAddress): string {
  return `${peerId.toString()} ${ip.text}`
}

/**
 * Also through a relay on this host
 */
function isWithinHost (address: Multiaddr): boolean {
  const ip = leadingIp(address.getComponents())

  return ip == null ? isOnThisHost(address) : isLoopback(ip)
}

function isOneSite (own: IpAddress | undefined, other: IpAddress): boolean {
  const bits = SITE_BITS[other.family]

  return own?.family === other.family && prefixText(own, bits) === prefixText(other, bits)
}
