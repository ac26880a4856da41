import { isPublicIp, remoteIp } from '../../addresses/index.ts'
import { decorate } from './decorate.ts'
import { REQUEST_REJECTED } from './messages.ts'
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { ReachabilityOptions } from '../resolve-options.ts'
import type { AbortOptions, Connection, Stream, StreamHandler } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

// dialling for others comes after everything this node wants itself
const DIAL_PRIORITY = 10

/**
 * What {@link ServerGuard} needs
 */
export interface ServerGuardInit {
  options: ReachabilityOptions['server']
  clock: Clock
  random: Random

  /**
   * Told how each request ended
   */
  onRequest(status: 'accepted' | 'rejected' | 'failed'): void
}

/**
 * Puts limits on libp2p's AutoNAT v2 server, which has none
 */
export class ServerGuard {
  readonly #init: ServerGuardInit
  readonly #limits: ServerLimits

  // the addresses requests come from at the moment, and how many come from each
  readonly #askers = new Map<string, number>()

  // what was considered for which request: the server passes one signal per request
  readonly #scopes = new WeakMap<AbortSignal, { considered: number, dialled: boolean }>()

  constructor (init: ServerGuardInit) {
    this.#init = init
    this.#limits = new ServerLimits(init.clock, init.options)
  }

  /**
   * The server's handler behind the limits
   */
  guard (handler: StreamHandler): StreamHandler {
    return async (stream, connection) => {
      const peer = connection.remotePeer.toString()

      if (!this.#limits.acquire(peer)) {
        this.#init.onRequest('rejected')
        await reject(stream)
        return
      }

      const leave = this.#enter(connection)

      try {
        await handler(stream, connection)
        this.#init.onRequest('accepted')
      } catch (err) {
        this.#init.onRequest('failed')
        throw err
      } finally {
        leave()
        this.#limits.release(peer)
      }
    }
  }

  /**
   * The connection manager as the server may use it
   */
  guardDials (getManager: () => ConnectionManager): ConnectionManager {
    return decorate(getManager, {
      isDialable: async (ma, options) => Array.isArray(ma) ? getManager().isDialable(ma, options) : this.#isDialable(getManager(), ma, options),

      openConnection: async (target, options) => {
        if (this.#isElsewhere(target)) {
          await this.#jitter(options?.signal)
        }

        return getManager().openConnection(target, { ...options, priority: DIAL_PRIORITY })
      }
    })
  }

  async #isDialable (manager: ConnectionManager, ma: Multiaddr, options: AbortOptions = {}): Promise<boolean> {
    const scope = (options.signal == null ? undefined : this.#scopes.get(options.signal)) ?? { considered: 0, dialled: false }
    scope.considered++

    if (options.signal != null) {
      this.#scopes.set(options.signal, scope)
    }

    // one address is dialled per request: all of them carry the same nonce
    if (scope.dialled || scope.considered > this.#init.options.maxAddresses || !isPublicIp(remoteIp(ma)?.text)) {
      return false
    }

    if (!(await manager.isDialable(ma, options)) || (this.#isElsewhere(ma) && !this.#limits.acquireDialData())) {
      return false
    }

    scope.dialled = true

    return true
  }

  /**
   * Whether an address is none that somebody asks from at the moment
   */
  #isElsewhere (target: unknown): boolean {
    const ip = isMultiaddrLike(target) ? remoteIp(target)?.text : undefined

    return ip == null || !this.#askers.has(ip)
  }

  #enter (connection: Connection): () => void {
    const ip = remoteIp(connection.remoteAddr)?.text ?? ''
    this.#askers.set(ip, (this.#askers.get(ip) ?? 0) + 1)

    return () => {
      const count = (this.#askers.get(ip) ?? 1) - 1

      if (count > 0) {
        this.#askers.set(ip, count)
      } else {
        this.#askers.delete(ip)
      }
    }
  }

  // many servers asked to dial one victim shall not do so in the same moment
  async #jitter (signal?: AbortSignal): Promise<void> {
    await new Promise<void>(resolve => {
      const timer = this.#init.clock.setTimeout(done, this.#init.random.next() * this.#init.options.maxJitter)
      signal?.addEventListener('abort', done)

      function done (): void {
        timer.clear()
        signal?.removeEventListener('abort', done)
        resolve()
      }
    })
  }
}

function isMultiaddrLike (target: unknown): target is Multiaddr {
  return typeof target === 'object' && target != null && 'getComponents' in target
}

async function reject (stream: Stream): Promise<void> {
  stream.send(REQUEST_REJECTED)
  await stream.close()
}

const MINUTE = 60_000

/**
 * What an AutoNAT server does for others, so that nobody can use it to flood
 * somebody else
 */
export class ServerLimits {
  readonly #clock: Clock
  readonly #limits: ReachabilityOptions['server']
  readonly #requests: number[] = []
  readonly #dialData: number[] = []
  readonly #peers = new Map<string, { requests: number[], running: number }>()

  constructor (clock: Clock, limits: ReachabilityOptions['server']) {
    this.#clock = clock
    this.#limits = limits
  }

  /**
   * Whether a request of this peer may be answered. If so, it counts until
   * {@link release} is called, and a minute.
   */
  acquire (peer: string): boolean {
    this.#expire()
    const { requests, running } = this.#peers.get(peer) ?? { requests: [], running: 0 }
    const { requestsPerMinute, requestsPerMinutePerPeer, concurrentPerPeer } = this.#limits

    if (this.#requests.length >= requestsPerMinute || requests.length >= requestsPerMinutePerPeer || running >= concurrentPerPeer) {
      return false
    }

    const now = this.#clock.now()
    this.#requests.push(now)
    this.#peers.set(peer, { requests: [...requests, now], running: running + 1 })

    return true
  }

  /**
   * A request of this peer ended
   */
  release (peer: string): void {
    const entry = this.#peers.get(peer)

    if (entry != null) {
      entry.running = Math.max(0, entry.running - 1)
    }

    this.#expire()
  }

  /**
   * Whether one more address that is elsewhere may be dialled. If so, it
   * counts.
   */
  acquireDialData (): boolean {
    this.#expire()

    if (this.#dialData.length >= this.#limits.dialDataPerMinute) {
      return false
    }

    this.#dialData.push(this.#clock.now())

    return true
  }

  /**
   * About how many peers something is remembered
   */
  get size (): number {
    return this.#peers.size
  }

  #expire (): void {
    const since = this.#clock.now() - MINUTE
    dropBefore(this.#requests, since)
    dropBefore(this.#dialData, since)

    // as many peers as requests at most: the total is limited, too
    for (const [peer, entry] of this.#peers) {
      dropBefore(entry.requests, since)

      if (entry.requests.length === 0 && entry.running === 0) {
        this.#peers.delete(peer)
      }
    }
  }
}

function dropBefore (times: number[], since: number): void {
  const keep = times.findIndex(time => time > since)
  times.splice(0, keep === -1 ? times.length : keep)
}
