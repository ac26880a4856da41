import { RecursionLimitError, toError } from '../errors.ts'
import type { AbortOptions, MultiaddrResolver, MultiaddrResolveOptions } from '@libp2p/interface'
import type { DNS } from '@multiformats/dns'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How often an address may resolve to an address that has to be resolved
 * (libp2p default)
 */
export const MAX_RECURSIVE_DEPTH = 32

/**
 * How many look-ups are made for one dial
 */
export const MAX_LOOKUPS = 64

/**
 * How many resolved addresses are used for one dial (go-libp2p default)
 */
export const MAX_RESOLVED_ADDRESSES = 100

/**
 * How many addresses of one answer are looked at
 */
const MAX_ANSWERS = 200

/**
 * The options of {@link resolveAddresses}
 */
export interface ResolveOptions extends AbortOptions, Partial<Pick<MultiaddrResolveOptions, 'log'>> {
  /**
   * The node's DNS client
   */
  dns?: DNS
}

/**
 * An address that could not be resolved
 */
export interface ResolveFailure {
  multiaddr: Multiaddr
  error: Error
}

/**
 * What addresses resolved to
 */
export interface ResolveResult {
  /**
   * For every address that was passed the addresses that it stands for, which is
   * the address itself where there was nothing to resolve
   */
  resolved: Multiaddr[][]

  /**
   * What went wrong. The first 16 failures.
   */
  failures: ResolveFailure[]

  /**
   * What is not used, as there are too many
   */
  omitted: Multiaddr[]
}

/**
 * How many failures are reported
 */
const MAX_FAILURES = 16

/**
 * Resolve addresses until nothing is left to resolve. Answers are not trusted:
 * together they cause no more look-ups and yield no more addresses than
 * is allowed, and no address is looked up twice. Addresses that need no
 * resolving are never dropped. What fails is reported and does not keep the
 * others from being used.
 *
 * @throws {AbortError} or the reason of the signal, when it aborts
 */
export async function resolveAddresses (multiaddrs: readonly Multiaddr[], resolvers: Record<string, MultiaddrResolver>, options: ResolveOptions = {}): Promise<ResolveResult> {
  const resolution = new Resolution(resolvers, options)

  return {
    resolved: await Promise.all(multiaddrs.map(async ma => resolution.resolve(ma, []))),
    failures: resolution.failures,
    omitted: resolution.omitted
  }
}

/**
 * Resolve one address.
 *
 * @throws {RecursionLimitError} if there are too many steps and nothing is found
 * @throws {Error} what the first look-up that failed did, if nothing is found
 */
export async function resolveMultiaddr (address: Multiaddr, resolvers: Record<string, MultiaddrResolver>, options: ResolveOptions = {}): Promise<Multiaddr[]> {
  const { resolved, failures } = await resolveAddresses([address], resolvers, options)
  const found = resolved.flat()

  if (found.length === 0 && failures.length > 0) {
    throw failures[0].error
  }

  return found
}

class Resolution {
  readonly failures: ResolveFailure[] = []
  readonly omitted: Multiaddr[] = []
  readonly #resolvers: MultiaddrResolver[]
  readonly #options: ResolveOptions
  readonly #visited = new Set<string>()
  #lookups = MAX_LOOKUPS
  #places = MAX_RESOLVED_ADDRESSES

  constructor (resolvers: Record<string, MultiaddrResolver>, options: ResolveOptions) {
    this.#resolvers = Object.values(resolvers)
    this.#options = options
  }

  /**
   * `path` leads from the address that is dialled to this one
   */
  async resolve (address: Multiaddr, path: string[]): Promise<Multiaddr[]> {
    let resolvers: MultiaddrResolver[]

    try {
      resolvers = this.#resolvers.filter(resolver => resolver.canResolve(address))
    } catch (err) {
      return this.#fail(address, toError(err))
    }

    if (resolvers.length === 0) {
      return path.length === 0 ? [address] : this.#keep(address)
    }

    if (path.length > MAX_RECURSIVE_DEPTH) {
      return this.#fail(address, new RecursionLimitError())
    }

    const key = address.toString()

    if (path.includes(key)) {
      return this.#fail(address, new RecursionLimitError('The address resolves to itself'))
    }

    if (this.#visited.has(key)) {
      return []
    }

    this.#visited.add(key)
    const results: Multiaddr[][] = []

    for (const resolver of resolvers) {
      const answers = await this.#lookUp(resolver, address)
      results.push(...await Promise.all(answers.map(async answer => this.resolve(answer, [...path, key]))))
    }

    return results.flat()
  }

  async #lookUp (resolver: MultiaddrResolver, address: Multiaddr): Promise<Multiaddr[]> {
    this.#options.signal?.throwIfAborted()

    if (this.#lookups <= 0 || this.#places <= 0) {
      return this.#fail(address, new RecursionLimitError('Too many addresses to resolve'))
    }

    this.#lookups--

    try {
      // the option `log` is required by the interface of resolvers, but libp2p's
      // own resolver does not use it and callers of ours may have none
      const answers = await resolver.resolve(address, this.#options as MultiaddrResolveOptions)

      this.omitted.push(...answers.slice(MAX_ANSWERS, 2 * MAX_ANSWERS))

      return answers.slice(0, MAX_ANSWERS)
    } catch (err) {
      this.#options.signal?.throwIfAborted()

      return this.#fail(address, toError(err))
    }
  }

  #keep (address: Multiaddr): Multiaddr[] {
    if (this.#places <= 0) {
      this.omitted.push(address)

      return []
    }

    this.#places--

    return [address]
  }

  #fail (multiaddr: Multiaddr, error: Error): [] {
    this.#options.log?.error('could not resolve %a - %e', multiaddr, error)

    if (this.failures.length < MAX_FAILURES) {
      this.failures.push({ multiaddr, error })
    }

    return []
  }
}
