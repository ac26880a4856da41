import { isWithinNetworks } from '../gating/index.ts'
import type { Origin } from './origin.ts'
import type { AdmissionReason } from './refusals.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface BarredComponents {
  bans?: {
    ofIp(ip: IpAddress): unknown
    ofPeer(peer: string): unknown
  }
  deny?: { has(ip: IpAddress): boolean }
  netRestrict?: { has(ip: IpAddress): boolean }
}

/**
 * Why an address may not connect, whatever room there is. `undefined` if it may.
 */
export function barredReason ({ bans, deny, netRestrict }: BarredComponents, remoteAddr: Multiaddr, { ip, relay }: Origin): AdmissionReason | undefined {
  if ((ip != null && bans?.ofIp(ip) != null) || (relay != null && bans?.ofPeer(relay) != null)) {
    return 'banned'
  }

  if (netRestrict != null && !isWithinNetworks(netRestrict, remoteAddr, ip)) {
    return 'net-restrict'
  }

  return ip != null && deny?.has(ip) === true ? 'denied' : undefined
}

export interface DiscouragedComponents {
  discouraged?: {
    hasPeer(peer: string): boolean
    hasIp(ip: IpAddress): boolean
  }
}

/**
 * Whether connections from there may only stay while there is room
 */
export function isDiscouraged ({ discouraged }: DiscouragedComponents, { ip, relay }: Origin): boolean {
  return discouraged != null && ((ip != null && discouraged.hasIp(ip)) || (relay != null && discouraged.hasPeer(relay)))
}
