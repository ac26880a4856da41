import { isPublicIp, ipToBytes } from '../ip.ts'
import { acceptLocation, decodeSSDP, encodeSSDPSearch, SSDP_GROUP, SSDP_GROUP_IPV6, SSDP_PORT, SSDP_TARGETS } from './ssdp-message.ts'
import type { Clock, Timer } from '../../clock.ts'
import type { IPFamily } from '../ip.ts'
import type { InterfaceAddress, Network, UDPSocket } from '../network/types.ts'
import type { AbortOptions } from '@libp2p/interface'

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
   * Called once for each place where a gateway says that its description is
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
