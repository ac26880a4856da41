import { familyOf, ipToBytes, isPublicIp } from '../../addresses/index.ts'
import type { IPFamily } from '../../addresses/index.ts'
import type { Clock, Timer } from '../../clock.ts'
import type { InterfaceAddress, Network, UDPSocket } from '../network/network.ts'
import type { AbortOptions } from '@libp2p/interface'

/**
 * Where devices listen for searches (UPnP Device Architecture 2.0 section 1)
 */
export const SSDP_PORT = 1900

/**
 * The multicast group of SSDP over IPv4
 */
export const SSDP_GROUP = '239.255.255.250'

/**
 * The multicast group of SSDP over IPv6, on the local link
 */
export const SSDP_GROUP_IPV6 = 'ff02::c'

/**
 * What to search for: old gateways answer to the services they have only
 */
export const SSDP_TARGETS = [
  'urn:schemas-upnp-org:device:InternetGatewayDevice:2',
  'urn:schemas-upnp-org:device:InternetGatewayDevice:1',
  'urn:schemas-upnp-org:service:WANIPConnection:2',
  'urn:schemas-upnp-org:service:WANIPConnection:1',
  'urn:schemas-upnp-org:service:WANPPPConnection:1'
]

const MAX_LENGTH = 4096
const MAX_HEADERS = 40

/**
 * An answer to a search, or what a device announces by itself
 */
export interface SSDPMessage {
  kind: 'response' | 'alive' | 'byebye'

  /**
   * Where the description is
   */
  location?: string

  /**
   * Search or notification type
   */
  target: string

  /**
   * Changes when the device restarts
   */
  bootId?: number
}

/**
 * A search for devices
 */
export function encodeSSDPSearch (target: string, host: string, seconds: number): Uint8Array {
  return new TextEncoder().encode([
    'M-SEARCH * HTTP/1.1',
    `HOST: ${host}:${SSDP_PORT}`,
    'MAN: "ssdp:discover"',
    `MX: ${seconds}`,
    `ST: ${target}`,
    '', ''
  ].join('\r\n'))
}

/**
 * Read what arrived on an SSDP socket, `undefined` if it is nothing of interest
 */
export function decodeSSDP (data: Uint8Array): SSDPMessage | undefined {
  if (data.byteLength > MAX_LENGTH) {
    return undefined
  }

  const [first, ...lines] = new TextDecoder().decode(data).split('\n')
  const start = first.trim().toUpperCase()
  const headers = new Map<string, string>()

  for (const line of lines.slice(0, MAX_HEADERS)) {
    const colon = line.indexOf(':')

    if (colon > 0) {
      headers.set(line.slice(0, colon).trim().toUpperCase(), line.slice(colon + 1).trim())
    }
  }

  const boot = Number(headers.get('BOOTID.UPNP.ORG') ?? NaN)
  const common = {
    location: headers.get('LOCATION'),
    bootId: Number.isInteger(boot) ? boot : undefined
  }

  if (start.startsWith('HTTP/1.') && start.split(' ')[1] === '200') {
    return { kind: 'response', target: headers.get('ST') ?? '', ...common }
  }

  if (start.startsWith('NOTIFY ')) {
    const kind = headers.get('NTS')?.toLowerCase()

    if (kind === 'ssdp:alive' || kind === 'ssdp:byebye') {
      return { kind: kind === 'ssdp:alive' ? 'alive' : 'byebye', target: headers.get('NT') ?? '', ...common }
    }
  }

  return undefined
}

/**
 * The location a device gave, if it may be asked: plain HTTP, on the very host
 * that answered, which is not somewhere on the internet. Anything else could
 * make this node send requests to a stranger. A public IPv6 address is fine if
 * `isOnLink` knows it as a neighbour.
 */
