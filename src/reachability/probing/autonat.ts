import { autoNATv2 } from '@libp2p/autonat-v2'
import { start, stop } from '@libp2p/interface'
import { ServerGuard } from './autonat-server.ts'
import { decorate } from './decorate.ts'
import { DialBacks } from './dial-backs.ts'
import { DialResponseReader, sendNonce } from './messages.ts'
import type { ServerGuardInit } from './autonat-server.ts'
import type { DialBackOutcome } from './dial-backs.ts'
import type { DialVerdict } from './messages.ts'
import type { Timer } from '../../clock.ts'
import type { ComponentLogger, Connection, Metrics, Peer, PeerStore, Stream, Topology } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, NodeAddress, RandomWalk, Registrar } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What AutoNAT needs of the node
 */
export interface AutoNATComponents {
  registrar: Registrar
  addressManager: AddressManager
  connectionManager: ConnectionManager
  peerStore: PeerStore
  randomWalk: RandomWalk
  logger: ComponentLogger
  metrics?: Metrics
}

/**
 * What {@link AutoNAT} is configured with
 */
export interface AutoNATInit extends ServerGuardInit {
  protocolPrefix: string

  /**
   * How long a request to a server may take, in ms
   */
  timeout: number

  /**
   * A connected peer verifies addresses for others
   */
  onServer(connection: Connection): void

  /**
   * It left, or does so no more
   */
  onServerGone(connection: { remotePeer: Connection['remotePeer'] }): void
}

// how long libp2p's client may take before it opens a stream
const START_TIMEOUT = 1_000

// what libp2p's client gets as id of the topology that is kept from it
const CAPTURED = 'captured'

// what the claim of a server that it got through is worth
const PROVEN: Record<DialBackOutcome, DialVerdict> = { proven: 'reachable', elsewhere: 'failed', none: 'lied' }

/**
 * libp2p's AutoNAT v2, asked one question at a time. It decides for itself when
 * to ask whom about which addresses, once per connection; here it is given one
 * server and one address whenever there is reason to, and its conclusions are
 * replaced by what the server answered. That works with every version that
 * starts from a topology and reads the addresses from the address manager.
 */
export class AutoNAT {
  readonly #components: AutoNATComponents
  readonly #init: AutoNATInit
  readonly #service: unknown
  readonly #requestProtocol: string
  readonly #dialBackProtocol: string
  readonly #server: ServerGuard
  readonly #dialBacks: DialBacks
  #topology?: Topology
  #topologyId?: string

  // all that the client gets to see of the addresses of this node
  #view: NodeAddress[] = []

  // what the request that starts now is about
  #target?: Multiaddr

  // requests start one after the other
  #starting: Promise<void> = Promise.resolve()

