import { addressGroup, hostRange, relayPeer, remoteIp, transportKind } from '../addresses/index.ts'
import { entryFields } from './connection-entry.ts'
import type { OpenEntry } from './connection-entry.ts'
import type { GroupOf, IpAddress, TransportKind } from '../addresses/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What an address says of where a connection comes from
 */
export interface ConnectionSource {
  readonly group: string
  readonly ip: IpAddress | undefined
  readonly transport: TransportKind
}

declare module './connection-entry.ts' {
  interface ConnectionEntry {
    /**
     * Where it comes from or leads to, once that was asked for
     */
    source: ConnectionSource | undefined
  }
}

entryFields(entry => { entry.source = undefined })

/**
 * The network or relay that an address is in
 *
 * @param remoteAddr - the address
 * @param peer - stands for its network if the address tells none
 * @param groupOf - asked first, as everywhere where networks are compared
 */
export function networkOf (remoteAddr: Multiaddr, peer: string, groupOf?: GroupOf): string {
  return addressGroup(remoteAddr, { groupOf, exemptPrivate: false }) ?? relayPeer(remoteAddr) ?? peer
}

/**
 * Where a connection comes from, or leads to. Kept in its record, as it does not change, and
 * all connections are looked at for every newcomer while the node is full.
 */
export function sourceOf (entry: OpenEntry, groupOf?: GroupOf): ConnectionSource {
  if (entry.source == null) {
    const { remoteAddr, remotePeer } = entry.connection

    entry.source = {
      group: networkOf(remoteAddr, remotePeer.toString(), groupOf),
      ip: remoteIp(remoteAddr),
      transport: transportKind(remoteAddr)
    }
  }

  return entry.source
}

/**
 * The IP address, or the /64 of one of IPv6; the relay or else the peer if there is none
 */
export function hostOf (remoteAddr: Multiaddr, peer: string): string {
  const ip = remoteIp(remoteAddr)

  return ip == null ? relayPeer(remoteAddr) ?? peer : hostRange(ip)
}
