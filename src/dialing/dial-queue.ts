import { AbortError, DialError } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { Circuit } from '@multiformats/multiaddr-matcher'
import { CustomProgressEvent } from 'progress-events'
import { withinTime } from '../core/index.ts'
import { hasErrorName, toError } from '../errors.ts'
import { RecentMap } from '../recent-map.ts'
import { logged } from '../user-functions.ts'
import { adaptiveTimeout } from './adaptive-timeout.ts'
import { AddressBook } from './address-book.ts'
import { AddressDialer } from './address-dialer.ts'
import { AutomaticTargets } from './automatic-targets.ts'
import { DialBudgets } from './budgets.ts'
import { DialHistory } from './dial-history.ts'
import { DialJobQueue } from './dial-job-queue.ts'
import { DialJob } from './dial-job.ts'
import { parseDialTarget } from './dial-target.ts'
import { dnsaddrResolver } from './dnsaddr-resolver.ts'
import { PeerDial } from './peer-dial.ts'
import { createSortedRanker, dialRanker } from './ranker.ts'
import type { AddressBookComponents } from './address-book.ts'
import type { AddressDialerInit } from './address-dialer.ts'
import type { AutomaticTargetsComponents } from './automatic-targets.ts'
import type { BackOffDatastore } from './back-off-store.ts'
import type { DialBudgetsInit } from './budgets.ts'
import type { DialFailure } from './dial-failure.ts'
import type { DialHistoryInit, ForgottenFailures } from './dial-history.ts'
import type { DialObserver } from './dial-observer.ts'
import type { DialingInit } from './options.ts'
import type { PeerDialComponents } from './peer-dial.ts'
import type { DialRanker } from './ranker.ts'
import type { SteadyClock } from '../clock.ts'
import type { AbortOptions, Address, ComponentLogger, Connection, CounterGroup, DialTarget, IsDialableOptions, Logger, Metrics, PeerId, PeerStore, PendingDial, PendingDialStatus } from '@libp2p/interface'
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
export interface DialQueueInit extends DialBudgetsInit, DialHistoryInit, Pick<AddressDialerInit, 'reserve'>, Partial<Omit<AutomaticTargetsComponents, 'clock'>>, Pick<DialingInit, 'addressSorter' | 'resolvers'> {
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

  /**
   * What may be dialled that nobody asked for
   */
  readonly targets: AutomaticTargets

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

