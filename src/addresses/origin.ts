import { CODE_P2P, CODE_P2P_CIRCUIT, CODE_TCP } from '@multiformats/multiaddr'
import { leadingIp } from './remote-ip.ts'
import type { IpAddress } from './ip-address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Where a connection comes from: an IP address, the peer that relays it, or
 * neither, e.g. for WebRTC between browsers and in memory
 */
export interface Origin {
  readonly ip?: IpAddress

  /**
   * The peer id of the relay
   */
  readonly relay?: string

  /**
   * Does the connection need a file descriptor of its own?
   *
   * @default false
   */
  readonly fileDescriptor?: boolean
}

/**
 * Where a connection with this address comes from. A relayed one never comes from
 * the IP address of its relay. Looks at the address once, as it is asked for every
 * connection that knocks.
 */
export function originOf (remoteAddr: Multiaddr): Origin {
  const components = remoteAddr.getComponents()
  let peer: string | undefined
  let fileDescriptor = false

  for (let i = 0; i < components.length; i++) {
    const { code, value } = components[i]

    if (code === CODE_P2P) {
      peer = value
    } else if (code === CODE_TCP) {
      fileDescriptor = true
    } else if (code === CODE_P2P_CIRCUIT) {
      return { relay: lastRelay(components, i, peer), fileDescriptor: false }
    }
  }

  return {
    ip: leadingIp(components),
    fileDescriptor
  }
}

/**
 * Of several relays the last one is the one that the connection comes from
 */
function lastRelay (components: ReturnType<Multiaddr['getComponents']>, from: number, relay: string | undefined): string | undefined {
  let peer: string | undefined

  for (let i = from + 1; i < components.length; i++) {
    if (components[i].code === CODE_P2P) {
      peer = components[i].value
    } else if (components[i].code === CODE_P2P_CIRCUIT) {
      relay = peer
    }
  }

  return relay
}

/**
 * The scope of what concerns an origin alone
 */
export function scopeOf ({ ip, relay }: Origin): string {
  if (ip != null) {
    return `ip:${ip.text}`
  }

  return relay == null ? 'system' : `relay:${relay}`
}
