import { TypedEventEmitter } from 'main-event'
import { relayPeer, remoteIp } from '../addresses/index.ts'
import { systemClock } from '../clock.ts'
import { assertPart } from '../options.ts'
import { BanIndex, BanListFullError } from './ban-index.ts'
import { BanStore, banKey } from './ban-store.ts'
import { BAN_LIST_RULES, createBan, longerBan, parseBanTarget } from './ban.ts'
import type { BanListInit, BanOptions, BanSubject, BanTarget, Ban } from './ban.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { Clock, Timer } from '../clock.ts'
import type { ComponentLogger, Logger, PeerId, Startable } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Datastore } from 'interface-datastore'

/**
 * A ban that is no longer in force
 */
export interface EndedBan {
  readonly ban: Ban

  /**
   * - `removed` by `unban`, maybe on another node that shares the datastore
   * - `expired` it was over
   * - `displaced` there were too many automatic ones, and this was the one that would have ended first
   */
  readonly cause: 'removed' | 'expired' | 'displaced'
}

/**
 * The events of a {@link BanList}
 */
export interface BanListEvents {
  /**
   * Somebody was banned, or was banned for longer, on this node or on another one
   * that shares the datastore
   */
  ban: CustomEvent<Ban>

  /**
   * A ban has ended
   */
  unban: CustomEvent<EndedBan>
}

/**
 * What a list of bans uses of a libp2p node
 */
export interface BanListComponents {
  clock: Clock
  logger: ComponentLogger

  /**
   * Where bans are kept. Without it they are forgotten when the node stops.
   */
  datastore?: Datastore
}

/**
 * A list of bans for use without the connection manager. It has to be started to
 * read the bans that are stored.
 *
 * @example
 *
 * ```ts
 * import { defaultLogger } from '@libp2p/logger'
 * import { createLibp2p } from 'libp2p'
 * import { banList, connectionGater } from 'libp2p-connmgr'
 *
 * const bans = banList({ logger: defaultLogger() })
 * const node = await createLibp2p({ connectionGater: connectionGater({ bans }) })
 *
 * await bans.ban('198.51.100.0/24', { for: 3_600_000, reason: 'spam' })
 * ```
 *
 * @throws {InvalidOptionError} if an option is unknown or not usable
 */
export function banList (components: Omit<BanListComponents, 'clock'> & Partial<BanListComponents>, init: BanListInit = {}): BanList {
  assertPart('bans', init, BAN_LIST_RULES)

  return new BanList({ ...components, clock: components.clock ?? systemClock }, init)
}

const DEFAULT_REFRESH_INTERVAL = 60_000
const DEFAULT_MAX_ENTRIES = 100_000

// after how many records of the store other work gets a turn
const SLICE = 500

/**
 * Who is banned: peers, IP addresses and ranges of them, each until a time and
 * for a reason. Look-ups are in memory. A ban is stored first and effective then,
 * so that one which could not be stored is not mistaken for one that lasts.
 */
export class BanList extends TypedEventEmitter<BanListEvents> implements Startable {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #store: BanStore | undefined
  readonly #refreshInterval: number
  readonly #maxEntries: number

  readonly #bans = new BanIndex()

  /**
   * Changes happen one after the other, so that memory and store see them in the
   * same order
   */
  #lastChange: Promise<unknown> = Promise.resolve()

  #timer: Timer | undefined
  #started = false

  constructor (components: BanListComponents, init: BanListInit = {}) {
    super()
    this.#clock = components.clock
    this.#log = components.logger.forComponent('libp2p:connmgr:bans')
    this.#store = components.datastore == null ? undefined : new BanStore(components.datastore)
    this.#refreshInterval = init.refreshInterval ?? DEFAULT_REFRESH_INTERVAL
    this.#maxEntries = init.maxEntries ?? DEFAULT_MAX_ENTRIES
  }

  readonly [Symbol.toStringTag] = 'libp2p-connmgr/bans'

  /**
   * How many bans are remembered, including those that have expired since the
   * last refresh
   */
  get size (): number {
    return this.#bans.size
  }

  /**
   * Reads the stored bans
   *
   * @throws {Error} what the datastore throws: a node that can not read its bans
   * would let in everybody
   */
  async start (): Promise<void> {
    if (this.#started) {
      return
    }

    this.#started = true

    try {
      await this.refresh()
    } catch (err) {
      this.#started = false
      throw err
    }

    this.#schedule()
  }

  async stop (): Promise<void> {
    this.#started = false
    this.#timer?.clear()
    await this.#lastChange
  }