  constructor (components: DialQueueComponents, init: DialQueueInit, clock: SteadyClock) {
    const { metrics, transportManager } = components
    const { reserve, maxParallelDials, maxPeerAddrsToDial } = init
    const log = components.logger.forComponent('libp2p:connmgr:dial-queue')
    const ranker = rankerOf(init, log)
    const history = new DialHistory(init, clock)
    const targets = new AutomaticTargets({ isNearby: () => false, isNamed: () => false, relayAddress: () => undefined, ...init, clock })
    const addressBook = new AddressBook(components, { resolvers: init.resolvers ?? { dnsaddr: dnsaddrResolver }, targets }, log)
    const timeout = (): number => adaptiveTimeout({ nominal: init.addressDialTimeout, pending: this.queue.queued, parallel: maxParallelDials })
    const addressDialer = new AddressDialer({ transportManager, budgets: new DialBudgets(init), history, targets, clock }, { reserve, timeout })
    const peerDial: PeerDialComponents = {
      addressBook,
      addressDialer,
      history,
      ranker,
      clock,
      maxPeerAddrsToDial,
      onAttempt: (...attempt) => { init.observer?.onAttempt(...attempt) },
      onDiscard: connection => { init.observer?.onDiscard(connection) },
      onAttemptFailed: async (peerId, failure) => this.#onAttemptFailed(peerId, failure),
      onConnected: async connection => this.#record(connection.remotePeer, LAST_DIAL_SUCCESS_KEY, [connection.remoteAddr])
    }

    this.#components = components
    this.#init = init
    this.#clock = clock
    this.#log = log
    this.#ranker = ranker
    this.#addressBook = addressBook
    this.#addressDialer = addressDialer
    this.history = history
    this.targets = targets
    this.#failures = metrics?.registerCounterGroup('libp2p_connmgr_dial_failures_total', {
      label: 'reason',
      help: 'Addresses that could not be connected to'
    })
    this.queue = new DialJobQueue({
      concurrency: maxParallelDials,
      metrics,
      run: job => {
        job.callbacks.onProgressFailed = err => { log.error('onProgress failed and is told no more - %e', err) }
        job.progress(new CustomProgressEvent('dial-queue:start-dial'))

        return new PeerDial(job, peerDial).run()
      }
    })
    this.queue.addEventListener('failure', ({ detail: { job, error } }) => { this.#remember(job.options.peerId, error) })
    this.queue.addEventListener('success', ({ detail: { result } }) => { this.#errors.delete(result.remotePeer.toString()) })
  }

  start (): void {
    this.#stopped = false
    this.#stored(async datastore => this.history.load(datastore), 'could not read which addresses failed - %e')
  }

  /**
   * The network is another one, so failures of the past mean nothing
   */
  networkChanged (): ForgottenFailures {
    this.targets.forget()

    return this.history.forget()
  }

  /**
   * Abort all dials. Resolves when nothing is left of them.
   */
  async stop (): Promise<void> {
    this.#stopped = true
    this.queue.abort()
    await withinTime(async signal => this.queue.onIdle({ signal }), DRAIN_TIMEOUT, this.#clock)
      .catch(err => { this.#log.error('dials did not end in time - %e', err) })
    await this.#stored(async datastore => this.history.save(datastore), 'could not store which addresses failed - %e')
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
    const { signal, onProgress, force, initiator, automatic, priority = DEFAULT_DIAL_PRIORITY } = options
    const recipient = { signal, timeout: signal == null ? this.#init.dialTimeout : undefined, onProgress }
    signal?.throwIfAborted()

    if (this.#stopped) {
      throw new AbortError('The dial queue is stopped')
    }

    const isAwaited = peerId != null && this.#addressDialer.awaits(peerId.toString())
    const existing = force === true ? undefined : this.queue.find(peerId, multiaddrs)

    if (existing != null) {
      this.#log('joining the dial of %p', peerId)
      onProgress?.(new CustomProgressEvent('dial-queue:already-in-dial-queue'))
      existing.options.automatic = existing.options.automatic === true && automatic === true
      const joined = existing.join(recipient, multiaddrs)
      this.queue.update(existing, priority, isAwaited)

      return joined
    }

    if (this.queue.size >= this.#init.maxDialQueueLength && !isAwaited) {
      throw new DialError('Dial queue is full')
    }

    onProgress?.(new CustomProgressEvent('dial-queue:add-to-dial-queue'))
    const job = new DialJob({ peerId, multiaddrs: new Set(), priority, force, initiator, automatic, isAwaited }, this.#clock)
    const joined = job.join(recipient, multiaddrs)
    this.queue.add(job)

    return joined
  }

  /**
   * Of the addresses that a peer is said to have those that may be dialled without being
   * asked for, with what their names lead to
   */
  async dialable (peerId: PeerId, multiaddrs: readonly Multiaddr[], options: AbortOptions = {}): Promise<Multiaddr[]> {
    return this.#addressBook.dialable(peerId, multiaddrs, options)
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

  #remember (peerId: PeerId | undefined, error: Error): void {
    this.#log('could not dial %p - %e', peerId, error)

    if (peerId != null) {
      this.#errors.set(peerId.toString(), error)
    }
  }

  async #onAttemptFailed (peerId: PeerId | undefined, { multiaddr, reason, error }: DialFailure & { error: Error }): Promise<void> {
    this.#log('dial to %p failed - %e', peerId, error)
    this.#failures?.increment({ [reason]: 1 })
    this.#init.observer?.onAttemptFailed(peerId, multiaddr, error, reason)

    if (peerId != null) {
      await this.#record(peerId, LAST_DIAL_FAILURE_KEY)
    }
  }

  /**
   * Without what was stored, or will be, a few dials more are made
   */
  async #stored (action: (datastore: BackOffDatastore) => Promise<void>, failure: string): Promise<void> {
    const { datastore } = this.#components

    if (datastore != null) {
      await action(datastore).catch(err => { this.#log.error(failure, err) })
    }
  }

  async #record (peerId: PeerId, key: string, multiaddrs?: Multiaddr[]): Promise<void> {
    const metadata = { [key]: new TextEncoder().encode(this.#clock.wall.now().toString()) }

    try {
      await withinTime(async signal => this.#components.peerStore.merge(peerId, { multiaddrs, metadata }, { signal }), RECORD_TIMEOUT, this.#clock)
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
function rankerOf ({ addressSorter, dialRanker: ranker = dialRanker }: DialQueueInit, log: Logger): DialRanker {
  return addressSorter == null || ranker !== dialRanker
    ? logged('dialRanker', ranker, log)
    : createSortedRanker(logged('addressSorter', addressSorter, log))
}
