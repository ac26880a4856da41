import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, isMultiaddr, multiaddr } from '@multiformats/multiaddr'
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
   * @param inputs - the entries
   * @param option - how an error names the list
   * @throws {InvalidOptionError} that names the entry, e.g. `allow[2]`
   */
  constructor (inputs: ReadonlyArray<string | Multiaddr> = [], option = 'allow') {
    inputs.forEach((input, i) => { this.add(input, `${option}[${i}]`) })
  }

  /**
   * How many ranges of addresses are listed
   */
  get size (): number {
    return this.#entries.size
  }

  /**
   * @throws {InvalidOptionError} if the entry is none of the forms above
   */
  add (input: string | Multiaddr, option = 'allow'): void {
    const cidr = parseCidr(input, option)
    const peer = peerOf(input, option)
    const peers = this.#entries.get(cidr)

    if (peers == null) {
      this.#entries.set(cidr, new Set([peer]))
    } else {
      peers.add(peer)
    }
  }

  /**
   * Takes an entry off the list. Returns whether it was there. What is connected
   * stays connected.
   *
   * @throws {InvalidOptionError} if the entry is none of the forms above
   */
  delete (input: string | Multiaddr): boolean {
    const cidr = parseCidr(input, 'allow')
    const peers = this.#entries.get(cidr)
    const isDeleted = peers?.delete(peerOf(input, 'allow')) ?? false

    if (peers?.size === 0) {
      this.#entries.delete(cidr)
    }

    return isDeleted
  }

  /**
   * Whether the address is listed, for any peer or for one
   */
  has (ip: IpAddress): boolean {
    return this.#entries.size > 0 && this.#entries.has(ip)
  }

  /**
   * Whether a connected peer is listed with its address
   */
  hasPeer (remoteAddr: Multiaddr, peerId: PeerId): boolean {
    if (this.#entries.size === 0) {
      return false
    }

    const ip = remoteIp(remoteAddr)

    return ip != null && this.allows(ip, peerId.toString())
  }

  /**
   * Whether the address is listed for this peer
   */
  allows (ip: IpAddress, peer: string): boolean {
    return this.#entries.match(ip, peers => peers.has(ANY_PEER) || peers.has(peer)) != null
  }
}

function peerOf (input: string | Multiaddr, option: string): string {
  if (!isMultiaddr(input) && !input.startsWith('/')) {
    return ANY_PEER
  }

  // it was parsed already, so it is a multiaddr
  const components = (isMultiaddr(input) ? input : multiaddr(input)).getComponents()
  const peer = components.find(({ code }) => code === CODE_P2P)?.value

  if (peer == null) {
    return ANY_PEER
  }

  try {
    return peerIdFromString(peer).toString()
  } catch (err) {
    throw new InvalidOptionError(option, input, 'a multiaddr with a valid peer id')
  }
}
