import { parseBanTarget } from './ban.ts'
import { CidrMap } from './cidr-map.ts'
import type { Ban, BanSubject } from './ban.ts'
import type { IpAddress } from '../addresses/index.ts'

/**
 * There are as many automatic bans as there may be, and none of them ever ends
 */
export class BanListFullError extends Error {
  static name = 'BanListFullError'

  constructor (size: number) {
    super(`There are ${size} automatic bans already, and none of them ends`)
    this.name = 'BanListFullError'
  }
}

/**
 * Bans in memory, found by the peer, the address or the target
 */
export class BanIndex {
  /**
   * By their targets. No peer is written like an address.
   */
  readonly #bans = new Map<string, Ban>()
  readonly #networks = new CidrMap<Ban>()
  #automatic = 0

  get size (): number {
    return this.#bans.size
  }

  /**
   * How many of them are automatic
   */
  get automaticSize (): number {
    return this.#automatic
  }

  values (): Ban[] {
    return [...this.#bans.values()]
  }

  /**
   * The ban of exactly this peer or range
   */
  get ({ target }: Pick<BanSubject, 'target'>): Ban | undefined {
    return this.#bans.get(target)
  }

  set (ban: Ban, subject: BanSubject): void {
    this.#automatic += Number(ban.automatic === true) - Number(this.get(subject)?.automatic === true)
    this.#bans.set(subject.target, ban)

    if (subject.kind === 'network') {
      this.#networks.set(subject.cidr, ban)
    }
  }

  delete ({ target }: Ban): void {
    const subject = parseBanTarget(target)
    this.#automatic -= Number(this.#bans.get(target)?.automatic === true)
    this.#bans.delete(target)

    if (subject.kind === 'network') {
      this.#networks.delete(subject.cidr)
    }
  }

  /**
   * The ban of a peer
   */
  ofPeer (peer: { toString(): string }): Ban | undefined {
    // most nodes ban no peer, and the text of a peer id costs more than this
    return this.#bans.size === this.#networks.size ? undefined : this.#bans.get(peer.toString())
  }

  /**
   * The most specific ban of a range that an address is in, and that is in force
   */
  ofIp (ip: IpAddress, now: number): Ban | undefined {
    return this.#networks.match(ip, ban => ban.expires > now)
  }

  /**
   * Which automatic ban ends first, `undefined` if none ends
   */
  firstAutomatic (): Ban | undefined {
    let first: Ban | undefined

    for (const ban of this.#bans.values()) {
      if (ban.automatic === true && ban.expires < (first?.expires ?? Infinity)) {
        first = ban
      }
    }

    return first
  }
}
