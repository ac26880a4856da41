import { AbortError, DialError } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { Circuit } from '@multiformats/multiaddr-matcher'
import { CustomProgressEvent } from 'progress-events'
import { steadyClock } from '../clock.ts'
import { withinTime } from '../connections/index.ts'
import { hasErrorName, toError } from '../errors.ts'
import { RecentMap } from '../recent-map.ts'
import { adaptiveTimeout } from './adaptive-timeout.ts'
import { AddressBook } from './address-book.ts'
import { AddressDialer } from './address-dialer.ts'
import { DialBudgets } from './budgets.ts'
import { dialFailureReason } from './dial-failure.ts'
import { DialHistory } from './dial-history.ts'
import { DialJobQueue } from './dial-job-queue.ts'
import { DialJob } from './dial-job.ts'
import { parseDialTarget } from './dial-target.ts'
import { dnsaddrResolver } from './dnsaddr-resolver.ts'
import { PeerDial } from './peer-dial.ts'
import { createSortedRanker, dialRanker } from './ranker.ts'
import type { AddressBookComponents } from './address-book.ts'
import type { AddressDialerInit } from './address-dialer.ts'
import type { BackOffDatastore } from './back-off-store.ts'
import type { DialBudgetsInit } from './budgets.ts'
import type { DialHistoryInit } from './dial-history.ts'
import type { RunningDial } from './dial-job-queue.ts'
import type { DialObserver } from './dial-observer.ts'
import type { DialingInit } from './options.ts'
import type { DialRanker } from './ranker.ts'
import type { Clock, SteadyClock } from '../clock.ts'
import type { Address, ComponentLogger, Connection, CounterGroup, DialTarget, IsDialableOptions, Logger, Metrics, PeerId, PeerStore, PendingDial, PendingDialStatus } from '@libp2p/interface'
import type { OpenConnectionOptions, TransportManager } from '@libp2p/interface-internal'
import type { JobStatus } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Peer store metadata of a peer: when an address of it was last dialled with
 * success, as the decimal digits of the ms since the epoch. Written and read by
 * other parts of libp2p as well.
 */
export const LAST_DIAL_SUCCESS_KEY = 'last-dial-success'

/**
 * The same for the last dial that failed
 */
export const LAST_DIAL_FAILURE_KEY = 'last-dial-failure'

/**
 * The priority of a dial that does not ask for another one. libp2p default; the
 * dials of the user through `libp2p.dial` have 75.
 */
export const DEFAULT_DIAL_PRIORITY = 50

/**
 * How long `stop` waits for cancelled attempts to end, in ms
 */
const DRAIN_TIMEOUT = 1_000

/**
 * In ms: a peer store that takes longer to note how a dial went does not keep the
 * connection from whoever waits for it
 */
const RECORD_TIMEOUT = 1_000

/**
 * Of how many peers the last error is remembered
 */
const MAX_REMEMBERED_ERRORS = 500

/**
 * What the dial queue uses of a libp2p node
 */
export interface DialQueueComponents extends AddressBookComponents {
  peerStore: Pick<PeerStore, 'get' | 'merge'>
  transportManager: Pick<TransportManager, 'dial' | 'dialTransportForMultiaddr' | 'getAddrs'>
  metrics?: Metrics
  logger: ComponentLogger

  /**
   * Where failures are remembered while the node does not run
   */
  datastore?: BackOffDatastore
}

/**
 * The options of the dial queue, with their defaults worked out. Times are in ms.
 */
export interface DialQueueInit extends DialBudgetsInit, DialHistoryInit, Pick<AddressDialerInit, 'groupOf' | 'reserve'>, Pick<DialingInit, 'addressSorter' | 'resolvers'> {
  maxParallelDials: number
  maxDialQueueLength: number
  maxPeerAddrsToDial: number
  dialTimeout: number
  addressDialTimeout: number
  /**
   * In which order and at what distance the addresses of a peer are dialled
   *
   * @default dialRanker, or the order of `addressSorter`
   */
  dialRanker?: DialRanker

  /**
   * Is told of what is dialled. Must not throw.
   *
   * @default undefined
   */
  observer?: DialObserver
}

/**
 * The options of a dial
 */
export interface DialQueueDialOptions extends OpenConnectionOptions {
  /**
   * Nobody asked for this very peer: budgets per group and failures of the past
   * bind the dial
   *
   * @default false
   */
  automatic?: boolean
}

const PENDING_DIAL_STATUS: Record<JobStatus, PendingDialStatus> = {
  queued: 'queued',
  running: 'active',
  errored: 'error',
  complete: 'success'
}

