import { familyOf, observerOf } from '../ip.ts'
import type { IPFamily } from '../ip.ts'

// the latest observers of one family; older ones tell about an older network
const MAX_OBSERVERS = 32

/**
 * Which public IP addresses peers see us at. A peer can only tell an address:
 * the port is one of an outbound connection, and nobody listens there.
 */
export class ObservedIPs {
  readonly #minObservers: number

  // what each observer saw last, the latest observer last
  readonly #observations: Record<IPFamily, Map<string, string>> = { 4: new Map(), 6: new Map() }

  constructor (minObservers: number) {
    this.#minObservers = minObservers
  }

  /**
   * The peer at `observer` sees us at `ip`
   */
  add (ip: string, observer: string): void {
    const family = familyOf(ip)

    if (family == null || familyOf(observer) == null) {
      return
    }

    const observations = this.#observations[family]
    const key = observerOf(observer)
    observations.delete(key)
    observations.set(key, ip)

    if (observations.size > MAX_OBSERVERS) {
      observations.delete([...observations.keys()][0])
    }
  }

  /**
   * The address most observers see, if they are enough
   */
  get (family: IPFamily): string | undefined {
    const counts = new Map<string, number>()

    for (const ip of this.#observations[family].values()) {
      counts.set(ip, (counts.get(ip) ?? 0) + 1)
    }

    const [best] = [...counts].sort(([, a], [, b]) => b - a)

    return best != null && best[1] >= this.#minObservers ? best[0] : undefined
  }

  /**
   * What was seen is not true any more
   */
  clear (): void {
    this.#observations[4].clear()
    this.#observations[6].clear()
  }
}
