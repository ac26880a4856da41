import { parseBanTarget } from './ban.ts'
import { CidrMap } from './cidr-map.ts'
import type { Ban, BanSubject } from './ban.ts'
import type { IpAddress } from '../addresses/index.ts'

/**
 * The list has its maximum size, and none of its bans ever ends
 */
export class BanListFullError extends Error {
  static name = 'BanListFullError'

  constructor (size: number) {
    super(`There are ${size} bans already, and none of them ends`)
    this.name = 'BanListFullError'
  }
}

/**
 * Bans in memory, found by the peer, the address or the target
 */
export class BanIndex {
  readonly #peers = new Map<string, Ban>()
  readonly #networks = new CidrMap<Ban>()

  /**
   * The bans of `networks` by their target, as a tree of ranges is not listed
   */
  readonly #networksByTarget = new Map<string, Ban>()

  get size (): number {
    return this.#peers.size + this.#networksByTarget.size
  }

  values (): Ban[] {
    return [...this.#peers.values(), ...this.#networksByTarget.values()]
  }

  /**
   * The ban of exactly this peer or range
   */
  get (subject: Pick<BanSubject, 'kind' | 'target'>): Ban | undefined {
    return (subject.kind === 'peer' ? this.#peers : this.#networksByTarget).get(subject.target)
  }

  set (ban: Ban, subject: BanSubject): void {
    if (subject.kind === 'peer') {
      this.#peers.set(subject.target, ban)
    } else {
      this.#networksByTarget.set(subject.target, ban)
      this.#networks.set(subject.cidr, ban)
    }
  }

  delete (ban: Ban): void {
    const subject = parseBanTarget(ban.target)

    if (subject.kind === 'peer') {
      this.#peers.delete(subject.target)
    } else {
      this.#networksByTarget.delete(subject.target)
      this.#networks.delete(subject.cidr)
    }
  }

  /**
   * The ban of a peer
   */
  ofPeer (peer: { toString(): string }): Ban | undefined {
    // most nodes ban nobody, and the text of a peer id costs more than this
    return this.#peers.size === 0 ? undefined : this.#peers.get(peer.toString())
  }

  /**
   * The most specific ban of a range that an address is in, and that is in force
   */
  ofIp (ip: IpAddress, now: number): Ban | undefined {
    return this.#networks.size === 0 ? undefined : this.#networks.match(ip, ban => ban.expires > now)
  }

  /**
   * Which ban ends first, `undefined` if none ends
   */
  first (): Ban | undefined {
    let first: Ban | undefined

    for (const bans of [this.#peers, this.#networksByTarget]) {
      for (const ban of bans.values()) {
        if (ban.expires < (first?.expires ?? Infinity)) {
          first = ban
        }
      }
    }

    return first
  }
}
