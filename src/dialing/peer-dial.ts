import { DialError } from '@libp2p/interface'
import { CustomProgressEvent } from 'progress-events'
import { closeConnection } from '../core/index.ts'
import { NoValidAddressesError, toError } from '../errors.ts'
import { ResourceLimitError } from '../resources/index.ts'
import { whenAborted } from '../when-aborted.ts'
import { addFailure, attachDialReport, dialFailureReason, dialReport, emptyReport } from './dial-failure.ts'
import { DialScheduler } from './dial-scheduler.ts'
import { OTHER_DELAY, headStart, withoutDelays } from './ranker.ts'
import type { AddressBook } from './address-book.ts'
import type { AddressDialer } from './address-dialer.ts'
import type { DialFailure, DialReport } from './dial-failure.ts'
import type { DialHistory } from './dial-history.ts'
import type { RunningDial } from './dial-job-queue.ts'
import type { DialJob } from './dial-job.ts'
import type { DialRanker, RankedAddress } from './ranker.ts'
import type { Clock } from '../clock.ts'
import type { Address, Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface PeerDialComponents {
  addressBook: Pick<AddressBook, 'find'>
  addressDialer: Pick<AddressDialer, 'dial'>
  history: DialHistory
  ranker: DialRanker
  clock: Clock

  /**
   * At most this many addresses are dialled
   */
  maxPeerAddrsToDial: number

  /**
   * An address is dialled, `delay` ms after the first of the dial
   */
  onAttempt?(peerId: PeerId | undefined, multiaddr: Multiaddr, delay: number): void

  /**
   * A connection is closed next, as another one was there first
   */
  onDiscard?(connection: Connection): void

  /**
   * An address could not be connected to
   */
  onAttemptFailed(peerId: PeerId | undefined, failure: DialFailure & { error: Error }): Promise<void>

  /**
   * There is a connection
   */
  onConnected(connection: Connection): Promise<void>
}

/**
 * One dial of one peer: finds its addresses, ranks them, dials them staggered
 */
export class PeerDial {
  readonly #job: DialJob
  readonly #components: PeerDialComponents
  readonly #scheduler: DialScheduler<Connection>
  readonly #report: DialReport
  readonly #recording: Array<Promise<void>> = []
  #error?: Error

  /**
   * When the first address was dialled
   */
  #firstAttempt?: number

  /**
   * How many of the addresses of the job were asked for so far
   */
  #requested = 0

  /**
   * Whether the known addresses of the peer were asked for
   */
  #isLookedUp = false

  /**
   * Whether failures of the past kept addresses from being dialled
   */
  #isAutomatic: boolean

  constructor (job: DialJob, components: PeerDialComponents) {
    this.#job = job
    this.#components = components
    this.#isAutomatic = job.options.automatic === true
    this.#report = emptyReport(job.options.peerId)
    this.#scheduler = new DialScheduler({
      clock: components.clock,
      maxAttempts: components.maxPeerAddrsToDial,
      attempt: async (address, options) => {
        this.#onAttempt(address)

        return components.addressDialer.dial(address, job, options).catch(async err => {
          if (!options.signal.aborted) {
            this.#onFailed(address, toError(err))
          }

          throw err
        })
      },
      failure: (errors, skipped) => this.#failure(errors, skipped),

      // the loser of a race that was over before it noticed
      discard: connection => {
        components.onDiscard?.(connection)
        closeConnection(connection).catch(() => {})
      }
    })
  }

  /**
   * Dial until there is a connection
   */
  run (): RunningDial {
    const job = this.#job
    const scheduler = this.#scheduler

    job.callbacks.report = () => ({ ...this.#report, failures: [...this.#report.failures] })
    job.callbacks.onJoin = () => { this.#loadRequested() }
    this.#loadRequested()
    const stop = whenAborted(job.signal, () => { scheduler.abort(toError(job.signal.reason)) })

    return {
      result: this.#settle().finally(stop),
      ended: scheduler.whenEnded()
    }
  }

  async #settle (): Promise<Connection> {
    try {
      const connection = await this.#scheduler.result
      await this.#components.onConnected(connection)

      return connection
    } catch (err) {
      await Promise.all(this.#recording)

      throw attachDialReport(toError(err), this.#report)
    }
  }

  /**
   * Dial what was asked for since the last time
   */
  #loadRequested (): void {
    const { multiaddrs, wantsKnownAddresses, options: { automatic } } = this.#job

    if (this.#isAutomatic && automatic !== true) {
      // somebody has asked for this very peer, so what was left out is dialled
      this.#isAutomatic = false
      this.#isLookedUp = false
      this.#requested = 0
    }

    if (multiaddrs.length > this.#requested) {
      this.#load(multiaddrs.slice(this.#requested))
      this.#requested = multiaddrs.length
    }

    if (wantsKnownAddresses && !this.#isLookedUp) {
      this.#isLookedUp = true
      this.#load([])
    }
  }

  /**
   * Find addresses and let the scheduler have them. Without addresses, everything
   * that is known of the peer is meant.
   */
  #load (multiaddrs: Multiaddr[]): void {
    const arrived = this.#scheduler.expect()

    this.#rank(multiaddrs)
      .then(ranked => {
        this.#job.progress(new CustomProgressEvent<Address[]>('dial-queue:calculated-addresses', ranked.map(({ address }) => address)))
        this.#scheduler.add(this.#scheduler.inFlight > 0 ? withHeadStart(ranked) : ranked)
      }, err => {
        this.#error ??= toError(err)
        this.#addToReport(dialReport(err))
      })
      .finally(arrived)
      .catch(err => { this.#scheduler.abort(toError(err)) })
  }

  async #rank (multiaddrs: Multiaddr[]): Promise<RankedAddress[]> {
    const { addressBook, history, ranker } = this.#components
    const { peerId, automatic, force, initiator } = this.#job.options
    const { addresses, report } = await addressBook.find(peerId, multiaddrs, { automatic, signal: this.#job.signal })
    this.#addToReport(report)

    // both ends dial at the same moment to open the way through their firewalls
    const rank = initiator == null ? ranker : withoutDelays(ranker)

    const trusted: Address[] = []
    const doubtful: Address[] = []

    for (const address of addresses) {
      const { multiaddr } = address
      const reason = force === true ? undefined : history.doubt(peerId, multiaddr)

      if (reason == null) {
        trusted.push(address)
      } else if (automatic === true) {
        addFailure(this.#report, { multiaddr, reason })
      } else {
        doubtful.push(address)
      }
    }

    const ranked = rank(trusted)

    // the user asked for it, so it is dialled, but not before the others
    const last = ranked.at(-1)
    const offset = last == null ? 0 : last.delay + OTHER_DELAY

    return [...ranked, ...rank(doubtful).map(({ address, delay }) => ({ address, delay: offset + delay }))]
  }

  #onAttempt ({ multiaddr }: Address): void {
    const { clock, onAttempt } = this.#components
    const now = clock.now()
    this.#firstAttempt ??= now
    onAttempt?.(this.#job.options.peerId, multiaddr, now - this.#firstAttempt)
  }

  #onFailed ({ multiaddr }: Address, error: Error): void {
    const failure = { multiaddr, reason: dialFailureReason(error), error }
    addFailure(this.#report, failure)
    this.#recording.push(this.#components.onAttemptFailed(this.#job.options.peerId, failure))
  }

  #addToReport (found?: DialReport): void {
    found?.failures.forEach(failure => { addFailure(this.#report, failure) })
    this.#report.omitted += found?.omitted ?? 0
  }

  /**
   * The error that libp2p would throw
   */
  #failure (errors: Error[], skipped: Address[]): Error {
    skipped.forEach(({ multiaddr }) => { addFailure(this.#report, { multiaddr, reason: 'too-many' }) })

    if (skipped.length > 0) {
      return new DialError('Peer had more than maxPeerAddrsToDial')
    }

    if (errors.length === 0) {
      return this.#error ?? new NoValidAddressesError(`All addresses of the peer failed a short time ago: ${this.#job.options.peerId?.toString() ?? 'unknown peer'}`)
    }

    // that this node has no room for the peer is no matter of its addresses
    const isLocal = errors.every(error => error instanceof ResourceLimitError)

    return isLocal || errors.length === 1 ? errors[0] : new AggregateError(errors, 'All multiaddr dials failed')
  }
}

/**
 * Addresses of somebody who joined wait for those that are dialled already, as if
 * these had been ranked before them
 */
function withHeadStart (ranked: RankedAddress[]): RankedAddress[] {
  return ranked.map(({ address, delay }) => ({ address, delay: delay + headStart(address.multiaddr) }))
}
