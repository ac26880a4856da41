import { PrefixNumbers, remoteIp } from '../addresses/index.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Origin } from '../admission/index.ts'
import type { ConnectionEntry } from '../connections/index.ts'

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
  count ({ connection, taken }: Pick<ConnectionEntry, 'connection' | 'taken'>, difference: 1 | -1): void {
    // an admission has read the address already, and what is taken otherwise has none
    const ip = (taken as Origin | undefined)?.ip ?? remoteIp(connection.remoteAddr)

    if (ip != null) {
      this.#counts[ip.family].add(ip, difference)
    }
  }
}
