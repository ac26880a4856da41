import { lpStream } from '@libp2p/utils'
import { socketAddressOf } from '../../addresses/index.ts'
import { createNonce, DIAL_BACK_OK, MAX_DIAL_BACK_BYTES, nonceKey, readDialBack } from './messages.ts'
import type { SocketAddress } from '../../addresses/index.ts'
import type { Clock } from '../../clock.ts'
import type { Connection, Logger, StreamHandler } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How long a dial-back may come after the answer that tells of it, in ms: they come
 * over different connections, and not every server waits until it was heard
 */
export const LATE_DIAL_BACK = 1_000

/**
 * What came of a request, as far as this node has seen itself
 *
 * - `proven`: somebody who knows the nonce opened a connection through the address
 * - `elsewhere`: somebody did, but not through that address
 * - `none`: nobody did
 */
export type DialBackOutcome = 'none' | 'elsewhere' | 'proven'

/**
 * What {@link DialBacks} needs
 */
export interface DialBacksInit {
  clock: Clock
  log: Logger

  /**
   * How long the nonce may take on a new stream, in ms
   */
  timeout: number

  /**
   * The connections that are open now
   */
  getConnections(): Array<Pick<Connection, 'id'>>
}

/**
 * A request to a server, from when it is sent until it is decided
 */
export class ExpectedDialBack {
  readonly nonce = createNonce()
  readonly #target: SocketAddress | undefined

  // over what was there before the request nobody proves anything
  readonly #known: Set<string>
  #outcome: DialBackOutcome = 'none'
  #onArrival?: () => void

  constructor (address: Multiaddr, known: Set<string>) {
    this.#target = socketAddressOf(address)
    this.#known = known
  }

  /**
   * The nonce came over this connection. Returns whether it is one that somebody opened
   * for it.
   */
  arrive (connection: Connection): boolean {
    if (this.#known.has(connection.id) || wasDialled(connection)) {
      return false
    }

    const from = socketAddressOf(connection.remoteAddr)
    const isThrough = from != null && from.family === this.#target?.family && from.protocol === this.#target.protocol

    if (this.#outcome !== 'proven') {
      this.#outcome = isThrough ? 'proven' : 'elsewhere'
    }

    this.#onArrival?.()

    return true
  }

  /**
   * This connection was opened for another request
   */
  exclude (id: string): void {
    this.#known.add(id)
  }

  /**
   * What came of it, once it was told that the address was dialled
   */
  async outcome (clock: Clock, signal: AbortSignal): Promise<DialBackOutcome> {
    if (this.#outcome === 'none' && !signal.aborted) {
      await new Promise<void>(resolve => {
        const done = (): void => {
          timer.clear()
          signal.removeEventListener('abort', done)
          resolve()
        }
        const timer = clock.setTimeout(done, LATE_DIAL_BACK)
        signal.addEventListener('abort', done)
        this.#onArrival = done
      })
    }

    return this.#outcome
  }
}

/**
 * Hears of dial-backs, in place of libp2p's handler, which forgets a request after its
 * first dial-back and believes it whatever connection it came over
 */
export class DialBacks {
  readonly #init: DialBacksInit
  readonly #expected = new Map<string, ExpectedDialBack>()

  constructor (init: DialBacksInit) {
    this.#init = init
  }

  /**
   * A server is going to be asked to dial an address
   */
  expect (address: Multiaddr): ExpectedDialBack {
    const known = new Set(this.#init.getConnections().map(({ id }) => id))
    const expected = new ExpectedDialBack(address, known)
    this.#expected.set(nonceKey(expected.nonce), expected)

    return expected
  }

  /**
   * The request is decided
   */
  forget (expected: ExpectedDialBack): void {
    this.#expected.delete(nonceKey(expected.nonce))
  }

  /**
   * Somebody opened a stream to send a nonce
   */
  readonly handler: StreamHandler = async (stream, connection) => {
    const { clock, log, timeout } = this.#init
    const abort = new AbortController()
    const timer = clock.setTimeout(() => { abort.abort(new Error('There was no nonce in time')) }, timeout)
    const { signal } = abort

    try {
      const message = await lpStream(stream, { maxDataLength: MAX_DIAL_BACK_BYTES }).read({ signal })
      this.#receive(readDialBack(message.subarray()), connection)
      stream.send(DIAL_BACK_OK)
      await stream.close({ signal })
    } catch (err) {
      log('%p dialled back in vain - %e', connection.remotePeer, err)
      stream.abort(err instanceof Error ? err : new Error(String(err)))
    } finally {
      timer.clear()
    }
  }

  #receive (nonce: Uint8Array | undefined, connection: Connection): void {
    const expected = nonce == null ? undefined : this.#expected.get(nonceKey(nonce))

    if (expected == null) {
      throw new Error('Nobody was asked for this dial-back')
    }

    if (!expected.arrive(connection)) {
      throw new Error('Nobody opened this connection to dial back')
    }

    // one connection proves one address
    this.#expected.forEach(other => {
      if (other !== expected) {
        other.exclude(connection.id)
      }
    })
  }
}

/**
 * Whether this node opened a connection itself. Where a hole was punched the direction
 * of a connection is only the part a node has in it; the socket still knows.
 */
function wasDialled (connection: Connection): boolean {
  const socket: unknown = Reflect.get(connection, 'maConn')

  return connection.direction !== 'inbound' ||
    (typeof socket === 'object' && socket != null && Reflect.get(socket, 'direction') === 'outbound')
}
