import {
  CODE_DNS,
  CODE_DNS4,
  CODE_DNS6,
  CODE_DNSADDR,
  CODE_MEMORY,
  CODE_P2P_CIRCUIT,
  CODE_UNIX,
  CODE_WEBRTC
} from '@multiformats/multiaddr'
import { isLocalName } from './host-names.ts'
import { isPrivateOrLoopback } from './ip-address.ts'
import { prefixText } from './prefixes.ts'
import { relayPeer, remoteIp } from './remote-ip.ts'
import type { IpAddress } from './ip-address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Says which group an address belongs to, e.g. its autonomous system. With
 * `undefined` the address gets the group it has without this function.
 */
export type GroupOf = (multiaddr: Multiaddr) => string | undefined

/**
 * How addresses are grouped
 */
export interface AddressGroupOptions {
  /**
   * Asked first, e.g. to group by autonomous system instead of by prefix
   */
  groupOf?: GroupOf

  /**
   * Whether loopback and private addresses have no group, so that test networks
   * and local networks are not thinned out
   *
   * @default true
   */
  exemptPrivate?: boolean
}

// what Bitcoin Core groups by: what one operator can have many of
const IPV4_GROUP_BITS = 16
const IPV6_GROUP_BITS = 32

// Hurricane Electric gives a /48 out of 2001:470::/32 to anybody
const HURRICANE_ELECTRIC = 0x20010470
const HURRICANE_ELECTRIC_GROUP_BITS = 36

/**
 * The group of addresses that share a network with this one, and so probably
 * their operator and their fate: the /16 of an IPv4 address, the /32 of an IPv6
 * address, the relay of a relayed address, the last two labels of a host name.
 * `undefined` for what belongs to no group: memory, unix sockets and, unless
 * `exemptPrivate` is `false`, private addresses.
 */
export function addressGroup (multiaddr: Multiaddr, options: AddressGroupOptions = {}): string | undefined {
  const group = options.groupOf?.(multiaddr)

  if (group != null) {
    return group
  }

  const exemptPrivate = options.exemptPrivate ?? true
  const ip = remoteIp(multiaddr)

  if (ip != null) {
    return exemptPrivate && isPrivateOrLoopback(ip) ? undefined : ipGroup(ip)
  }

  return nameGroup(multiaddr, exemptPrivate)
}

/**
 * The network that an IP address shares its fate with, in CIDR notation
 */
export function ipGroup (ip: IpAddress): string {
  if (ip.family === 4) {
    return prefixText(ip, IPV4_GROUP_BITS)
  }

  return prefixText(ip, ip.word(0) === HURRICANE_ELECTRIC ? HURRICANE_ELECTRIC_GROUP_BITS : IPV6_GROUP_BITS)
}

function nameGroup (multiaddr: Multiaddr, exemptPrivate: boolean): string | undefined {
  let group: string | undefined

  for (const { code, value } of multiaddr.getComponents()) {
    switch (code) {
      case CODE_P2P_CIRCUIT:
        return `relay:${relayPeer(multiaddr) ?? group ?? ''}`
      case CODE_MEMORY:
      case CODE_UNIX:
        return undefined
      case CODE_WEBRTC:
        return 'webrtc'
      case CODE_DNS:
      case CODE_DNS4:
      case CODE_DNS6:
      case CODE_DNSADDR:
        group = hostGroup(value ?? '', exemptPrivate)
        break
      default:
        break
    }
  }

  return group
}

/**
 * Without a list of public suffixes, names below one registry that has two
 * labels (co.uk) share a group
 */
function hostGroup (host: string, exemptPrivate: boolean): string | undefined {
  if (exemptPrivate && isLocalName(host)) {
    return undefined
  }

  const labels = host.toLowerCase().split('.').filter(label => label !== '')

  return `dns:${labels.slice(-2).join('.')}`
}
