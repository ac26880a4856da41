import {
  CODE_DNS,
  CODE_DNS4,
  CODE_DNS6,
  CODE_IP4,
  CODE_IP6,
  CODE_IP6ZONE,
  CODE_P2P_CIRCUIT,
  CODE_SNI,
  multiaddr
} from '@multiformats/multiaddr'
import { parseIp } from './ip-address.ts'
import type { IpAddress } from './ip-address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Names of DNS have at most 253 characters. Characters that are ignored may be between.
 */
const MAX_NAME_LENGTH = 1_024

/**
 * What is not a letter or a digit of a host, or ends in a number: only such a name can be
 * a number in disguise
 */
const MAYBE_NUMBER = /[^\w.-]|(^|\.)(0x[\da-f]*|\d+)\.?$/i

/**
 * What ends a host or is read in another way in a URL, and is in no name of a host
 */
// eslint-disable-next-line no-control-regex
const NOT_IN_NAMES = /[\u0000-\u0020\u007f"#%/:<>?@[\\\]^`{|}]/

// names that never leave the host or the local network (RFC 6761, RFC 6762)
const LOCAL_NAME = /(^|\.)(localhost|local)\.?$/i

/**
 * The codes of names that sockets look up
 */
export const NAME_CODES: ReadonlySet<number> = new Set([CODE_DNS, CODE_DNS4, CODE_DNS6])

/**
 * The IP address that a name is in disguise, as sockets and URLs read it: parts that are
 * left out, octal, hexadecimal, one number for all, full-width digits, IPv6 where a name
 * belongs. `undefined` for a name that has to be looked up.
 */
export function ipOfName (name: string): IpAddress | undefined {
  if (name.length > MAX_NAME_LENGTH) {
    return undefined
  }

  const ip = parseIp(name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name)

  if (ip != null || !MAYBE_NUMBER.test(name)) {
    return ip
  }

  try {
    // all of this is in the standard of URLs, and resolvers of systems agree with it
    return parseIp(new URL(`ws://${name}`).hostname)
  } catch {
    return undefined
  }
}

/**
 * Whether a name can be that of a host. What can not may be read as another host than
 * the one that is looked up.
 */
export function isHostName (name: string): boolean {
  return name !== '' && name.length <= MAX_NAME_LENGTH && !NOT_IN_NAMES.test(name)
}

/**
 * Whether a name never leaves this host or the local network
 */
export function isLocalName (name: string): boolean {
  return LOCAL_NAME.test(name)
}

/**
 * What an address is dialled at
 */
export interface DialledHosts {
  /**
   * The address with each IP address that is in it, a number in disguise or not. The
   * address itself, if there is no host in it.
   */
  readonly addresses: readonly Multiaddr[]

  /**
   * The names that have to be looked up
   */
  readonly names: readonly string[]
}

const NO_NAMES: readonly string[] = []

/**
 * What an address is dialled at: what it begins with, and the name for TLS, which
 * WebSockets are dialled by. The way to a relay is not looked at, as that is dialled with
 * an address of its own.
 */
export function dialledHosts (address: Multiaddr): DialledHosts {
  const components = address.getComponents()
  const hosts = components.filter(({ code }, i) => code === CODE_SNI || (i === 0 && NAME_CODES.has(code)))

  if (hosts.length === 0 || components.some(({ code }) => code === CODE_P2P_CIRCUIT)) {
    return { addresses: [address], names: NO_NAMES }
  }

  const addresses = NAME_CODES.has(components[0].code) ? [] : [address]
  const names: string[] = []

  for (const { value = '' } of hosts) {
    const ip = ipOfName(value)

    if (ip == null) {
      names.push(value)
    } else {
      addresses.push(withIp(address, ip))
    }
  }

  return { addresses, names }
}

/**
 * An address with an IP address in the place of the host that it begins with
 */
export function withIp (address: Multiaddr, ip: IpAddress): Multiaddr {
  const components = address.getComponents()
  const { family, text } = ip.embeddedIn ?? ip
  const host = family === 4 ? { code: CODE_IP4, name: 'ip4', value: text } : { code: CODE_IP6, name: 'ip6', value: text }

  return multiaddr([host, ...components.slice(components[0]?.code === CODE_IP6ZONE ? 2 : 1)])
}
