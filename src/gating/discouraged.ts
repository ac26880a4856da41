import { prefixText } from '../addresses/index.ts'
import { atLeastOne } from '../options.ts'
import { RecentMap } from '../recent-map.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { OptionRules } from '../options.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * The options of a {@link DiscouragedList}
 */
export interface DiscouragedListInit {
  /**
   * How many peers and addresses are remembered, the latest ones
   *
   * @default 50_000
   */
  maxEntries?: number
}

/**
 * What each of these options may be
 */
export const DISCOURAGED_RULES: OptionRules<DiscouragedListInit> = { maxEntries: atLeastOne }

// Bitcoin Core remembers as many
const DEFAULT_MAX_ENTRIES = 50_000

// what one customer of a provider usually has
const IPV4_HOST_BITS = 32
const IPV6_HOST_BITS = 56

/**
 * Peers and addresses that have misbehaved, but not so much that they are banned:
 * they may come in while there is room, and are the first to go. Kept in memory
 * only.
 */
export class DiscouragedList {
  readonly #entries: RecentMap<string, true>

  constructor (init: DiscouragedListInit = {}) {
    this.#entries = new RecentMap(init.maxEntries ?? DEFAULT_MAX_ENTRIES)
  }

  /**
   * How many peers and addresses are discouraged
   */
  get size (): number {
    return this.#entries.size
  }

  addPeer (peerId: PeerId | string): void {
    this.#entries.set(peerId.toString(), true)
  }

  /**
   * An IPv6 address is discouraged with its /56, as one customer usually has all
   * of it
   */
  addIp (ip: IpAddress): void {
    this.#entries.set(hostOf(ip), true)
  }

  hasPeer (peerId: PeerId | string): boolean {
    // the text of a peer id costs more than this
    return this.#entries.size > 0 && this.#entries.has(peerId.toString())
  }

  hasIp (ip: IpAddress): boolean {
    return this.#entries.size > 0 && this.#entries.has(hostOf(ip))
  }

  /**
   * Forgives a peer. Returns whether it was discouraged.
   */
  deletePeer (peerId: PeerId | string): boolean {
    return this.#entries.delete(peerId.toString())
  }

  /**
   * Forgives an address. Returns whether it was discouraged.
   */
  deleteIp (ip: IpAddress): boolean {
    return this.#entries.delete(hostOf(ip))
  }
}

function hostOf (ip: IpAddress): string {
  return prefixText(ip, ip.family === 4 ? IPV4_HOST_BITS : IPV6_HOST_BITS)
}
