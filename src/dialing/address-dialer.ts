import { ConnectionFailedError, TimeoutError } from '@libp2p/interface'
import { relayPeer, transportKind } from '../addresses/index.ts'
import { closeWithin } from '../core/index.ts'
import { HostRateError, toError } from '../errors.ts'
import { whenAborted } from '../when-aborted.ts'
import { endpointOf } from './dial-traits.ts'
import { headStart } from './ranker.ts'
import type { TransportKind } from '../addresses/index.ts'
import type { Clock, Timer } from '../clock.ts'
import type { AutomaticTargets } from './automatic-targets.ts'
import type { DialBudgets } from './budgets.ts'
import type { DialHistory } from './dial-history.ts'
import type { DialJob, DialJobOptions } from './dial-job.ts'
import type { AttemptOptions } from './dial-scheduler.ts'
import type { Address, Connection, OpenConnectionProgressEvents, PeerId } from '@libp2p/interface'
import type { OpenConnectionOptions, TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface AddressDialerComponents {
  transportManager: Pick<TransportManager, 'dial'>
  budgets: DialBudgets
  history: DialHistory
  targets: Pick<AutomaticTargets, 'groupOf' | 'take'>
  clock: Clock
}

/**
 * What transports hand on to the upgrader and to the dials they make themselves
 */
type TransportOptions = Pick<OpenConnectionOptions, 'signal' | 'onProgress' | 'priority' | 'initiator'> & Pick<DialJobOptions, 'automatic'>

export interface AddressDialerInit {
  /**
   * How long the dial of an address may take now, in ms
   */
  timeout(): number

  /**
   * Reserve what the connection costs, before it is dialled
   *
   * @default undefined
   */
  reserve?: ReserveDial
}

/**
 * Reserves what an outbound connection costs. The signal is the one that the transport is
 * given. What is returned is released when the dial has ended.
 */
export interface ReserveDial {
  (multiaddr: Multiaddr, peerId: PeerId | undefined, signal: AbortSignal): { release(): void }
}

/**
 * Transports that use up the same thing share a budget: file descriptors,
 * RTCPeerConnections
 */
const SHARED_BUDGETS: Partial<Record<TransportKind, TransportKind>> = {
  ws: 'tcp',
  wss: 'tcp',
  'webrtc-direct': 'webrtc'
}

/**
 * In ms: what is cancelled is gone by then, or never will be. Less than the node waits
 * for cancelled dials when it stops.
 */
const ABANDON_TIMEOUT = 500

/**
 * Dials single addresses: within the budgets, for no longer than the timeout, and
 * remembers how it went
 */
export class AddressDialer {
  readonly #components: AddressDialerComponents
  readonly #init: AddressDialerInit

  /**
   * How many dials go through each relay, by its id
   */
  readonly #relays = new Map<string, number>()

  constructor (components: AddressDialerComponents, init: AddressDialerInit) {
    this.#components = components
    this.#init = init
  }

  /**
   * Whether the dial of an address goes on only once this peer, its relay, is connected
   */
  awaits (peer: string): boolean {
    return this.#relays.has(peer)
  }

  /**
   * @throws {HostRateError} if nobody asked for it, and the host was dialled often enough
   * @throws {TimeoutError} if it takes too long, counted from when it could begin
   * @throws {Error} what the transport throws, or the reason of the signal
   */
  async dial ({ multiaddr }: Address, job: DialJob, options: AttemptOptions): Promise<Connection> {
    const { peerId, priority, automatic } = job.options
    const { budgets, targets } = this.#components
    const kind = transportKind(multiaddr)
    const relay = relayPeer(multiaddr)

    const release = await budgets.acquire({
      peer: (peerId ?? multiaddr).toString(),
      endpoint: endpointOf(multiaddr),
      isRelayed: relay != null,
      transport: SHARED_BUDGETS[kind] ?? kind,
      group: automatic === true ? targets.groupOf(multiaddr) : undefined,
      priority,
      signal: options.signal
    })

    this.#countRelay(relay, 1)

    try {
      // somebody may have asked for it while it waited
      if (job.options.automatic === true && !targets.take(peerId, multiaddr)) {
        throw new HostRateError()
      }

      const controller = new AbortController()
      // that there is no room here is not the fault of the address
      const reservation = this.#init.reserve?.(multiaddr, peerId, controller.signal)

      try {
        return await this.#connect(multiaddr, job, options, controller)
      } finally {
        reservation?.release()
      }
    } finally {
      this.#countRelay(relay, -1)
      release()
    }
  }

  #countRelay (relay: string | undefined, more: number): void {
    if (relay == null) {
      return
    }

    const count = (this.#relays.get(relay) ?? 0) + more

    if (count === 0) {
      this.#relays.delete(relay)
    } else {
      this.#relays.set(relay, count)
    }
  }

  async #connect (multiaddr: Multiaddr, job: DialJob, { signal, onHandshake }: AttemptOptions, controller: AbortController): Promise<Connection> {
    const { clock, history, transportManager } = this.#components
    const { peerId, priority, initiator, force, automatic } = job.options
    const { network } = history
    const timeout = this.#init.timeout()
    const timer = clock.setTimeout(() => { controller.abort(new TimeoutError(`No connection within ${Math.round(timeout)} ms`)) }, timeout)
    // the dial may have been given up just when it could begin
    const stop = whenAborted(signal, () => { controller.abort(signal.reason) })

    try {
      // where a remote has us dial says nothing about our own network
      if (force !== true) {
        history.recordStart(multiaddr)
      }

      const options: TransportOptions = {
        signal: controller.signal,
        initiator,
        // of a relay, too, a stranger has told where it is
        automatic,
        // the transport of relayed addresses dials the relay with these options,
        // and whoever is waited for by another dial goes first
        priority: priority + 1,
        onProgress: event => {
          if (isHandshake(event)) {
            onHandshake(headStart(multiaddr))
          }

          job.progress(event)
        }
      }
      const connection = await this.#untilAbandoned(transportManager.dial(multiaddr, options), controller.signal)

      // transports of others may not be typed
      if (connection?.remotePeer == null) {
        throw new ConnectionFailedError('The transport has returned no connection')
      }

      if (force === true) {
        history.recordConnected(connection.remotePeer)
      } else {
        history.recordSuccess(connection.remotePeer, multiaddr)
      }

      return connection
    } catch (err) {
      signal.throwIfAborted()
      const error = toError(controller.signal.aborted ? controller.signal.reason : err)

      if (force !== true) {
        history.recordFailure(peerId, multiaddr, error, network)
      }

      throw error
    } finally {
      timer.clear()
      stop()
    }
  }

  /**
   * What a dial holds is not held for ever by a transport that takes no notice of its
   * signal. What it connects later on is closed.
   */
  async #untilAbandoned (dialling: Promise<Connection>, signal: AbortSignal): Promise<Connection> {
    const { clock } = this.#components

    return new Promise<Connection>((resolve, reject) => {
      let timer: Timer | undefined
      let isAbandoned = false
      const stop = whenAborted(signal, () => {
        timer = clock.setTimeout(() => {
          isAbandoned = true
          reject(toError(signal.reason))
        }, ABANDON_TIMEOUT)
      })

      dialling.finally(() => {
        stop()
        timer?.clear()
      }).then(connection => {
        if (isAbandoned) {
          closeWithin(connection, ABANDON_TIMEOUT, clock).catch(() => {})
        } else {
          resolve(connection)
        }
      }, reject)
    })
  }
}

/**
 * The upgrader begins with the secure handshake as soon as the transport is
 * connected
 */
function isHandshake ({ type }: OpenConnectionProgressEvents): boolean {
  return type.startsWith('upgrader:encrypt-')
}
