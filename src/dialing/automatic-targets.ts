import { CODE_DNSADDR, CODE_HTTP, CODE_HTTPS, CODE_P2P_CIRCUIT, CODE_SNI, CODE_TLS, CODE_UNIX, CODE_WEBRTC, CODE_WEBTRANSPORT, CODE_WSS } from '@multiformats/multiaddr'
import { NAME_CODES, addressGroup, dialledHosts, relayPeer, remoteIp, withIp } from '../addresses/index.ts'
import { TokenBuckets } from '../admission/index.ts'
import { HostAddresses, hasLocalName, isPublicHost } from '../gating/index.ts'
import { RecentMap } from '../recent-map.ts'
import { usesRelay, wayOf } from './dial-traits.ts'
import type { GroupOf, IpAddress } from '../addresses/index.ts'
import type { Clock } from '../clock.ts'
import type { HostAddressesComponents } from '../gating/index.ts'
import type { RateLimits } from '../resources/index.ts'
import type { Address, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How often a host is dialled that nobody asked for, over all peers that claim to be
 * there: so who writes the address of a stranger into many records has it dialled a few
 * times, and then twice a minute. Four is as many addresses as an honest host mostly has
 * for its peer: TCP, QUIC, WebSockets and WebTransport. An IPv6 host has a /64.
 */
export const AUTOMATIC_DIALS_PER_HOST = { burst: 4, perMinute: 2 }

/**
 * How many names of one peer are looked up, and how many addresses of one name are used:
 * one name may have as many as it likes
 */
const MAX_NAMES = 8
const MAX_IPS_PER_NAME = 4

/**
 * Of how many names it is remembered what they lead to, and for how many ms, also if they
 * lead nowhere: records with the same names come again every few seconds
 */
const MAX_REMEMBERED_NAMES = 1_000
const REMEMBERED_FOR = 60_000

/**
 * What names and relays belong to as long as nobody knows where they lead: who has one
 * has as many as he likes
 */
const UNKNOWN_GROUP = 'unresolved'

/**
 * With these the name is told to the remote, so it must stay. With TLS nothing but the
 * beginning of a handshake is sent to whoever is at the wrong address.
 */
const NEEDS_NAME = new Set([CODE_TLS, CODE_SNI, CODE_WSS, CODE_HTTP, CODE_HTTPS, CODE_WEBTRANSPORT])
const NO_HOST_YET = new Set([CODE_DNSADDR, CODE_P2P_CIRCUIT, CODE_WEBRTC])
const NAMES_OF_ONE_FAMILY = new Map<string, 4 | 6>([['dns4', 4], ['dns6', 6]])

/**
 * An address that is not dialled without being asked for
 */
export interface DeniedTarget {
  readonly multiaddr: Multiaddr
  readonly reason: 'private' | 'too-many' | 'unresolved'
}

interface LookedUp {
  readonly at: number

  /**
   * None if it could not be looked up
   */
  readonly ips: ReadonlyArray<IpAddress | undefined>
}

export interface AutomaticTargetsComponents extends HostAddressesComponents {
  clock: Clock

  /**
   * Whether a peer was seen at an address that is not public
   *
   * @default none was
   */
  isNearby(peerId: PeerId, ip: IpAddress): boolean

  /**
   * Whether the user has named a peer, so that it may be wherever it says
   *
   * @default nobody was named
   */
  isNamed(peerId: PeerId): boolean

  /**
   * Where the relay with this id is connected, if it is
   *
   * @default it is not known
   */
  relayAddress(peer: string): Multiaddr | undefined

  /**
   * Asked first about networks, with an IP address wherever one is known
   *
   * @default undefined, networks go by IP address
   */
  groupOf?: GroupOf
}

/**
 * What is dialled though nobody has asked for it. Addresses come from strangers, so they
 * lead to public hosts only, to each a few times, and belong to the network that they
 * really lead to, whatever name they have.
 */
export class AutomaticTargets {
  readonly #components: AutomaticTargetsComponents
  readonly #hosts: HostAddresses

  /**
   * What names led to
   */
  readonly #lookedUp = new RecentMap<string, LookedUp>(MAX_REMEMBERED_NAMES)
  #tokens: TokenBuckets

  constructor (components: AutomaticTargetsComponents) {
    this.#components = components
    this.#hosts = new HostAddresses(components)
    this.#tokens = createTokens(components.clock)
  }

  /**
   * The addresses that may be dialled, each once. Names are looked up, and replaced by
   * what they lead to where the remote need not know them, so that they can not lead
   * somewhere else a moment later.
   */
  async dialable (peerId: PeerId | undefined, addresses: readonly Address[]): Promise<{ allowed: Address[], denied: DeniedTarget[] }> {
    const allowed = new Map<string, Address>()
    const denied: DeniedTarget[] = []
    let names = 0

    const targets = await Promise.all(addresses.map(async ({ multiaddr }) => {
      const isTooMany = dialledHosts(wayOf(multiaddr)).names.length > 0 && ++names > MAX_NAMES

      return isTooMany ? 'too-many' : this.#targetsOf(peerId, multiaddr)
    }))

    targets.forEach((found, i) => {
      const address = addresses[i]

      if (typeof found === 'string') {
        denied.push({ multiaddr: address.multiaddr, reason: found })
        return
      }

      for (const multiaddr of found) {
        const key = multiaddr.toString()

        if (!allowed.has(key)) {
          allowed.set(key, multiaddr === address.multiaddr ? address : { ...address, multiaddr })
        }
      }
    })

    return { allowed: [...allowed.values()], denied }
  }

  /**
   * The group of addresses that an address leads into. A relayed one leads to its relay.
   */
  groupOf (multiaddr: Multiaddr): string | undefined {
    const { groupOf } = this.#components
    const dialled = this.#resolved(this.#wayTo(multiaddr))
    const components = dialled.getComponents()

    if (remoteIp(dialled) == null && (components.length === 0 || usesRelay(multiaddr) || components.some(({ code }) => NO_HOST_YET.has(code) || NAME_CODES.has(code)))) {
      return hasLocalName(dialled) ? undefined : groupOf?.(dialled) ?? UNKNOWN_GROUP
    }

    return addressGroup(dialled, { groupOf })
  }

  /**
   * Whether the host of an address may be dialled once more, which counts. It always may
   * for a peer that the user has named: others claim to be there as well.
   */
  take (peerId: PeerId | undefined, multiaddr: Multiaddr): boolean {
    return usesRelay(multiaddr) || this.#isNamed(peerId) || this.#ipsOf(multiaddr).every(ip => !isPublicHost(ip) || this.#tokens.take(ip) == null)
  }

  /**
   * The network has changed, so what was dialled before does not count
   */
  forget (): void {
    this.#tokens = createTokens(this.#components.clock)
  }

  /**
   * What to dial for an address, or why it is not dialled
   */
  async #targetsOf (peerId: PeerId | undefined, multiaddr: Multiaddr): Promise<Multiaddr[] | DeniedTarget['reason']> {
    const { isNearby } = this.#components
    const isTrusted = this.#isNamed(peerId)

    if (usesRelay(multiaddr)) {
      const way = wayOf(multiaddr)
      const found = isTrusted || isAnywhere(way) ? [] : await this.#targetsOf(undefined, way)

      // the transport dials the relay by a dial of its own, for which the same holds
      return typeof found === 'string' ? found : [multiaddr]
    }

    const components = multiaddr.getComponents()

    if (components.some(({ code }) => code === CODE_UNIX) || hasLocalName(multiaddr)) {
      return isTrusted ? [multiaddr] : 'private'
    }

    const { addresses, names } = dialledHosts(multiaddr)
    const written = addresses.map(remoteIp).filter(ip => ip != null)
    const found = this.#hosts.canLookUp ? await Promise.all(names.map(async name => this.#lookUp(name))) : []
    const isAllowed = (ip: IpAddress | undefined): ip is IpAddress => ip != null && (isTrusted || isPublicHost(ip) || (peerId != null && isNearby(peerId, ip)))

    if (found.some(ips => ips.length === 0)) {
      return isTrusted ? [multiaddr] : 'unresolved'
    }

    // a name with any other address may be used for that one
    if (![...written, ...found.flat()].every(isAllowed)) {
      return 'private'
    }

    const [{ code, name }] = components

    if (!NAME_CODES.has(code) || !this.#hosts.canLookUp || components.some(({ code }) => NEEDS_NAME.has(code))) {
      return [multiaddr]
    }

    const family = NAMES_OF_ONE_FAMILY.get(name)
    const ips = [...written, ...found.flat().filter(ip => ip != null)].filter(ip => family == null || (ip.embeddedIn ?? ip).family === family)

    return ips.length === 0 ? 'unresolved' : ips.slice(0, MAX_IPS_PER_NAME).map(ip => withIp(multiaddr, ip))
  }

  #isNamed (peerId: PeerId | undefined): boolean {
    return peerId != null && this.#components.isNamed(peerId)
  }

  /**
   * Nothing if it can not be looked up
   */
  async #lookUp (name: string): Promise<LookedUp['ips']> {
    const { clock } = this.#components
    const known = this.#lookedUp.get(name)

    if (known != null && clock.now() - known.at < REMEMBERED_FOR) {
      return known.ips
    }

    const ips = await this.#hosts.of(name).catch(() => [])
    this.#lookedUp.set(name, { at: clock.now(), ips })

    return ips
  }

  /**
   * What tells where an address leads
   */
  #wayTo (multiaddr: Multiaddr): Multiaddr {
    if (!usesRelay(multiaddr)) {
      return multiaddr
    }

    const relay = relayPeer(multiaddr)
    const connected = relay == null ? undefined : this.#components.relayAddress(relay)

    // a relay that is connected is used, wherever the address says it is. It may be
    // reached through another one, of which no more is known
    return connected == null || usesRelay(connected) ? wayOf(multiaddr) : connected
  }

  /**
   * The address with an IP address in the place of the name, if it was looked up
   */
  #resolved (multiaddr: Multiaddr): Multiaddr {
    const [ip] = this.#ipsOf(multiaddr)

    return ip == null || remoteIp(multiaddr) != null ? multiaddr : withIp(multiaddr, ip)
  }

  #ipsOf (multiaddr: Multiaddr): readonly IpAddress[] {
    const ip = remoteIp(multiaddr)

    return ip == null ? dialledHosts(multiaddr).names.flatMap(name => this.#lookedUp.get(name)?.ips ?? []).filter(ip => ip != null) : [ip]
  }
}

function createTokens (clock: Clock): TokenBuckets {
  const { burst, perMinute } = AUTOMATIC_DIALS_PER_HOST
  const limit = { burst, perSecond: perMinute / 60 }
  const limits: RateLimits = { ipv4: [{ ...limit, prefix: 32 }], ipv6: [{ ...limit, prefix: 64 }] }

  return new TokenBuckets(clock, limits)
}

/**
 * Whether an address does not say where its peer is
 */
function isAnywhere (multiaddr: Multiaddr): boolean {
  return multiaddr.getComponents().every(({ name }) => name === 'p2p')
}
