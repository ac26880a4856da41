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
const MAX_HOSTS = 1_024

interface DialBack {
  readonly until: number
  hasCome: boolean
}

/**
 * The hosts that this node has asked a moment ago to dial it, in order to find out whether
 * it can be reached. Each may do so once, also if it is asked again in this time: whoever
 * comes may be asked because of that, and could come again and again.
 */
export class DialBacks {
  readonly #clock: Clock

  /**
   * By host, the one that was asked first is the first one
   */
  readonly #expected = new Map<string, DialBack>()

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /**
   * This node has asked a host to dial it
   */
  expect ({ text: host }: IpAddress): void {
    if (this.#find(host) != null) {
      return
    }

    this.#expected.delete(host)
    this.#expected.set(host, { until: this.#clock.now() + EXPECTED_FOR, hasCome: false })

    for (const first of this.#expected.keys()) {
      if (this.#expected.size <= MAX_HOSTS) {
        break
      }

      this.#expected.delete(first)
    }
  }

  /**
   * Whether a connection from there may be a dial-back that this node has asked for
   */
  has (ip: IpAddress): boolean {
    return this.#expected.size > 0 && this.#find(ip.text)?.hasCome === false
  }

  /**
   * A connection from there was taken for a dial-back
   */
  take (ip: IpAddress): void {
    const dialBack = this.#find(ip.text)

    if (dialBack != null) {
      dialBack.hasCome = true
    }
  }

  #find (host: string): DialBack | undefined {
    const dialBack = this.#expected.get(host)

    return dialBack != null && this.#clock.now() < dialBack.until ? dialBack : undefined
  }
}
