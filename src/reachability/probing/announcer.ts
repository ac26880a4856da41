import type { AddressManager, ConfirmAddressOptions } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The address manager of libp2p, which takes a TTL here though its interface
 * does not say so
 */
export interface AnnouncedAddresses extends Pick<AddressManager, 'getAddressesWithMetadata' | 'confirmObservedAddr'> {
  removeObservedAddr(addr: Multiaddr, options?: ConfirmAddressOptions): void
}

/**
 * Announces what was verified, and nothing else. The address manager confirms
 * all mappings of an IP address when one of its ports is confirmed; those that
 * were not verified are taken back.
 */
export class Announcer {
  readonly #components: { addressManager: AnnouncedAddresses }

  constructor (components: { addressManager: AnnouncedAddresses }) {
    this.#components = components
  }

  /**
   * Announce these addresses for `ttl` ms
   */
  confirm (multiaddrs: Multiaddr[], ttl: number): void {
    const confirmed = new Set(multiaddrs.map(ma => ma.toString()))
    const before = this.#verified()

    multiaddrs.forEach(ma => { this.#components.addressManager.confirmObservedAddr(ma, { ttl }) })

    for (const [text, ma] of this.#verified()) {
      if (!before.has(text) && !confirmed.has(text)) {
        // expired at once, so that everybody sees that it is to be verified
        this.#components.addressManager.removeObservedAddr(ma, { ttl: -1 })
      }
    }
  }

  /**
   * Announce these addresses no more
   */
  withdraw (multiaddrs: Multiaddr[], ttl: number): void {
    const verified = this.#verified()

    multiaddrs
      .filter(ma => verified.has(ma.toString()))
      .forEach(ma => { this.#components.addressManager.removeObservedAddr(ma, { ttl }) })
  }

  #verified (): Map<string, Multiaddr> {
    return new Map(this.#components.addressManager.getAddressesWithMetadata()
      .filter(({ verified, type }) => verified && type !== 'announce')
      .map(({ multiaddr }) => [multiaddr.toString(), multiaddr]))
  }
}
