import { PrefixNumbers } from '../addresses/index.ts'
import type { IpAddress } from '../addresses/index.ts'

/**
 * Knows from which IP addresses, or to which, there are open connections
 */
export class ConnectedHosts {
  readonly #counts = { 4: new PrefixNumbers(32), 6: new PrefixNumbers(128) }

  has (ip: IpAddress): boolean {
    return this.#counts[ip.family].get(ip) > 0
  }

  /**
   * There is one connection more from or to a host, or one less
   */
  count (ip: IpAddress | undefined, difference: 1 | -1): void {
    if (ip != null) {
      this.#counts[ip.family].add(ip, difference)
    }
  }
}
