import { dialledHosts, isHostName, parseIp, remoteIp, withIp } from '../addresses/index.ts'
import { cidrSet } from './cidr-set.ts'
import { lookUpHost, socketIp, watchWebSockets } from './host-lookup.ts'
import { isWithinNetworks } from './net-restrict.ts'
import { isPrivateDial } from './private-dials.ts'
import type { CidrMap } from './cidr-map.ts'
import type { Cidr } from './cidr.ts'
import type { LookUpHost } from './host-lookup.ts'
import type { ConnectionGaterInit } from './options.ts'
import type { Clock } from '../clock.ts'
import type { MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * In ms: who can not look up a name for longer does not dial it
 */
const LOOKUP_TIMEOUT = 5_000

/**
 * How many names are looked up at the same time. What hangs counts until it ends.
 */
const MAX_LOOKUPS = 256

/**
 * How many IP addresses a name may have
 */
const MAX_IPS = 100

export interface AddressRulesComponents {
  clock: Clock

  /**
   * How names are looked up
   *
   * @default as sockets do
   */
  lookUp?: LookUpHost
}

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
  readonly #clock: Clock
  readonly #lookUp: LookUpHost | undefined

  /**
   * Look-ups under way, by name
   */
  readonly #lookups = new Map<string, Promise<readonly string[]>>()

  /**
   * @throws {InvalidOptionError} that names the entry of a list that is not a range
   */
  constructor ({ bans, deny = [], netRestrict, denyPrivateDials = false }: ConnectionGaterInit, { clock, lookUp = lookUpHost }: AddressRulesComponents) {
    this.#bans = bans
    this.#denied = cidrSet(deny, 'deny')
    this.#restricted = netRestrict == null ? undefined : cidrSet(netRestrict, 'netRestrict')
    this.#denyPrivateDials = denyPrivateDials
    this.#clock = clock
    this.#lookUp = lookUp

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

    return this.#lookUp == null ? this.#deniesOutbound(address) : this.#deniesNames(address, names, this.#lookUp)
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

  async #deniesNames (address: Multiaddr, names: readonly string[], lookUp: LookUpHost): Promise<boolean> {
    try {
      const found = await Promise.all(names.map(async name => this.#ipsOf(name, lookUp)))

      return found.flat().some(text => {
        const ip = parseIp(text)

        return ip == null || this.#deniesOutbound(withIp(address, ip))
      })
    } catch {
      return true
    }
  }

  /**
   * @throws {Error} if it takes too long, or there are none, or too many
   */
  async #ipsOf (name: string, lookUp: LookUpHost): Promise<readonly string[]> {
    const ips = await this.#inTime(this.#lookups.get(name) ?? this.#start(name, lookUp))

    if (ips.length === 0 || ips.length > MAX_IPS) {
      throw new Error(`${name} has ${ips.length} IP addresses`)
    }

    return ips
  }

  async #start (name: string, lookUp: LookUpHost): Promise<readonly string[]> {
    if (!isHostName(name) || this.#lookups.size >= MAX_LOOKUPS) {
      throw new Error(`${name} is not looked up`)
    }

    const lookup = lookUp(name).finally(() => { this.#lookups.delete(name) })
    this.#lookups.set(name, lookup)

    return lookup
  }

  async #inTime <T> (promise: Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = this.#clock.setTimeout(() => { reject(new Error(`Took longer than ${LOOKUP_TIMEOUT} ms`)) }, LOOKUP_TIMEOUT)

    return Promise.race([promise, late]).finally(() => { timer.clear() })
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
