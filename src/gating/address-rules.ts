import { dialledHosts, parseIp, remoteIp, withIp } from '../addresses/index.ts'
import { cidrSet } from './cidr-set.ts'
import { HostAddresses } from './host-addresses.ts'
import { socketIp, watchWebSockets } from './host-lookup.ts'
import { isWithinNetworks } from './net-restrict.ts'
import { isPrivateDial } from './private-dials.ts'
import type { CidrMap } from './cidr-map.ts'
import type { Cidr } from './cidr.ts'
import type { HostAddressesComponents } from './host-addresses.ts'
import type { ConnectionGaterInit } from './options.ts'
import type { MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export type AddressRulesComponents = HostAddressesComponents

/**
 * Whether an address may be dialled or talked to: the one place where bans, ranges and
 * private addresses are asked about it. What they are asked about is never a name, but the
 * IP addresses that it has: when it is dialled those that a look-up tells, and then the
 * one of the socket, as the two may differ.
 */
export class AddressRules {
  readonly #bans: ConnectionGaterInit['bans']
  readonly #denied: CidrMap<Cidr>
  readonly #restricted: CidrMap<Cidr> | undefined
  readonly #denyPrivateDials: boolean
  readonly #hosts: HostAddresses

  /**
   * @throws {InvalidOptionError} that names the entry of a list that is not a range
   */
  constructor ({ bans, deny = [], netRestrict, denyPrivateDials = false }: ConnectionGaterInit, components: AddressRulesComponents) {
    this.#bans = bans
    this.#denied = cidrSet(deny, 'deny')
    this.#restricted = netRestrict == null ? undefined : cidrSet(netRestrict, 'netRestrict')
    this.#denyPrivateDials = denyPrivateDials
    this.#hosts = new HostAddresses(components)

    if (bans != null || deny.length > 0 || netRestrict != null || denyPrivateDials) {
      watchWebSockets()
    }
  }

  /**
   * Whether an address must not be dialled. At once, unless a name has to be looked up.
   * A name is denied with any of its IP addresses, and if they can not be told.
   */
  deniesDial (address: Multiaddr): boolean | Promise<boolean> {
    if (!this.#hasRanges && !this.#denyPrivateDials) {
      return false
    }

    const { addresses, names } = dialledHosts(address)

    if (addresses.some(address => this.#deniesOutbound(address)) || (this.#denyPrivateDials && isPrivateDial(address))) {
      return true
    }

    if (names.length === 0) {
      return false
    }

    return this.#hosts.canLookUp ? this.#deniesNames(address, names) : this.#deniesOutbound(address)
  }

  /**
   * Whether a connection must not be used, by where its socket leads. That may be another
   * address than the one that was found when its name was looked up.
   */
  deniesSocket (maConn: MultiaddrConnection): boolean {
    if (!this.#hasRanges && !this.#denyPrivateDials) {
      return false
    }

    const address = socketAddress(maConn)

    return address === maConn.remoteAddr ? this.#denies(address) : this.#deniesOutbound(address)
  }

  /**
   * Whether any rule is about ranges of IP addresses
   */
  get #hasRanges (): boolean {
    return (this.#bans != null && this.#bans.size !== 0) || this.#denied.size > 0 || this.#restricted != null
  }

  #denies (address: Multiaddr): boolean {
    if (!this.#hasRanges) {
      return false
    }

    const ip = remoteIp(address)

    return this.#bans?.ofMultiaddr(address) != null ||
      (ip != null && this.#denied.has(ip)) ||
      (this.#restricted != null && !isWithinNetworks(this.#restricted, address, ip))
  }

  #deniesOutbound (address: Multiaddr): boolean {
    return this.#denies(address) || (this.#denyPrivateDials && isPrivateDial(address))
  }

  async #deniesNames (address: Multiaddr, names: readonly string[]): Promise<boolean> {
    try {
      const found = await Promise.all(names.map(async name => this.#hosts.of(name)))

      return found.flat().some(ip => ip == null || this.#deniesOutbound(withIp(address, ip)))
    } catch {
      return true
    }
  }
}

/**
 * The address that a connection leads to, with the IP address of its socket in the place
 * of a name, where that is known
 */
export function socketAddress (maConn: Pick<MultiaddrConnection, 'remoteAddr'>): Multiaddr {
  const { remoteAddr } = maConn

  if (dialledHosts(remoteAddr).names.length === 0) {
    return remoteAddr
  }

  const ip = parseIp(socketIp(maConn) ?? '')

  return ip == null ? remoteAddr : withIp(remoteAddr, ip)
}