  constructor (components: AutoNATComponents, init: AutoNATInit) {
    this.#components = components
    this.#init = init
    this.#requestProtocol = `/${init.protocolPrefix}/autonat/2/dial-request`
    this.#dialBackProtocol = `/${init.protocolPrefix}/autonat/2/dial-back`
    this.#server = new ServerGuard(init)
    this.#dialBacks = new DialBacks({
      clock: init.clock,
      log: components.logger.forComponent('libp2p:reachability:autonat'),
      timeout: init.timeout,
      getConnections: () => components.connectionManager.getConnections()
    })
    this.#service = autoNATv2({ protocolPrefix: init.protocolPrefix, timeout: init.timeout })(this.#decorateComponents())
  }

  async start (): Promise<void> {
    await start(this.#service)
    this.#topologyId = await this.#components.registrar.register(this.#requestProtocol, {
      onConnect: (peerId, connection) => { this.#init.onServer(connection) },
      onDisconnect: peerId => { this.#init.onServerGone({ remotePeer: peerId }) }
    })
  }

  async stop (): Promise<void> {
    if (this.#topologyId != null) {
      this.#components.registrar.unregister(this.#topologyId)
      this.#topologyId = undefined
    }

    await stop(this.#service)
  }

  /**
   * Whether a peer that speaks these protocols verifies addresses
   */
  isServer (protocols: string[]): boolean {
    return protocols.includes(this.#requestProtocol)
  }

  /**
   * Ask the server at the other end of a connection to dial an address
   */
  async probe (address: Multiaddr, connection: Connection, signal: AbortSignal): Promise<DialVerdict> {
    const expected = this.#dialBacks.expect(address)

    try {
      const verdict = await this.#ask(address, connection, expected.nonce, signal)

      // a server may claim what it likes: somebody must have come through the address
      return verdict === 'reachable' ? PROVEN[await expected.outcome(this.#init.clock, signal)] : verdict
    } finally {
      this.#dialBacks.forget(expected)
    }
  }

  async #ask (address: Multiaddr, connection: Connection, nonce: Uint8Array, signal: AbortSignal): Promise<DialVerdict> {
    const abort = new AbortController()
    const onAbort = (): void => { abort.abort(signal.reason) }
    const timers: Timer[] = []
    signal.addEventListener('abort', onAbort)

    try {
      return await new Promise<DialVerdict>((resolve, reject) => {
        const previous = this.#starting
        abort.signal.addEventListener('abort', () => { resolve('failed') })

        this.#starting = previous.then(async () => new Promise<void>(_resolve => {
          const begin = (): void => {
            this.#view = []
            _resolve()
          }

          if (abort.signal.aborted) {
            begin()
            return
          }

          timers.push(this.#init.clock.setTimeout(() => {
            begin()
            abort.abort(new Error('The request did not start'))
          }, START_TIMEOUT))

          const tapped = decorate(() => connection, {
            newStream: async (protocols, options) => {
              timers.forEach(timer => { timer.clear() })
              timers.push(this.#init.clock.setTimeout(() => { abort.abort(new Error('The server did not answer in time')) }, this.#init.timeout))
              begin()

              try {
                const stream = await connection.newStream(protocols, { ...options, signal: abort.signal })
                sendNonce(stream, nonce)
                listenIn(stream, abort.signal, resolve)

                return stream
              } catch (err) {
                resolve('failed')
                throw err
              }
            }
          })

          // the client looks twice: at first, while there is nothing to see, it forgets earlier requests
          this.#target = address
          Promise.resolve(this.#topology?.onConnect?.(connection.remotePeer, tapped)).catch(reject)
          this.#view = [{ multiaddr: address, verified: false, expires: 0, type: 'transport' }]
        }))
      })
    } finally {
      timers.forEach(timer => { timer.clear() })
      signal.removeEventListener('abort', onAbort)
      abort.abort()
    }
  }

  #decorateComponents (): AutoNATComponents {
    const components = this.#components
    const guarded = this.#server.guardDials(() => components.connectionManager)

    return {
      logger: components.logger,
      metrics: components.metrics,

      registrar: decorate(() => components.registrar, {
        register: async (protocol, topology) => {
          this.#topology = topology

          return CAPTURED
        },
        handle: async (protocol, handler, options) => {
          if (protocol === this.#requestProtocol && !this.#init.options.enabled) {
            return
          }

          await components.registrar.handle(protocol, protocol === this.#requestProtocol ? this.#server.guard(handler) : this.#dialBacks.handler, options)
        },
        unhandle: async (protocol, options) => {
          if (protocol === this.#dialBackProtocol || (protocol === this.#requestProtocol && this.#init.options.enabled)) {
            await components.registrar.unhandle(protocol, options)
          }
        }
      }),

      addressManager: decorate(() => components.addressManager, {
        getAddressesWithMetadata: () => [...this.#view],
        confirmObservedAddr: () => {},
        removeObservedAddr: () => {}
      }),

      connectionManager: decorate(() => guarded, {
        // whether there may be another connection for a dial back is judged where its result is
        getConnections: () => [],
        getMaxConnections: () => Infinity
      }),

      peerStore: decorate(() => components.peerStore, {
        // an address is only given to servers that have one of its family, which was seen to already
        get: async id => ({ id, addresses: this.#target == null ? [] : [{ multiaddr: this.#target, isCertified: false }], protocols: [], metadata: new Map(), tags: new Map() } satisfies Peer)
      }),

      randomWalk: decorate(() => components.randomWalk, {

        walk: async function * () {}
      })
    }
  }
}

function listenIn (stream: Stream, signal: AbortSignal, onVerdict: (verdict: DialVerdict) => void): void {
  const reader = new DialResponseReader()
  const onAbort = (): void => {
    if (stream.status === 'open') {
      stream.abort(new Error('The request ended'))
    }
  }

  stream.addEventListener('message', ({ data }) => {
    const verdict = reader.read(data.subarray())

    if (verdict != null) {
      signal.removeEventListener('abort', onAbort)
      onVerdict(verdict)
    }
  })
  stream.addEventListener('close', () => {
    signal.removeEventListener('abort', onAbort)
    onVerdict('failed')
  })
  signal.addEventListener('abort', onAbort)
}
