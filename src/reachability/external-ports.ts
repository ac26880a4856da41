import { familyOf, isPublicIp, prefixText } from '../addresses/index.ts'
import { RecentMap } from '../recent-map.ts'
import { socketKey } from './probing/candidates.ts'
import type { Endpoint } from './events.ts'
import type { MappingRequest } from './gateway/gateway-client.ts'
import type { IPFamily, IpAddress, SocketAddress } from '../addresses/index.ts'

/**
 * Where mappings are registered, so that the listen addresses behind them appear
 * with their external address
 */
export interface MappingRegister {
  addPublicAddressMapping(internalIp: string, internalPort: number, externalIp: string, externalPort?: number, protocol?: 'tcp' | 'udp'): void
  removePublicAddressMapping(internalIp: string, internalPort: number, externalIp: string, externalPort?: number, protocol?: 'tcp' | 'udp'): void
}

interface Forward {
  internal: SocketAddress
  external: SocketAddress
}

/**
 * The ports outside that lead to this node: those a gateway was asked to
 * forward, and those that somebody may have forwarded by hand. The latter are
 * guesses: the IP address that peers see, with the ports this node listens on.
 * identify drops every TCP address it is told, so they would never be found.
 */
export class ExternalPorts {
  readonly #components: { addressManager: MappingRegister }
  readonly #mapped = new Map<string, SocketAddress>()
  #guesses = new Map<string, Forward>()

  constructor (components: { addressManager: MappingRegister }) {
    this.#components = components
  }

  /**
   * Whether a gateway was asked to forward this socket
   */
  isMapped (external: SocketAddress): boolean {
    return [...this.#mapped.values()].some(other => socketKey(other) === socketKey(external))
  }

  /**
   * A gateway forwards this
   */
  add (request: MappingRequest, endpoint: Endpoint): void {
    const internal = internalOf(request)
    const external = { ...internal, ...endpoint }
    this.#mapped.set(socketKey(internal), external)

    // the guess for this port goes before the better one comes
    this.#keepGuesses(({ internal }) => !this.#mapped.has(socketKey(internal)))
    this.#register({ internal, external })
  }

  /**
   * It does so no more
   */
  remove (request: MappingRequest, endpoint: Endpoint): SocketAddress {
    const internal = internalOf(request)
    const external = { ...internal, ...endpoint }
    this.#mapped.delete(socketKey(internal))
    this.#forget({ internal, external })

    return external
  }

  /**
   * Guess that `observed` leads to these ports, unless a gateway forwards them
   */
  guess (observed: string | undefined, listening: SocketAddress[]): void {
    const next = new Map<string, Forward>()

    for (const internal of listening) {
      if (observed == null || internal.family !== 4 || isPublicIp(internal.host) || this.#mapped.has(socketKey(internal))) {
        continue
      }

      const external = { ...internal, host: observed }
      const key = socketKey(external)

      // one port of the router leads to one address
      if (!next.has(key)) {
        next.set(key, this.#guesses.get(key) ?? { internal, external })
      }
    }

    this.#keepGuesses(({ external }) => next.has(socketKey(external)))

    for (const [key, forward] of next) {
      if (!this.#guesses.has(key)) {
        this.#guesses.set(key, forward)
        this.#register(forward)
      }
    }
  }

  /**
   * Take all guesses back; what gateways forward is theirs to take back
   */
  clear (): void {
    this.#keepGuesses(() => false)
    this.#mapped.clear()
  }

  #keepGuesses (isKept: (forward: Forward) => boolean): void {
    for (const [key, forward] of this.#guesses) {
      if (!isKept(forward)) {
        this.#guesses.delete(key)
        this.#forget(forward)
      }
    }
  }

  #register ({ internal, external }: Forward): void {
    if (isTranslated(internal, external)) {
      this.#components.addressManager.addPublicAddressMapping(internal.host, internal.port, external.host, external.port, external.protocol)
    }
  }

  #forget ({ internal, external }: Forward): void {
    if (isTranslated(internal, external)) {
      this.#components.addressManager.removePublicAddressMapping(internal.host, internal.port, external.host, external.port, external.protocol)
    }
  }
}

// a pinhole leads to the listen address itself
function isTranslated (internal: SocketAddress, external: SocketAddress): boolean {
  return socketKey(internal) !== socketKey(external)
}

function internalOf ({ internalAddress, internalPort, protocol }: MappingRequest): SocketAddress {
  return { family: internalAddress.includes(':') ? 6 : 4, host: internalAddress, port: internalPort, protocol }
}

// the latest observers of one family; older ones tell about an older network
const MAX_OBSERVERS = 32

// an observer is an IPv4 address or an IPv6 network of this size (go-libp2p)
const OBSERVER_BITS_IPV6 = 56

/**
 * Which public IP addresses peers see us at. A peer can only tell an address:
 * the port is one of an outbound connection, and nobody listens there.
 */
export class ObservedIPs {
  readonly #minObservers: number

  // what each observer saw last, the latest observer last
  readonly #observations: Record<IPFamily, RecentMap<string, string>> = { 4: new RecentMap(MAX_OBSERVERS), 6: new RecentMap(MAX_OBSERVERS) }

  constructor (minObservers: number) {
    this.#minObservers = minObservers
  }

  /**
   * The peer at `observer` sees us at `ip`
   */
  add (ip: string, observer: IpAddress): void {
    const family = familyOf(ip)

    if (family == null) {
      return
    }

    this.#observations[family].set(prefixText(observer, observer.family === 4 ? 32 : OBSERVER_BITS_IPV6), ip)
  }

  /**
   * The address most observers see, if they are enough
   */
  get (family: IPFamily): string | undefined {
    const counts = new Map<string, number>()

    for (const ip of this.#observations[family].values()) {
      counts.set(ip, (counts.get(ip) ?? 0) + 1)
    }

    const [best] = [...counts].sort(([, a], [, b]) => b - a)

    return best != null && best[1] >= this.#minObservers ? best[0] : undefined
  }

  /**
   * What was seen is not true any more
   */
  clear (): void {
    this.#observations[4].clear()
    this.#observations[6].clear()
  }
}
