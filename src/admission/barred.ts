import { isWithinNetworks } from '../gating/index.ts'
import type { AdmissionComponents } from './admission-components.ts'
import type { AdmissionReason } from './refusals.ts'
import type { Origin } from '../addresses/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Why an address may not connect, whatever room there is. `undefined` if it may.
 */
export function barredReason ({ bans, deny, netRestrict }: Pick<AdmissionComponents, 'bans' | 'deny' | 'netRestrict'>, remoteAddr: Multiaddr, { ip, relay }: Origin): AdmissionReason | undefined {
  if ((ip != null && bans.ofIp(ip) != null) || (relay != null && bans.ofPeer(relay) != null)) {
    return 'banned'
  }

  if (netRestrict != null && !isWithinNetworks(netRestrict, remoteAddr, ip)) {
    return 'net-restrict'
  }

  return ip != null && deny.has(ip) ? 'denied' : undefined
}

/**
 * Whether connections from there may only stay while there is room
 */
export function isDiscouraged ({ discouraged }: Pick<AdmissionComponents, 'discouraged'>, { ip, relay }: Origin): boolean {
  return (ip != null && discouraged.hasIp(ip)) || (relay != null && discouraged.hasPeer(relay))
}
