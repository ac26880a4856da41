import type { IpAddress } from '../addresses/index.ts'
import type { Clock } from '../clock.ts'

/**
 * In ms: for how long after it was asked a host may dial back. go-libp2p's AutoNAT server
 * gives a dial ten seconds, and waits for some before it.
 */
const EXPECTED_FOR = 15_000

/**
 * Of how many hosts dial-backs are expected at most. Only this node adds some, with a
 * request to a server.
 */
const MAX_HOSTS = 256

/**
 * The hosts that this node has asked a moment ago to dial it, in order to find out whether
 * it can be reached. Each may do so once for each time that it was asked.
 */
export class DialBacks {
  readonly #clock: Clock

  /**
   * Until when each host may dial back, for each time that it was asked, the oldest first
   */
  readonly #expected = new Map<string, number[]>()

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /**
   * This node has asked a host to dial it
   */
  expect (ip: IpAddress): void {
    const host = ip.text
    const [...times] = this.#current(host)
    times.push(this.#clock.now() + EXPECTED_FOR)

    // the host that was asked last is the last one
    this.#expected.delete(host)
    this.#expected.set(host, times)

    for (const other of this.#expected.keys()) {
      if (this.#expected.size <= MAX_HOSTS) {
        break
      }

      this.#expected.delete(other)
    }
  }

  /**
   * Whether a connection from there may be a dial-back that this node has asked for
   */
  has (ip: IpAddress): boolean {
    return this.#expected.size > 0 && this.#current(ip.text).length > 0
  }

  /**
   * A connection from there was taken for a dial-back
   */
  take (ip: IpAddress): void {
    const host = ip.text
    const [, ...times] = this.#current(host)

    if (times.length === 0) {
      this.#expected.delete(host)
    } else {
      this.#expected.set(host, times)
    }
  }

  #current (host: string): readonly number[] {
    const now = this.#clock.now()

    return this.#expected.get(host)?.filter(until => now < until) ?? []
  }
}
