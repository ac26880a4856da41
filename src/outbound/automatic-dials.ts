import { AbortError } from '@libp2p/interface'
import { TimeLimit } from '../core/index.ts'
import { dialFailureReason, dialReport } from '../dialing/index.ts'
import { hasErrorName } from '../errors.ts'
import { GroupCounts } from './group-counts.ts'
import { withPeer } from './peer-addresses.ts'
import type { Candidate } from './candidate.ts'
import type { DialRecords } from './dial-records.ts'
import type { Clock } from '../clock.ts'
import type { DialFailureReason } from '../dialing/index.ts'
import type { Connection, Logger } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface AutomaticDialsComponents {
  clock: Clock
  log: Logger
  records: DialRecords
  groupOf(multiaddr: Multiaddr): string | undefined
  dial(multiaddrs: Multiaddr[], signal: AbortSignal): Promise<Connection>

  /**
   * Whether a failure counts against the peer, or our own network is more likely to
   * blame
   */
  isPeerToBlame(): boolean
}

interface RunningDial {
  readonly limit: TimeLimit
  readonly groups: ReadonlySet<string>

  /**
   * Somebody has asked for this peer meanwhile
   */
  isWanted: boolean
}

/**
 * What came of a dial that nobody asked for
 */
export interface AutomaticConnection {
  readonly connection: Connection

  /**
   * Somebody has asked for the peer meanwhile
   */
  readonly isWanted: boolean
}

/**
 * Nothing was learnt about the peer
 */
const OWN_FAULT = new Set<DialFailureReason>(['cancelled', 'gated', 'local-limit', 'no-transport', 'stopped', 'queue-full', 'self', 'back-off', 'black-hole', 'host-rate', 'private'])

/**
 * Dials peers that nobody asked for, and remembers how that went
 */
export class AutomaticDials {
  readonly #components: AutomaticDialsComponents
  readonly #dialTimeout: number
  readonly #running = new Map<string, RunningDial>()
  readonly #groups = new GroupCounts()

  constructor (components: AutomaticDialsComponents, dialTimeout: number) {
    this.#components = components
    this.#dialTimeout = dialTimeout
  }

  /**
   * How many are running
   */
  get size (): number {
    return this.#running.size
  }

  has (peer: string): boolean {
    return this.#running.has(peer)
  }

  /**
   * How many peers are being dialled that may turn out to be in a group of addresses
   */
  inGroup (group: string): number {
    return this.#groups.get(group)
  }

  /**
   * Somebody has asked for this peer
   */
  want (peer: string): void {
    const dial = this.#running.get(peer)

    if (dial != null) {
      dial.isWanted = true
    }
  }

  /**
   * Give up the dials of some peers, or of all. Whoever else waits for them goes on
   * waiting.
   */
  abort (isMeant: (peer: string) => boolean = () => true): void {
    for (const [peer, { limit }] of this.#running) {
      if (isMeant(peer)) {
        limit.abort(new AbortError('The connection is not needed any more'))
      }
    }
  }

  /**
   * @throws {AbortError} if the dial was given up
   * @throws {Error} what dialling throws
   */
  async dial ({ key, multiaddrs }: Candidate): Promise<AutomaticConnection> {
    const { clock, log, records, groupOf, isPeerToBlame } = this.#components
    const limit = new TimeLimit(this.#dialTimeout, clock)
    const dial: RunningDial = { limit, groups: new Set(multiaddrs.map(groupOf).filter(group => group != null)), isWanted: false }

    this.#running.set(key, dial)
    dial.groups.forEach(group => { this.#groups.add(group) })
    records.onTry(key)

    try {
      const connection = await this.#components.dial(multiaddrs.map(multiaddr => withPeer(multiaddr, key)), limit.signal)
      records.onConnected(key)

      return { connection, isWanted: dial.isWanted }
    } catch (err) {
      if (!hasErrorName(limit.signal.reason, AbortError.name) && !isOwnFault(err) && isPeerToBlame()) {
        records.onFailure(key)
      }

      log.trace('could not connect to %s - %e', key, err)
      throw err
    } finally {
      limit.clear()
      this.#running.delete(key)
      dial.groups.forEach(group => { this.#groups.remove(group) })
    }
  }
}

/**
 * Whether no address was dialled at all
 */
function isOwnFault (err: unknown): boolean {
  const failures = dialReport(err)?.failures ?? []

  return failures.length === 0 ? OWN_FAULT.has(dialFailureReason(err)) : failures.every(({ reason }) => OWN_FAULT.has(reason))
}
