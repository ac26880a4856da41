import { familyOf, isPublicIp } from '../ip.ts'

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