/**
 * Dials peers, a limited number of them at the same time
 */
export class DialQueue {
  /**
   * The jobs, running ones included. Other projects wait for it to be idle.
   */
  readonly queue: DialJobQueue

  /**
   * What earlier dials say about addresses
   */
  readonly history: DialHistory

  readonly #components: DialQueueComponents
  readonly #init: DialQueueInit
  readonly #addressBook: AddressBook
  readonly #addressDialer: AddressDialer
  readonly #ranker: DialRanker
  readonly #clock: SteadyClock
  readonly #log: Logger
  readonly #failures?: CounterGroup

  /**
   * The last error of peers that could not be dialled, the latest at the end
   */
  readonly #errors = new RecentMap<string, Error>(MAX_REMEMBERED_ERRORS)
  #stopped = false

  constructor (components: DialQueueComponents, init: DialQueueInit, clock: Clock) {
    this.#components = components
    this.#init = init
    this.#clock = steadyClock(clock)
    this.#log = components.logger.forComponent('libp2p:connmgr:dial-queue')
    this.#ranker = rankerOf(init)
    this.history = new DialHistory(init, this.#clock)
    this.#addressBook = new AddressBook(components, init.resolvers ?? { dnsaddr: dnsaddrResolver }, this.#log)
    this.#addressDialer = new AddressDialer({
      transportManager: components.transportManager,
      budgets: new DialBudgets(init),
      history: this.history,
      clock: this.#clock
    }, {
      groupOf: init.groupOf,
      reserve: init.reserve,
      timeout: () => adaptiveTimeout({
        nominal: init.addressDialTimeout,
        pending: this.queue.queued,
        parallel: init.maxParallelDials
      })
    })
    this.#failures = components.metrics?.registerCounterGroup('libp2p_connmgr_dial_failures_total', {
      label: 'reason',
      help: 'Addresses that could not be connected to'
    })
    this.queue = new DialJobQueue({
      concurrency: init.maxParallelDials,
      metrics: components.metrics,
      run: job => this.#run(job)
    })
    this.queue.addEventListener('failure', ({ detail: { job, error } }) => { this.#remember(job.options.peerId, error) })
    this.queue.addEventListener('success', ({ detail: { result } }) => { this.#errors.delete(result.remotePeer.toString()) })
  }

  start (): void {
    this.#stopped = false

    if (this.#components.datastore != null) {
      this.history.load(this.#components.datastore)
        .catch(err => { this.#log.error('could not read which addresses failed - %e', err) })
    }
  }

  /**
   * Abort all dials. Resolves when nothing is left of them.
   */
  async stop (): Promise<void> {
    this.#stopped = true
    this.queue.abort()
    await this.#drain()

    if (this.#components.datastore != null) {
      await this.history.save(this.#components.datastore)
        .catch(err => { this.#log.error('could not store which addresses failed - %e', err) })
    }
  }

  /**
   * Dial a peer at all its known addresses, or at the addresses that are given,
   * until one of them answers. If the peer or one of the addresses is being
   * dialled already, that dial is joined, unless one of the two is forced.
   *
   * @throws {DialError} if the queue is full
   * @throws {AbortError} if the node stops
   */
  async dial (target: DialTarget, options: DialQueueDialOptions = {}): Promise<Connection> {
    const { peerId, multiaddrs } = parseDialTarget(target)
    const recipient = {
      signal: options.signal,
      timeout: options.signal == null ? this.#init.dialTimeout : undefined,
      onProgress: options.onProgress
    }
    options.signal?.throwIfAborted()

    if (this.#stopped) {
      throw new AbortError('The dial queue is stopped')
    }

    const priority = options.priority ?? DEFAULT_DIAL_PRIORITY
    const existing = options.force === true ? undefined : this.queue.find(peerId, multiaddrs)

    if (existing != null) {
      this.#log('joining the dial of %p', peerId)
      options.onProgress?.(new CustomProgressEvent('dial-queue:already-in-dial-queue'))
      existing.options.automatic = existing.options.automatic === true && options.automatic === true
      const joined = existing.join(recipient, multiaddrs)
      this.queue.update(existing, priority)

      return joined
    }

    if (this.queue.size >= this.#init.maxDialQueueLength) {
      throw new DialError('Dial queue is full')
    }

    options.onProgress?.(new CustomProgressEvent('dial-queue:add-to-dial-queue'))
    const job = new DialJob({
      peerId,
      multiaddrs: new Set(),
      priority,
      force: options.force,
      initiator: options.initiator,
      automatic: options.automatic
    }, this.#clock)
    const joined = job.join(recipient, multiaddrs)
    this.queue.add(job)

    return joined
  }

  /**
   * Whether there is a transport for one of the addresses, and the gater would
   * let us dial it. Dials nothing.
   */
  async isDialable (target: Multiaddr | Multiaddr[], options: IsDialableOptions = {}): Promise<boolean> {
    try {
      const { addresses } = await this.#addressBook.find(undefined, Array.isArray(target) ? target : [target], options)

      return options.runOnLimitedConnection !== false || addresses.some(address => !Circuit.matches(address.multiaddr))
    } catch {
      return false
    }
  }

  /**
   * The addresses that a dial would try, in order
   */
  async calculateMultiaddrs (peerId?: PeerId, multiaddrs: Set<string> = new Set(), options: OpenConnectionOptions = {}): Promise<Address[]> {
    const { addresses } = await this.#addressBook.find(peerId, [...multiaddrs].map(ma => multiaddr(ma)), options)

    return this.#ranker(addresses).map(({ address }) => address)
  }

  /**
   * How the last dial of the peer failed, `undefined` if it did not. `dialReport`
   * and `explainDialError` say more about it.
   */
  lastError (peerId: PeerId): Error | undefined {
    return this.#errors.get(peerId.toString())
  }

  /**
   * The dials that run and wait
   */
  pendingDials (): PendingDial[] {
    return this.queue.queue.map(({ id, status, options, multiaddrs }) => ({
      id,
      status: PENDING_DIAL_STATUS[status],
      peerId: options.peerId,
      multiaddrs: [...multiaddrs]
    }))
  }

  #run (job: DialJob): RunningDial {
    job.callbacks.onProgressFailed = err => { this.#log.error('onProgress failed and is told no more - %e', err) }
    job.progress(new CustomProgressEvent('dial-queue:start-dial'))

    return new PeerDial(job, {
      addressBook: this.#addressBook,
      addressDialer: this.#addressDialer,
      history: this.history,
      ranker: this.#ranker,
      clock: this.#clock,
      maxPeerAddrsToDial: this.#init.maxPeerAddrsToDial,
      onAttempt: (...attempt) => { this.#init.observer?.onAttempt(...attempt) },
      onAttemptFailed: async (peerId, error, multiaddr) => this.#onAttemptFailed(peerId, error, multiaddr),
      onConnected: async connection => this.#record(connection.remotePeer, LAST_DIAL_SUCCESS_KEY, connection.remoteAddr)
    }).run()
  }

  #remember (peerId: PeerId | undefined, error: Error): void {
    this.#log('could not dial %p - %e', peerId, error)

    if (peerId != null) {
      this.#errors.set(peerId.toString(), error)
    }
  }

  async #onAttemptFailed (peerId: PeerId | undefined, error: Error, multiaddr: Multiaddr): Promise<void> {
    const reason = dialFailureReason(error)
    this.#log('dial to %p failed - %e', peerId, error)
    this.#failures?.increment({ [reason]: 1 })
    this.#init.observer?.onAttemptFailed(peerId, multiaddr, error, reason)

    if (peerId != null) {
      await this.#record(peerId, LAST_DIAL_FAILURE_KEY)
    }
  }

  async #drain (): Promise<void> {
    const controller = new AbortController()
    const timer = this.#clock.setTimeout(() => { controller.abort() }, DRAIN_TIMEOUT)

    try {
      await this.queue.onIdle({ signal: controller.signal })
    } catch (err) {
      this.#log.error('dials did not end in time - %e', err)
    } finally {
      timer.clear()
    }
  }

  async #record (peerId: PeerId, key: string, remoteAddr?: Multiaddr): Promise<void> {
    try {
      await withinTime(async signal => this.#components.peerStore.merge(peerId, {
        ...(remoteAddr == null ? {} : { multiaddrs: [remoteAddr] }),
        metadata: {
          [key]: new TextEncoder().encode(this.#clock.wall.now().toString())
        }
      }, { signal }), RECORD_TIMEOUT, this.#clock)
    } catch (err) {
      if (!hasErrorName(err, AbortError.name)) {
        this.#log.error('could not write %s of %p - %e', key, peerId, toError(err))
      }
    }
  }
}

/**
 * A ranker of the user knows better than a sorter of the user
 */
function rankerOf ({ addressSorter, dialRanker: ranker = dialRanker }: DialQueueInit): DialRanker {
  return addressSorter == null || ranker !== dialRanker ? ranker : createSortedRanker(addressSorter)
}