  /**
   * Bans somebody. A ban can be made longer by another one, not shorter. Returns
   * the ban that is in force.
   *
   * @throws {InvalidOptionError} if nobody can be banned like this
   * @throws {BanListFullError} if there is no room
   * @throws {Error} what the datastore throws, nothing has changed then
   */
  async ban (target: BanTarget, options: BanOptions = {}): Promise<Ban> {
    const subject = parseBanTarget(target)
    const ban = createBan(subject, options, this.#clock)

    return this.#change(async () => {
      const known = this.#inForce(this.#bans.get(subject))

      // another node may have stored a longer one since the last refresh
      const stored = await this.#store?.get(subject)
      const longest = stored != null && stored.expires > (known?.expires ?? 0) ? stored : known

      const next = longest == null ? ban : longerBan(longest, ban)

      if (next.expires === longest?.expires && next.automatic === longest.automatic) {
        this.#remember(longest, subject)

        return longest
      }

      const displaced = next.automatic === true ? this.#makeRoom(subject) : undefined
      await this.#store?.put(next, displaced)

      if (displaced != null) {
        this.#forget(displaced, 'displaced')
      }

      this.#remember(next, subject)

      return next
    })
  }

  /**
   * Ends a ban. Returns whether there was one. A peer whose address is banned as
   * well, or an address within a banned range, stays banned by that.
   *
   * @throws {InvalidOptionError} if the target is nothing that can be banned
   * @throws {Error} what the datastore throws, nothing has changed then
   */
  async unban (target: BanTarget): Promise<boolean> {
    const subject = parseBanTarget(target)

    return this.#change(async () => {
      const ban = this.#inForce(this.#bans.get(subject)) ?? await this.#store?.get(subject)
      await this.#store?.delete(banKey(subject))

      if (ban != null) {
        this.#forget(ban, 'removed')
      }

      return ban != null
    })
  }

  /**
   * The bans in force
   */
  list (): Ban[] {
    const now = this.#clock.now()

    return this.#bans.values().filter(ban => ban.expires > now)
  }

  /**
   * The ban of a peer
   */
  ofPeer (peerId: PeerId | string): Ban | undefined {
    return this.#inForce(this.#bans.ofPeer(peerId))
  }

  /**
   * The most specific ban that an IP address is under
   */
  ofIp (ip: IpAddress): Ban | undefined {
    // most nodes ban nobody
    return this.#bans.size === 0 ? undefined : this.#bans.ofIp(ip, this.#clock.now())
  }

  /**
   * The ban of the IP address in a multiaddr, or of the relay that it goes through
   */
  ofMultiaddr (multiaddr: Multiaddr): Ban | undefined {
    const ip = remoteIp(multiaddr)

    if (ip != null) {
      return this.ofIp(ip)
    }

    const relay = relayPeer(multiaddr)

    return relay == null ? undefined : this.ofPeer(relay)
  }

  /**
   * Forgets what has expired, and reads what other nodes have stored
   *
   * @throws {Error} what the datastore throws
   */
  async refresh (): Promise<void> {
    await this.#change(async () => {
      this.#sweep()

      if (this.#store != null) {
        await this.#read(this.#store)
      }
    })
  }

  async #read (store: BanStore): Promise<void> {
    const found = new Set<string>()
    let count = 0

    for await (const { key, ban } of store.query()) {
      if (++count % SLICE === 0) {
        await this.#clock.nextTurn()
      }

      if (ban == null) {
        this.#log.error('ignoring the malformed record %s', key)
        continue
      }

      if (ban.expires <= this.#clock.now()) {
        await store.delete(key)
        continue
      }

      const subject = parseBanTarget(ban.target)

      if (ban.automatic === true && this.#bans.get(subject)?.automatic !== true && this.#bans.automaticSize >= this.#maxEntries) {
        this.#log.error('ignoring the stored ban of %s, there are %d automatic ones already', ban.target, this.#bans.automaticSize)
        continue
      }

      found.add(ban.target)
      this.#remember(ban, subject)
    }

    for (const ban of this.#bans.values()) {
      if (!found.has(ban.target)) {
        this.#forget(ban, 'removed')
      }
    }
  }

  #sweep (): void {
    const now = this.#clock.now()

    for (const ban of this.#bans.values()) {
      if (ban.expires <= now) {
        this.#forget(ban, 'expired')
      }
    }
  }

  /**
   * Which automatic ban has to go for another one
   */
  #makeRoom (subject: BanSubject): Ban | undefined {
    if (this.#bans.get(subject)?.automatic === true || this.#bans.automaticSize < this.#maxEntries) {
      return undefined
    }

    const first = this.#bans.firstAutomatic()

    if (first == null) {
      throw new BanListFullError(this.#bans.automaticSize)
    }

    return first
  }

  #inForce (ban: Ban | undefined): Ban | undefined {
    return ban != null && ban.expires > this.#clock.now() ? ban : undefined
  }

  #remember (ban: Ban, subject: BanSubject): void {
    const before = this.#bans.get(subject)

    if (before?.expires === ban.expires && before.reason === ban.reason && before.automatic === ban.automatic) {
      return
    }

    this.#bans.set(ban, subject)
    this.safeDispatchEvent('ban', { detail: ban })
  }

  #forget (ban: Ban, cause: EndedBan['cause']): void {
    this.#bans.delete(ban)
    this.safeDispatchEvent('unban', { detail: { ban, cause } })
  }

  async #change<T> (action: () => Promise<T>): Promise<T> {
    const result = this.#lastChange.then(action)
    this.#lastChange = result.catch(() => {})

    return result
  }

  #schedule (): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.refresh()
        .catch(err => { this.#log.error('could not read the stored bans - %e', err) })
        .finally(() => {
          if (this.#started) {
            this.#schedule()
          }
        })
    }, this.#refreshInterval)
  }
}