export function acceptLocation (location: string | undefined, sender: string, isOnLink: (ip: string) => boolean = () => false): URL | undefined {
  if (location == null || !URL.canParse(location)) {
    return undefined
  }

  const url = new URL(location)
  const host = hostOf(url)

  if (url.protocol !== 'http:' || url.username !== '' || url.password !== '' || familyOf(host) == null) {
    return undefined
  }

  if (host !== normalise(sender) || (isPublicIp(host) && !isOnLink(host))) {
    return undefined
  }

  return url
}

/**
 * The host of a URL, without the brackets around an IPv6 address
 */
export function hostOf (url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
}

// the one spelling that URL gives to an address
function normalise (ip: string): string {
  const bare = ip.split('%')[0]

  return bare.includes(':') && URL.canParse(`http://[${bare}]`) ? hostOf(new URL(`http://[${bare}]`)) : bare
}

// a device may wait up to MX seconds before it answers
const MAX_WAIT_SECONDS = 1

// searches are sent again, datagrams get lost (UPnP Device Architecture 2.0 section 1.3.2)
const ROUND = 2_500

// more gateways than there are in a home
const MAX_LOCATIONS = 16

/**
 * How to search
 */
export interface SSDPSearch extends AbortOptions {
  family: IPFamily
  network: Network
  clock: Clock

  /**
   * Called once for each URL at which a gateway says that its description is
   */
  onLocation(location: URL): void
}

/**
 * Search for UPnP gateways on every interface, until aborted. The sockets use
 * ports of their own: only answers arrive, from whichever port.
 */
export async function searchSSDP ({ family, network, clock, onLocation, signal }: SSDPSearch): Promise<void> {
  const interfaces = network.interfaceAddresses().filter(info => info.family === family && !info.internal && (family === 4 || isPublicIp(info.address)))
  const seen = new Set<string>()
  const sockets: UDPSocket[] = []
  let timer: Timer | undefined

  try {
    for (const info of interfaces) {
      try {
        const socket = await network.openUDP({ family, localAddress: info.address, signal })
        sockets.push(socket)
        socket.onError = () => {}
        socket.onMessage = ({ data, address }) => {
          const message = decodeSSDP(data)
          const location = message?.kind === 'response' ? acceptLocation(message.location, address, ip => isOnLink(ip, interfaces)) : undefined

          if (location != null && !seen.has(location.href) && seen.size < MAX_LOCATIONS) {
            seen.add(location.href)
            onLocation(location)
          }
        }
      } catch {
        // an interface that went away, or does not do this family
      }
    }

    const round = (): void => {
      sockets.forEach((socket, index) => { sendSearch(socket, family, interfaces[index]) })
      timer = clock.setTimeout(round, ROUND)
    }

    if (signal?.aborted !== true) {
      round()
      await new Promise<void>(resolve => { signal?.addEventListener('abort', () => { resolve() }, { once: true }) })
    }
  } finally {
    timer?.clear()
    sockets.forEach(socket => { socket.close() })
  }
}

function sendSearch (socket: UDPSocket, family: IPFamily, info: InterfaceAddress): void {
  for (const target of SSDP_TARGETS) {
    if (family === 4) {
      socket.send(encodeSSDPSearch(target, SSDP_GROUP, MAX_WAIT_SECONDS), SSDP_GROUP, SSDP_PORT)
    } else {
      socket.send(encodeSSDPSearch(target, `[${SSDP_GROUP_IPV6.toUpperCase()}]`, MAX_WAIT_SECONDS), `${SSDP_GROUP_IPV6}%${info.scope}`, SSDP_PORT)
    }
  }
}

/**
 * Whether an IPv6 address is in the same /64 as one of this machine
 */
function isOnLink (ip: string, interfaces: InterfaceAddress[]): boolean {
  const prefix = ipToBytes(ip).subarray(0, 8).join()

  return ip.includes(':') && interfaces.some(({ family, address }) => family === 6 && ipToBytes(address.split('%')[0]).subarray(0, 8).join() === prefix)
}
