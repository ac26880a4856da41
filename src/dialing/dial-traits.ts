import {
  CODE_DNS4,
  CODE_DNS6,
  CODE_IP4,
  CODE_IP6,
  CODE_IP6ZONE,
  CODE_MEMORY,
  CODE_P2P_CIRCUIT,
  CODE_QUIC,
  CODE_TCP,
  CODE_UDP,
  CODE_UNIX
} from '@multiformats/multiaddr'
import { Circuit } from '@multiformats/multiaddr-matcher'
import { NAME_CODES, isLocalName, isLoopback, isPrivateOrLoopback, leadingIp, transportKind } from '../addresses/index.ts'
import type { IpAddress, TransportKind } from '../addresses/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How a dialled address is reached: over the internet, within the local network
 * or this host, directly once a relay has introduced both sides (WebRTC),
 * through a relay, or in a way that is not known here
 */
export type DialScope = 'public' | 'private' | 'signalled' | 'relayed' | 'other'

/**
 * What the rules of dialling ask of an address. Of relayed addresses it is the
 * way to the relay that is described.
 */
export interface DialTraits {
  scope: DialScope

  /**
   * The transport, `quic` being the drafts before `quic-v1`
   */
  kind: TransportKind | 'quic'

  /**
   * Undefined for names that are asked for both, and where there is no IP
   */
  family?: 4 | 6

  /**
   * The host as the address writes it
   */
  host?: string
  port?: number
  isUDP: boolean
  isUnspecified: boolean
  isLoopback: boolean

  /**
   * IPv6 link-local without a zone, which leads nowhere
   */
  isLinkLocal: boolean
}

const FAMILIES = new Map<number, 4 | 6>([[CODE_IP4, 4], [CODE_IP6, 6], [CODE_DNS4, 4], [CODE_DNS6, 6]])

/**
 * What the rules of dialling ask of an address
 */
export function dialTraits (multiaddr: Multiaddr): DialTraits {
  const isRelayed = usesRelay(multiaddr)
  const way = wayOf(multiaddr)
  const components = way.getComponents()
  const hostAt = components.findIndex(({ code }) => FAMILIES.has(code) || NAME_CODES.has(code))
  const host = hostAt === -1 ? undefined : components[hostAt]
  const port = components.find(({ code }) => code === CODE_TCP || code === CODE_UDP)
  const kind = transportKind(way)
  const hostText = host?.value ?? ''
  const ip = leadingIp(components)

  return {
    scope: isRelayed ? relayedScope(multiaddr) : directScope(components.map(({ code }) => code), host, ip),
    kind: components.some(({ code }) => code === CODE_QUIC) ? 'quic' : kind,
    family: host == null ? undefined : FAMILIES.get(host.code),
    host: host?.value,
    port: port?.value == null ? undefined : Number(port.value),
    isUDP: port?.code === CODE_UDP,
    isUnspecified: hostText === '0.0.0.0' || hostText === '::',
    isLoopback: ip != null && isLoopback(ip),
    isLinkLocal: host?.code === CODE_IP6 && components[hostAt - 1]?.code !== CODE_IP6ZONE && /^fe[89ab]/i.test(hostText)
  }
}

/**
 * Does anything go through a relay?
 */
export function usesRelay (multiaddr: Multiaddr): boolean {
  return multiaddr.getComponents().some(({ code }) => code === CODE_P2P_CIRCUIT)
}

/**
 * The address that is dialled first: that of the relay, if there is one
 */
export function wayOf (multiaddr: Multiaddr): Multiaddr {
  return usesRelay(multiaddr) ? multiaddr.decapsulateCode(CODE_P2P_CIRCUIT) : multiaddr
}

/**
 * Does everything go through a relay? With WebRTC only the introduction does.
 */
export function isRelayed (multiaddr: Multiaddr): boolean {
  return Circuit.exactMatch(multiaddr)
}

/**
 * The port of a public IP address or of a name that an address is dialled at by itself.
 * `undefined` if it goes through a relay, or to no port, or is no stranger's.
 */
export function endpointOf (multiaddr: Multiaddr): string | undefined {
  const { host, isUDP, port, scope } = dialTraits(multiaddr)

  if (host == null || port == null || scope !== 'public') {
    return undefined
  }

  const ip = leadingIp(multiaddr.getComponents())

  return `${ip?.text ?? host.toLowerCase()} ${isUDP ? 'udp' : 'tcp'} ${port}`
}

function relayedScope (multiaddr: Multiaddr): DialScope {
  return transportKind(multiaddr) === 'webrtc' ? 'signalled' : 'relayed'
}

function directScope (codes: number[], host?: { code: number, value?: string }, ip?: IpAddress): DialScope {
  if (host?.value == null) {
    return codes.includes(CODE_MEMORY) || codes.includes(CODE_UNIX) ? 'private' : 'other'
  }

  return (ip == null ? isLocalName(host.value) : isPrivateOrLoopback(ip)) ? 'private' : 'public'
}
