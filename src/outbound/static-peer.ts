import { AbortError } from '@libp2p/interface'
import { withinTime } from '../core/index.ts'
import { isRelayed } from '../dialing/index.ts'
import { ownAddresses, withPeer } from './peer-addresses.ts'
import { STABLE_SESSION, STATIC_RETRY, retryDelay } from './retry-delay.ts'
import type { Clock, Timer } from '../clock.ts'
import type { ConnectedOptions } from '../core/index.ts'
import type { Random } from '../random.ts'
import type { Connection, Logger, Peer, PeerId, PeerInfo } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface StaticPeerComponents {
  clock: Clock
  random: Random
  log: Logger

  /**
   * How many ms one dial may take
   */
  dialTimeout: number
  isConnected(peerId: PeerId, options?: ConnectedOptions): boolean

  /**
   * Is a peer not to be dialled as long as there is no room for it?
   */
  isParked(peerId: PeerId): boolean

  /**
   * Addresses that have to be resolved are resolved each time
   */
  dial(multiaddrs: Multiaddr[], signal: AbortSignal): Promise<Pick<Connection, 'limits'>>

  /**
   * What the peer store says about a peer
   */
  lookUp(peerId: PeerId): Promise<Peer | undefined>

  /**
   * Ask other peers where a peer is
   */
  findPeer(peerId: PeerId, signal: AbortSignal): Promise<PeerInfo>
}

/**
 * What is known of a static peer
 */
export interface StaticPeerStatus {
  readonly peerId: PeerId

  /**
   * The addresses that were given, not those that were found
   */
  readonly multiaddrs: readonly Multiaddr[]

  /**
   * - `connected`, and not only over a relay that limits the connection
   * - `dialling` it is being dialled
   * - `waiting` it will be dialled
   * - `parked` its connection was closed as there were too many, though it is protected,
   * and it will be dialled when there is room
   * - `hung-up` the user hung up on it
   * - `paused` nothing is dialled, because the node does not run, or was told so
   */
  readonly state: 'connected' | 'dialling' | 'waiting' | 'parked' | 'hung-up' | 'paused'

  /**
   * How many dials have failed, and sessions have ended within 30 s, since it was
   * connected for longer
   */
  readonly failures: number
}

/**
 * In ms: other peers are asked where a peer is after this, twice as long after each
 * time that it was in vain, an hour at most (Geth)
 */
const FIND_RETRY = { base: 60_000, max: 3_600_000, jitter: 0.2 }

/**
 * Keeps the connection to one peer
 */
export class StaticPeer {
  readonly #peerId: PeerId
  readonly #key: string
  readonly #components: StaticPeerComponents
  readonly #multiaddrs = new Map<string, Multiaddr>()

  /**
   * Dials that have failed, and sessions that were not stable, since the last stable
   * one
   */
  #failures = 0

  /**
   * Since when it is connected
   */
  #connectedAt?: number

  /**
   * In ms: how long to wait before the next dial. When a connection was lost nobody is in
   * a hurry, as others may have lost theirs at the same moment.
   */
  #delay = 0

  /**
   * The next dial
   */
  #timer?: Timer

  /**
   * The dial that is under way
   */
  #controller?: AbortController
  #isHungUp = false
  #isStarted = false

  /**
   * When other peers may be asked again where it is
   */
  #findAt = -Infinity
  #findFailures = 0

  constructor (peerId: PeerId, components: StaticPeerComponents) {
    this.#peerId = peerId
    this.#key = peerId.toString()
    this.#components = components
  }

  get status (): StaticPeerStatus {
    return { peerId: this.#peerId, multiaddrs: [...this.#multiaddrs.values()], state: this.#state, failures: this.#failures }
  }

  get #state (): StaticPeerStatus['state'] {
    if (this.#components.isConnected(this.#peerId)) {
      return 'connected'
    }

    if (this.#controller != null) {
      return 'dialling'
    }

    if (this.#isHungUp) {
      return 'hung-up'
    }

    if (!this.#isStarted) {
      return 'paused'
    }

    return this.#components.isParked(this.#peerId) ? 'parked' : 'waiting'
  }

  addAddress (multiaddr: Multiaddr): void {
    this.#multiaddrs.set(multiaddr.toString(), multiaddr)
  }

  start (): void {
    this.#isStarted = true
    this.check()
  }

  stop (): void {
    this.#isStarted = false
    this.#endSession()
    this.#cancel()
  }

  /**
   * The user wants to be connected, whatever was before
   */
  revive (isRunning: boolean): void {
    this.#isHungUp = false
    this.#findAt = -Infinity

    if (isRunning) {
      this.#isStarted = true
      this.retry()
    }
  }

  /**
   * The user does not want to be connected, until there is another connection
   */
  hangUp (): void {
    this.#isHungUp = true
    this.#cancel()
  }

  /**
   * Dial now if there is no connection, as if nothing had failed
   */
  retry (): void {
    this.#failures = 0
    this.#delay = 0
    this.#cancelTimer()
    this.check()
  }

  /**
   * The network has changed, so failures of the past mean nothing, nor does a dial that is
   * under way. Returns whether the peer is dialled.
   */
  networkChanged (): boolean {
    this.#findAt = -Infinity
    this.#findFailures = 0
    this.#cancel()
    this.retry()

    return this.#timer != null
  }

