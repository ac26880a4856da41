import { loadBackOff, saveBackOff } from './back-off-store.ts'
import { DialBackOff } from './back-off.ts'
import { BlackHoleDetector } from './black-hole.ts'
import { dialFailureReason } from './dial-failure.ts'
import { dialTraits } from './dial-traits.ts'
import type { BackOffDatastore } from './back-off-store.ts'
import type { BackOffEntry, DialBackOffInit } from './back-off.ts'
import type { BlackHoleInit } from './black-hole.ts'
import type { DialFailureReason } from './dial-failure.ts'
import type { SteadyClock } from '../clock.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The options of {@link DialHistory}
 */
export interface DialHistoryInit {
  /**
   * How long addresses that failed are left alone, `false` to forget failures
   *
   * @default {}
   */
  backOff?: DialBackOffInit | false

  /**
   * When UDP and IPv6 count as not working, `false` to never think so
   *
   * @default {}
   */
  blackHole?: BlackHoleInit | false
}

/**
 * What was forgotten because the network has changed
 */
export interface ForgottenFailures {
  /**
   * How many addresses had failed and would have been left alone
   */
  readonly backOff: number

  /**
   * What was thought not to work in the network of before
   */
  readonly blackHoles: ReadonlyArray<'udp' | 'ipv6'>
}

/**
 * Why an address is not expected to work
 */
export type Doubt = 'back-off' | 'black-hole'

// what says nothing about the address: the fault is ours, or nobody's
const NOT_THE_ADDRESS = new Set<DialFailureReason>(['cancelled', 'gated', 'local-limit', 'no-transport', 'stopped', 'queue-full', 'self', 'host-rate'])

// nothing came back from the network
const NO_ANSWER = new Set<DialFailureReason>(['timeout', 'unreachable', 'unknown', 'name-not-found'])

/**
 * What earlier dials say about an address
 */
export class DialHistory {
  readonly backOff?: DialBackOff
  readonly blackHoles?: BlackHoleDetector
  readonly #clock: SteadyClock

  /**
   * How often the network has changed
   */
  #networks = 0

  constructor (init: DialHistoryInit, clock: SteadyClock) {
    this.#clock = clock

    if (init.backOff !== false) {
      this.backOff = new DialBackOff(init.backOff)
    }

    if (init.blackHole !== false) {
      this.blackHoles = new BlackHoleDetector(init.blackHole)
    }
  }

  /**
   * Why the address is not expected to work now, if so. Changes nothing.
   */
  doubt (peerId: PeerId | undefined, multiaddr: Multiaddr): Doubt | undefined {
    const now = this.#clock.now()

    if (this.blackHoles?.isBlocked(dialTraits(multiaddr), now) === true) {
      return 'black-hole'
    }

    return this.backOff?.isBackedOff(peerKey(peerId, multiaddr), multiaddr.toString(), now) === true ? 'back-off' : undefined
  }

  /**
   * Which network this is: the failure of a dial that began in an earlier one says
   * nothing about this one
   */
  get network (): number {
    return this.#networks
  }

  /**
   * The network is another one, so failures of the past mean nothing
   */
  forget (): ForgottenFailures {
    const now = this.#clock.now()
    const states = this.blackHoles?.states
    const forgotten: ForgottenFailures = {
      backOff: this.backOff?.entries(now).filter(({ until }) => now < until).length ?? 0,
      blackHoles: (['udp', 'ipv6'] as const).filter(way => states?.[way] === 'blocked')
    }

    this.#networks++
    this.backOff?.clearAll()
    this.blackHoles?.clear()

    return forgotten
  }

  /**
   * The peer is connected, whoever has dialled
   */
  recordConnected (peerId: PeerId): void {
    this.backOff?.clear(peerId.toString())
  }

  /**
   * The address is dialled now
   */
  recordStart (multiaddr: Multiaddr): void {
    this.blackHoles?.recordStart(dialTraits(multiaddr), this.#clock.now())
  }

  /**
   * There is a connection
   */
  recordSuccess (peerId: PeerId, multiaddr: Multiaddr): void {
    this.blackHoles?.recordResult(dialTraits(multiaddr), true, this.#clock.now())
    this.recordConnected(peerId)
    this.backOff?.clear(multiaddr.toString())
  }

  /**
   * The dial of the address failed, which began in `network`. Must not be called for one
   * that was cancelled.
   */
  recordFailure (peerId: PeerId | undefined, multiaddr: Multiaddr, error: Error, network = this.#networks): void {
    const reason = dialFailureReason(error)

    if (NOT_THE_ADDRESS.has(reason) || network !== this.#networks) {
      return
    }

    const now = this.#clock.now()
    // a remote that refuses us shows that the way to it works
    this.blackHoles?.recordResult(dialTraits(multiaddr), !NO_ANSWER.has(reason), now)
    this.backOff?.recordFailure(peerKey(peerId, multiaddr), multiaddr.toString(), now)
  }

  /**
   * Take over what an earlier run of the node has stored
   */
  async load (datastore: BackOffDatastore): Promise<void> {
    const network = this.#networks
    const stored = await loadBackOff(datastore)

    if (network !== this.#networks) {
      return
    }

    this.backOff?.restore(stored.map(entry => moved(entry, this.#ahead)), this.#clock.now())
  }

  /**
   * Store what a later run should know
   */
  async save (datastore: BackOffDatastore): Promise<void> {
    if (this.backOff != null) {
      await saveBackOff(datastore, this.backOff.entries(this.#clock.now()).map(entry => moved(entry, -this.#ahead)))
    }
  }

  /**
   * By how many ms times in memory are ahead of dates, which are stored
   */
  get #ahead (): number {
    return -this.#clock.dateOf(0)
  }
}

function moved (entry: BackOffEntry, by: number): BackOffEntry {
  return { ...entry, until: entry.until + by, expires: entry.expires + by }
}

function peerKey (peerId: PeerId | undefined, multiaddr: Multiaddr): string {
  return (peerId ?? multiaddr).toString()
}
