import { isOnThisHost } from '../addresses/index.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

interface Networks {
  has(ip: IpAddress): boolean
}

/**
 * Whether a multiaddr is in one of the only networks that may be talked to. What
 * has no IP address of the remote can not be shown to be, except what does not leave
 * this host.
 *
 * @param networks - the only networks
 * @param multiaddr - the multiaddr
 * @param ip - its `remoteIp`
 */
export function isWithinNetworks (networks: Networks, multiaddr: Multiaddr, ip: IpAddress | undefined): boolean {
  return ip == null ? isOnThisHost(multiaddr) : networks.has(ip)
}
