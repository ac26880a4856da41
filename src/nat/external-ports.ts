import { isPublicIp } from './ip.ts'
import { socketKey } from './probing/candidates.ts'
import type { Endpoint } from './events.ts'
import type { MappingRequest } from './gateway/types.ts'
import type { SocketAddress } from './ip.ts'

/**
 * Where mappings are noted, so that the listen addresses behind them appear
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
    this.#note({ internal, external })
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
        this.#note(forward)
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

  #note ({ internal, external }: Forward): void {
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
