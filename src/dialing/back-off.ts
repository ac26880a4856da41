import { withDefaults } from '../options.ts'
import { systemRandom } from '../random.ts'
import { RecentMap } from '../recent-map.ts'
import type { Random } from '../random.ts'

/**
 * How many addresses of one peer are remembered
 */
export const BACK_OFF_MAX_ENTRIES_PER_PEER = 100

/**
 * The options of {@link DialBackOff}
 */
export interface DialBackOffInit {
  /**
   * Time after the first failure, in ms
   *
   * @default 5000
   */
  base?: number

  /**
   * Added per square of the number of earlier failures, in ms
   *
   * @default 1000
   */
  coefficient?: number

  /**
   * The longest time, in ms, before jitter. `Infinity`: there is none.
   *
   * @default 300000
   */
  max?: number

  /**
   * How much the time varies at random, as a fraction of it
   *
   * @default 0.1
   */
  jitter?: number

  /**
   * How many addresses are remembered. Those of the peer that failed longest
   * ago are forgotten first.
   *
   * @default 10000
   */
  maxEntries?: number

  /**
   * Where the jitter comes from
   *
   * @default systemRandom
   */
  random?: Random
}

/**
 * The times are those of go-libp2p. They vary at random, so that nodes that lost a peer
 * at the same moment do not all come back at the same moment.
 */
const DEFAULTS: Required<DialBackOffInit> = {
  base: 5_000,
  coefficient: 1_000,
  max: 300_000,
  jitter: 0.1,
  maxEntries: 10_000,
  random: systemRandom
}

/**
 * What is remembered of an address
 */
export interface BackOffEntry {
  /**
   * The peer, or the address itself when the peer is not known
   */
  peer: string
  address: string

  /**
   * How often it failed
   */
  failures: number

  /**
   * Until when it is left alone, in ms since the Unix epoch
   */
  until: number

  /**
   * When it is forgotten, in ms since the Unix epoch
   */
  expires: number
}

/**
 * How long an address is left alone after it has failed `failures` times, in ms:
 * 5, 6, 9, 14, 21, 30 … 294, 300 seconds
 */
export function backOffTime (failures: number, { base, coefficient, max } = DEFAULTS): number {
  // infinitely many times nothing is no number
  return Math.min(failures === 1 ? base : base + coefficient * (failures - 1) ** 2, max)
}

/**
 * Remembers which addresses failed lately and until when it makes no sense to
 * dial them again. An entry that was not renewed for as long as it held is
 * forgotten, so an address that fails once a day is not treated like one that
 * failed twenty times in a row.
 */
export class DialBackOff {
  readonly #init: Required<DialBackOffInit>

  /**
   * By peer, the one whose address failed last at the end
   */
  readonly #peers = new RecentMap<string, RecentMap<string, BackOffEntry>>(Infinity)

  #count = 0

  constructor (init: DialBackOffInit = {}) {
    this.#init = withDefaults(init, DEFAULTS)
  }

  /**
   * How many addresses are remembered
   */
  get size (): number {
    return this.#count
  }

  /**
   * What is remembered of an address at `now`
   */
  get (peer: string, address: string, now: number): BackOffEntry | undefined {
    const entry = this.#peers.get(peer)?.get(address)

    return entry != null && now < entry.expires ? entry : undefined
  }

  /**
   * Whether the address should be left alone at `now`
   */
  isBackedOff (peer: string, address: string, now: number): boolean {
    const entry = this.get(peer, address, now)

    return entry != null && now < entry.until
  }

  /**
   * A dial of the address failed
   */
  recordFailure (peer: string, address: string, now: number): void {
    const failures = (this.get(peer, address, now)?.failures ?? 0) + 1
    const { jitter, random } = this.#init
    const mean = backOffTime(failures, this.#init)
    const time = mean === Infinity ? mean : Math.round(mean * (1 + jitter * (2 * random.next() - 1)))

    this.#remember({ peer, address, failures, until: now + time, expires: now + 2 * time })
  }

  /**
   * There is a connection to the peer: its addresses start anew
   */
  clear (peer: string): void {
    this.#count -= this.#peers.get(peer)?.size ?? 0
    this.#peers.delete(peer)
  }

  /**
   * All addresses start anew
   */
  clearAll (): void {
    this.#peers.clear()
    this.#count = 0
  }

  /**
   * Everything that is still of interest at `now`, the latest failures last
   */
  entries (now: number): BackOffEntry[] {
    return [...this.#peers.values()].flatMap(addresses => [...addresses.values()]).filter(({ expires }) => now < expires)
  }

  /**
   * Take over entries of an earlier run. None of them holds longer than a new
   * one could, whatever the clock was then.
   */
  restore (entries: BackOffEntry[], now: number): void {
    const longest = this.#init.max * (1 + this.#init.jitter)

    for (const entry of entries) {
      this.#remember({
        ...entry,
        until: Math.min(entry.until, now + longest),
        expires: Math.min(entry.expires, now + 2 * longest)
      })
    }
  }

  #remember (entry: BackOffEntry): void {
    const addresses = this.#peers.get(entry.peer) ?? new RecentMap<string, BackOffEntry>(Infinity)

    this.#count -= Number(addresses.delete(entry.address))
    addresses.set(entry.address, entry)
    this.#peers.set(entry.peer, addresses)
    this.#count++

    if (addresses.size > BACK_OFF_MAX_ENTRIES_PER_PEER) {
      addresses.dropOldest()
      this.#count--
    }

    while (this.#count > this.#init.maxEntries) {
      const [, dropped] = this.#peers.dropOldest() ?? []
      this.#count -= dropped?.size ?? 0
    }
  }
}
