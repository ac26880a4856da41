import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { remoteIp } from '../addresses/index.ts'
import { InvalidOptionError } from '../errors.ts'
import { CidrMap, parseCidr } from '../gating/index.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const ANY_PEER = ''

/**
 * Addresses that may connect when others may not: for every peer
 * (`/ip4/192.0.2.0/ipcidr/24`) or for one alone
 * (`/ip4/192.0.2.0/ipcidr/24/p2p/12D3KooW…`). Before the peer is known, its address
 * decides alone.
 */
export class AllowList {
  readonly #entries = new CidrMap<Set<string>>()

  /**
   * @throws {InvalidOptionError} that names the entry, e.g. `allow[2]`
   */
  constructor (inputs: readonly string[] = []) {
    for (const [i, input] of inputs.entries()) {
      const name = `allow[${i}]`
      const cidr = parseCidr(input, name)
      const peers = this.#entries.get(cidr) ?? new Set()
      this.#entries.set(cidr, peers.add(peerOf(input, name)))
    }
  }

  /**
   * Whether the address is listed, for any peer or for one
   */
  has (ip: IpAddress): boolean {
    return this.#entries.has(ip)
  }

  /**
   * Whether a connected peer is listed with its address
   */
  hasPeer (remoteAddr: Multiaddr, peerId: PeerId): boolean {
    // so that no address is read for nothing
    const ip = this.#entries.size === 0 ? undefined : remoteIp(remoteAddr)

    return ip != null && this.allows(ip, peerId.toString())
  }

  /**
   * Whether the address is listed for this peer
   */
  allows (ip: IpAddress, peer: string): boolean {
    return this.#entries.match(ip, peers => peers.has(ANY_PEER) || peers.has(peer)) != null
  }
}

function peerOf (input: string, option: string): string {
  // it was read already, so it is a multiaddr
  const peer = input.startsWith('/') ? multiaddr(input).getComponents().find(({ code }) => code === CODE_P2P)?.value : undefined

  try {
    return peer == null ? ANY_PEER : peerIdFromString(peer).toString()
  } catch (err) {
    throw new InvalidOptionError(option, input, 'a multiaddr with a valid peer id')
  }
}
