import { IpAddress, hostRange, parseIp, relayPeer, remoteIp } from '../addresses/index.ts'
import { systemClock } from '../clock.ts'
import { InvalidOptionError } from '../errors.ts'
import { atLeastOne, numberRule } from '../options.ts'
import { RecentMap } from '../recent-map.ts'
import type { Clock } from '../clock.ts'
import type { OptionRules } from '../options.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

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

  /**
   * For how many ms somebody is discouraged. `Infinity`: until the node stops, or there
   * are too many.
   *
   * @default 86_400_000
   */
  duration?: number
}

/**
 * What each of these options may be
 */
export const DISCOURAGED_RULES: OptionRules<DiscouragedListInit> = {
  maxEntries: atLeastOne,
  duration: numberRule('a number of ms greater than 0', value => value > 0)
}

// Bitcoin Core remembers as many
const DEFAULT_MAX_ENTRIES = 50_000

// as long as a ban
const DEFAULT_DURATION = 86_400_000

/**
 * Peers and addresses that have misbehaved, but not so much that they are banned:
 * they may come in while there is room, and are the first to go. Kept in memory
 * only, and for a time.
 *
 * An IP address is given as text, and stands for its host: an address of IPv6 for its
 * /64, and one that an IPv4 address is embedded in for that.
 */
export class DiscouragedList {
  readonly #clock: Pick<Clock, 'now'>
  readonly #duration: number

  /**
   * Until when, by peer or host, the first to end first
   */
  readonly #entries: RecentMap<string, number>

  constructor (init: DiscouragedListInit = {}, clock: Pick<Clock, 'now'> = systemClock) {
    this.#clock = clock
    this.#duration = init.duration ?? DEFAULT_DURATION
    this.#entries = new RecentMap(init.maxEntries ?? DEFAULT_MAX_ENTRIES)
  }

  /**
   * How many peers and addresses are discouraged
   */
  get size (): number {
    const now = this.#clock.now()

    for (const [key, until] of this.#entries) {
      if (until > now) {
        break
      }

      this.#entries.delete(key)
    }

    return this.#entries.size
  }

  addPeer (peerId: PeerId | string): void {
    this.#add(peerId.toString())
  }

  /**
   * @throws {InvalidOptionError} if it is no IP address
   */
  addIp (ip: IpAddress | string): void {
    this.#add(keyOf(ip))
  }

  hasPeer (peerId: PeerId | string): boolean {
    // the text of a peer id costs more than this
    return this.#entries.size > 0 && this.#has(peerId.toString())
  }

  /**
   * @throws {InvalidOptionError} if it is no IP address
   */
  hasIp (ip: IpAddress | string): boolean {
    return this.#entries.size > 0 && this.#has(keyOf(ip))
  }

  /**
   * Whether an address leads to a host, or through a relay, that is discouraged
   */
  hasMultiaddr (multiaddr: Multiaddr): boolean {
    const ip = remoteIp(multiaddr)
    const relay = relayPeer(multiaddr)

    return (ip != null && this.hasIp(ip)) || (relay != null && this.hasPeer(relay))
  }

  /**
   * Forgives a peer. Returns whether it was discouraged.
   */
  deletePeer (peerId: PeerId | string): boolean {
    return this.#delete(peerId.toString())
  }

  /**
   * Forgives an address. Returns whether it was discouraged.
   *
   * @throws {InvalidOptionError} if it is no IP address
   */
  deleteIp (ip: IpAddress | string): boolean {
    return this.#delete(keyOf(ip))
  }

  #add (key: string): void {
    this.#entries.set(key, this.#clock.now() + this.#duration)
  }

  #has (key: string): boolean {
    const until = this.#entries.get(key)

    return until != null && until > this.#clock.now()
  }

  #delete (key: string): boolean {
    const wasThere = this.#has(key)
    this.#entries.delete(key)

    return wasThere
  }
}

function keyOf (ip: IpAddress | string): string {
  const address = typeof ip === 'string' ? parseIp(ip) : ip

  if (!(address instanceof IpAddress)) {
    throw new InvalidOptionError('ip', ip, 'an IP address')
  }

  return hostRange(address)
}
