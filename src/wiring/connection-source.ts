import { addressGroup, prefixText, relayPeer, remoteIp, transportKind } from '../addresses/index.ts'
import type { IpAddress, TransportKind } from '../addresses/index.ts'
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What an address says of where a connection comes from
 */
export interface ConnectionSource {
  readonly group: string
  readonly ip: IpAddress | undefined
  readonly transport: TransportKind
}

/**
 * Kept, as it does not change, and all connections are looked at for every newcomer
 * while the node is full
 */
const sources = new WeakMap<Connection, ConnectionSource>()

/**
 * The network or relay that an address is in
 */
export function networkOf (remoteAddr: Multiaddr, peer: string): string {
  return addressGroup(remoteAddr, { exemptPrivate: false }) ?? relayPeer(remoteAddr) ?? peer
}

/**
 * Where a connection comes from, or leads to
 */
export function sourceOf (connection: Connection): ConnectionSource {
  let source = sources.get(connection)

  if (source == null) {
    const { remoteAddr, remotePeer } = connection

    source = {
      group: networkOf(remoteAddr, remotePeer.toString()),
      ip: remoteIp(remoteAddr),
      transport: transportKind(remoteAddr)
    }
    sources.set(connection, source)
  }

  return source
}

/**
 * The IP address, or the /64 of one of IPv6; the relay or else the peer if there is none
 */
export function hostOf (remoteAddr: Multiaddr, peer: string): string {
  const ip = remoteIp(remoteAddr)

  return ip == null ? relayPeer(remoteAddr) ?? peer : prefixText(ip, ip.family === 4 ? 32 : 64)
}
