import { tryGetNetConfig } from '@libp2p/utils'
import { CODE_P2P_CIRCUIT } from '@multiformats/multiaddr'
import type { IPFamily } from './ip-text.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What a port belongs to
 */
export type TransportProtocol = 'tcp' | 'udp'

/**
 * IP address, port and transport protocol of an address: everything that
 * decides whether it can be dialled
 */
export interface SocketAddress {
  family: IPFamily
  host: string
  port: number
  protocol: TransportProtocol
}

/**
 * The socket address a multiaddr leads to, `undefined` for relayed addresses,
 * names, and everything that is neither TCP nor UDP over IP
 */
export function socketAddressOf (ma: Multiaddr): SocketAddress | undefined {
  if (ma.getComponents().some(({ code }) => code === CODE_P2P_CIRCUIT)) {
    return undefined
  }

  const config = tryGetNetConfig(ma)

  if (config == null || (config.type !== 'ip4' && config.type !== 'ip6') || config.port == null || config.protocol == null) {
    return undefined
  }

  return {
    family: config.type === 'ip4' ? 4 : 6,
    host: config.host,
    port: config.port,
    protocol: config.protocol
  }
}
