import { isPublicIp, remoteIpOf } from '../ip.ts'
import { decorate } from './decorate.ts'
import { REQUEST_REJECTED } from './dial-response.ts'
import { ServerLimits } from './server-limits.ts'
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
    if (scope.dialled || scope.considered > this.#init.options.maxAddresses || !isPublicIp(remoteIpOf(ma))) {
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
    const ip = isMultiaddrLike(target) ? remoteIpOf(target) : undefined

    return ip == null || !this.#askers.has(ip)
  }

  #enter (connection: Connection): () => void {
    const ip = remoteIpOf(connection.remoteAddr) ?? ''
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
