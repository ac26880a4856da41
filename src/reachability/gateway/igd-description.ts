import { GatewayError } from './gateway-client.ts'
import { childOf, childrenOf, parseXML, textOf } from './xml.ts'
import type { XMLElement } from './xml.ts'

/**
 * A service of a gateway device
 */
export interface IGDService {
  /**
   * URN of its type, as requests name it
   */
  type: string

  /**
   * Where requests go to
   */
  controlURL: URL
}

/**
 * What a gateway device can do
 */
export interface IGDDescription {
  /**
   * Which version of the device: 1 has no AddAnyPortMapping and no pinholes
   */
  version: 1 | 2

  /**
   * Connections that map ports, best first
   */
  connections: IGDService[]

  /**
   * The firewall that takes IPv6 pinholes
   */
  firewall?: IGDService
}

const CONNECTION_TYPES = [
  'urn:schemas-upnp-org:service:WANIPConnection:2',
  'urn:schemas-upnp-org:service:WANIPConnection:1',
  'urn:schemas-upnp-org:service:WANPPPConnection:1'
]
const FIREWALL_TYPE = 'urn:schemas-upnp-org:service:WANIPv6FirewallControl:1'
const DEVICE_V2 = 'urn:schemas-upnp-org:device:InternetGatewayDevice:2'

// more devices or services than a router has
const MAX_VISITED = 64

/**
 * Read the description of a gateway device
 *
 * @throws {GatewayError} `malformed`: not a description; `unsupported`: of a
 * device that maps no ports
 */
export function parseIGDDescription (text: string, location: URL): IGDDescription {
  const root = childOf(parseXML(text), 'root')
  const device = childOf(root, 'device')

  if (device == null) {
    throw new GatewayError('malformed', 'This is not the description of a device')
  }

  const base = textOf(root, 'URLBase')
  const services = collectServices(device)
    .map(service => toService(service, base, location))
    .filter(service => service != null)
  const connections = services
    .filter(({ type }) => CONNECTION_TYPES.includes(type))
    .sort((a, b) => CONNECTION_TYPES.indexOf(a.type) - CONNECTION_TYPES.indexOf(b.type))
  const firewall = services.find(({ type }) => type === FIREWALL_TYPE)

  if (connections.length === 0 && firewall == null) {
    throw new GatewayError('unsupported', 'The device maps no ports')
  }

  const isV2 = textOf(device, 'deviceType') === DEVICE_V2 || connections.some(({ type }) => type === CONNECTION_TYPES[0])

  return { version: isV2 ? 2 : 1, connections, firewall }
}

function collectServices (root: XMLElement): XMLElement[] {
  const services: XMLElement[] = []
  const devices = [root]

  for (let i = 0; i < devices.length && i < MAX_VISITED; i++) {
    services.push(...childrenOf(childOf(devices[i], 'serviceList'), 'service'))
    devices.push(...childrenOf(childOf(devices[i], 'deviceList'), 'device'))
  }

  return services.slice(0, MAX_VISITED)
}

function toService (service: XMLElement, base: string | undefined, location: URL): IGDService | undefined {
  const type = textOf(service, 'serviceType')
  const path = textOf(service, 'controlURL')

  if (type == null || path == null || path === '') {
    return undefined
  }

  const root = base != null && URL.canParse(base, location) ? new URL(base, location) : location

  if (!URL.canParse(path, root)) {
    return undefined
  }

  const controlURL = new URL(path, root)

  // the description may not send requests to somebody else
  if (controlURL.protocol !== 'http:' || controlURL.hostname !== location.hostname) {
    return undefined
  }

  return { type, controlURL }
}