  /**
   * There is a connection. While all are limited by a relay, a direct one is sought.
   */
  onConnected ({ limits }: Pick<Connection, 'limits'>): void {
    this.#isHungUp = false

    if (limits != null) {
      this.check()
      return
    }

    this.#connectedAt ??= this.#components.clock.now()
    this.#cancelTimer()
  }

  /**
   * Does what is to be done: goes by what is, not by what has happened
   */
  check (): void {
    if (this.#components.isConnected(this.#peerId)) {
      this.#connectedAt ??= this.#components.clock.now()
      this.#cancelTimer()
      return
    }

    this.#endSession()

    if (!this.#isStarted || this.#isHungUp || this.#controller != null || this.#timer != null || this.#components.isParked(this.#peerId)) {
      return
    }

    this.#timer = this.#components.clock.setTimeout(() => {
      this.#timer = undefined
      this.#connect()
    }, this.#delay)
  }

  #onFailure (failures: number): void {
    this.#failures = failures
    this.#delay = retryDelay(failures, STATIC_RETRY, this.#components.random)
  }

  #endSession (): void {
    if (this.#connectedAt != null) {
      const isStable = this.#components.clock.now() - this.#connectedAt >= STABLE_SESSION
      this.#connectedAt = undefined
      this.#onFailure(isStable ? 0 : this.#failures + 1)
    }
  }

  #connect (): void {
    const controller = new AbortController()
    this.#controller = controller

    this.#tryAll(controller.signal)
      // it may have been closed again before anybody was told
      .then(connection => {
        if (connection.limits != null) {
          this.#onFailure(this.#failures + 1)
        } else {
          this.onConnected(connection)
        }
      })
      .catch(err => {
        if (!controller.signal.aborted) {
          this.#onFailure(this.#failures + 1)
          this.#components.log('could not connect to the static peer %p, %d times in a row - %e', this.#peerId, this.#failures, err)
        }
      })
      .finally(() => {
        if (this.#controller === controller) {
          this.#controller = undefined
        }

        this.check()
      })
  }

  /**
   * Dial what is known, and if that fails, what others know
   */
  async #tryAll (signal: AbortSignal): Promise<Pick<Connection, 'limits'>> {
    const known = await this.#knownAddresses()
    const dialable = this.#worthDialling(known)
    let error: unknown = new Error('No address of the peer is known')

    if (dialable.length > 0) {
      try {
        return await this.#dial(dialable, signal)
      } catch (err) {
        error = err
      }
    }

    signal.throwIfAborted()
    const found = this.#worthDialling(await this.#find(known, signal))

    if (found.length === 0) {
      throw error
    }

    return this.#dial(found, signal)
  }

  /**
   * Who is connected through a relay needs no other connection through one
   */
  #worthDialling (multiaddrs: Multiaddr[]): Multiaddr[] {
    return this.#components.isConnected(this.#peerId, { limited: true }) ? multiaddrs.filter(multiaddr => !isRelayed(multiaddr)) : multiaddrs
  }

  async #knownAddresses (): Promise<Multiaddr[]> {
    const peer = await this.#components.lookUp(this.#peerId)
    const stored = ownAddresses(this.#key, peer?.addresses.map(({ multiaddr }) => withPeer(multiaddr, this.#key)) ?? [])

    return [...new Map([...this.#multiaddrs.values(), ...stored].map(multiaddr => [multiaddr.toString(), multiaddr])).values()]
  }

  /**
   * Addresses that were not known
   */
  async #find (known: Multiaddr[], signal: AbortSignal): Promise<Multiaddr[]> {
    const { clock, findPeer, log, random } = this.#components

    if (clock.now() < this.#findAt) {
      return []
    }

    let found: Multiaddr[] = []

    try {
      await this.#limited(signal, async signal => {
        const { multiaddrs } = await findPeer(this.#peerId, signal)
        found = ownAddresses(this.#key, multiaddrs).map(multiaddr => withPeer(multiaddr, this.#key))
      })
    } catch (err) {
      log('could not find out where the static peer %p is - %e', this.#peerId, err)
    }

    this.#findFailures = found.length === 0 ? this.#findFailures + 1 : 0
    this.#findAt = clock.now() + retryDelay(this.#findFailures, FIND_RETRY, random)

    return found.filter(multiaddr => !known.some(other => other.equals(multiaddr)))
  }

  async #dial (multiaddrs: Multiaddr[], signal: AbortSignal): Promise<Pick<Connection, 'limits'>> {
    return this.#limited(signal, async signal => this.#components.dial(multiaddrs, signal))
  }

  /**
   * A dial that is passed a signal has no timeout but that signal
   */
  async #limited <T> (signal: AbortSignal, action: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withinTime(action, this.#components.dialTimeout, this.#components.clock, signal)
  }

  #cancel (): void {
    this.#cancelTimer()
    this.#controller?.abort(new AbortError('The peer is not to be connected any more'))
    this.#controller = undefined
  }

  #cancelTimer (): void {
    this.#timer?.clear()
    this.#timer = undefined
  }
}
