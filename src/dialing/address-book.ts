import { DialError } from '@libp2p/interface'
import { untilAborted } from '../core/index.ts'
import { DialDeniedError, NoValidAddressesError, hasErrorName, toError } from '../errors.ts'
import { prepareAddresses } from './address-preparation.ts'
import { addFailure, attachDialReport, emptyReport } from './dial-failure.ts'
import { resolveAddresses } from './resolver.ts'
import type { AutomaticTargets } from './automatic-targets.ts'
import type { DialReport } from './dial-failure.ts'
import type { AbortOptions, Address, ConnectionGater, Logger, MultiaddrResolver, PeerId, PeerRouting, PeerStore } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import type { DNS } from '@multiformats/dns'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * How many addresses of one dial the gater is asked about at the same time
 */
const MAX_PARALLEL_QUESTIONS = 8

export interface AddressBookComponents {
  peerId: PeerId
  peerStore: Pick<PeerStore, 'get'>
  peerRouting: Pick<PeerRouting, 'findPeer'>
  transportManager: Pick<TransportManager, 'dialTransportForMultiaddr' | 'getAddrs'>
  connectionGater: ConnectionGater
  dns?: DNS
}

export interface AddressBookInit {
  resolvers: Record<string, MultiaddrResolver>

  /**
   * Which addresses may be dialled without being asked for
   */
  targets: Pick<AutomaticTargets, 'dialable'>
}

/**
 * The addresses at which a peer can be dialled
 */
export interface FoundAddresses {
  /**
   * At least one, in no particular order
   */
  addresses: Address[]

  /**
   * Those that are not dialled, and why
   */
  report: DialReport
}

/**
 * Who looks for addresses
 */
export interface FindOptions extends AbortOptions {
  /**
   * Nobody asked for this very peer: the addresses that are given are those that it
   * has told
   *
   * @default false
   */
  automatic?: boolean
}

/**
 * Finds the addresses at which a peer can be dialled
 */
export class AddressBook {
  readonly #components: AddressBookComponents
  readonly #init: AddressBookInit
  readonly #log: Logger

  constructor (components: AddressBookComponents, init: AddressBookInit, log: Logger) {
    this.#components = components
    this.#init = init
    this.#log = log
  }

  /**
   * The addresses that are given, or else those in the peer store, or else those
   * that peer routing finds: resolved, without those that lead nowhere or that the
   * gater denies. The errors have a report on every address.
   *
   * @throws {DialError} if the peer is ourselves
   * @throws {DialDeniedError} if the gater denies the peer or every address
   * @throws {NoValidAddressesError} if no address is left
   * @throws {RecursionLimitError} if nothing but an endless name was given
   */
  async find (peerId: PeerId | undefined, multiaddrs: readonly Multiaddr[], options: FindOptions = {}): Promise<FoundAddresses> {
    if (peerId != null) {
      await this.#assertDialable(peerId)
    }

    const known = multiaddrs.length > 0 || peerId == null
      ? multiaddrs.map(uncertified)
      : await this.#lookUp(peerId, options)
    const report = emptyReport(peerId)
    const prepared = await this.#prepare(peerId, known, multiaddrs.length > 0 && options.automatic !== true, report, options)

    if (prepared.length === 0) {
      throw attachDialReport(nothingLeft(report), report)
    }

    const { allowed: addresses, error } = await this.#withoutDenied(prepared, report, options)

    if (addresses.length === 0) {
      throw attachDialReport(error ?? new DialDeniedError(`The connection gater denied all addresses in the dial request for peer: ${nameOf(peerId)}`), report)
    }

    return { addresses, report }
  }

  /**
   * Of the addresses that a peer is said to have those that may be dialled without being
   * asked for: resolved, and with what their names lead to. The gater was not asked yet.
   */
  async dialable (peerId: PeerId, multiaddrs: readonly Multiaddr[], options: AbortOptions = {}): Promise<Multiaddr[]> {
    const prepared = await this.#prepare(peerId, multiaddrs.map(uncertified), false, emptyReport(peerId), { ...options, automatic: true })

    return prepared.map(({ multiaddr }) => multiaddr)
  }

  async #assertDialable (peerId: PeerId): Promise<void> {
    if (this.#components.peerId.equals(peerId)) {
      throw new DialError('Tried to dial self')
    }

    if (await this.#components.connectionGater.denyDialPeer?.(peerId) === true) {
      throw new DialDeniedError('The dial request is blocked by gater.allowDialPeer')
    }
  }

  async #lookUp (peerId: PeerId, options: AbortOptions): Promise<Address[]> {
    try {
      const { addresses } = await this.#components.peerStore.get(peerId, options)

      if (addresses.length > 0) {
        return addresses
      }
    } catch (err) {
      if (!hasErrorName(err, 'NotFoundError')) {
        throw err
      }
    }

    try {
      const peerInfo = await this.#components.peerRouting.findPeer(peerId, options)

      return peerInfo.multiaddrs.map(uncertified)
    } catch (err) {
      if (!hasErrorName(err, 'NoPeerRoutersError')) {
        this.#log.error('looking up %p in the peer routing failed - %e', peerId, err)
      }

      return []
    }
  }

  async #prepare (peerId: PeerId | undefined, addresses: Address[], isAskedFor: boolean, report: DialReport, options: FindOptions): Promise<Address[]> {
    const { peerId: ownPeerId, transportManager } = this.#components
    const resolved = await this.#resolve(addresses, report, options)
    const prepared = prepareAddresses(resolved, {
      peerId,
      ownPeerId,
      ownAddresses: transportManager.getAddrs(),
      isAskedFor,
      canDial: multiaddr => transportManager.dialTransportForMultiaddr(multiaddr) != null
    }, report)

    if (options.automatic !== true) {
      return prepared
    }

    const { allowed, denied } = await untilAborted(this.#init.targets.dialable(peerId, prepared), options.signal)
    denied.forEach(failure => { addFailure(report, failure) })

    return allowed
  }

  async #resolve (addresses: Address[], report: DialReport, options: AbortOptions): Promise<Address[]> {
    const { resolved, failures, omitted } = await resolveAddresses(addresses.map(({ multiaddr }) => multiaddr), this.#init.resolvers, {
      signal: options.signal,
      dns: this.#components.dns,
      log: this.#log
    })

    failures.forEach(failure => { addFailure(report, { ...failure, reason: 'unresolved' }) })
    omitted.forEach(multiaddr => { addFailure(report, { multiaddr, reason: 'too-many' }) })

    // what an answer of DNS says is not certified
    return resolved.flatMap((found, i) => found.map(multiaddr => multiaddr === addresses[i].multiaddr ? addresses[i] : uncertified(multiaddr)))
  }

  /**
   * A gater that throws has denied the address, and no other. It may look up names, and one that
   * hangs should not keep the others.
   */
  async #withoutDenied (addresses: Address[], report: DialReport, { signal }: AbortOptions): Promise<{ allowed: Address[], error?: Error }> {
    const { connectionGater } = this.#components
    const denials = new Map<Address, { error?: Error }>()
    const left = addresses.values()

    await untilAborted(Promise.all(Array.from({ length: MAX_PARALLEL_QUESTIONS }, async () => {
      for (const address of left) {
        signal?.throwIfAborted()

        try {
          if (await connectionGater.denyDialMultiaddr?.(address.multiaddr) === true) {
            denials.set(address, {})
          }
        } catch (err) {
          denials.set(address, { error: toError(err) })
        }
      }
    })), signal)

    const denied = addresses.filter(address => denials.has(address))
    denied.forEach(address => { addFailure(report, { multiaddr: address.multiaddr, reason: 'gated', ...denials.get(address) }) })

    return {
      allowed: addresses.filter(address => !denials.has(address)),
      error: denied.map(address => denials.get(address)?.error).find(error => error != null)
    }
  }
}

function uncertified (multiaddr: Multiaddr): Address {
  return { multiaddr, isCertified: false }
}

function nothingLeft ({ peerId, failures }: DialReport): Error {
  const [first] = failures

  if (first != null && failures.every(({ reason }) => reason === first.reason)) {
    if (first.reason === 'unresolved' && first.error != null) {
      return first.error
    }

    if (first.reason === 'self') {
      return new DialError('Tried to dial self')
    }
  }

  return new NoValidAddressesError(`The dial request has no valid addresses for peer: ${nameOf(peerId)}`)
}

function nameOf (peerId?: PeerId): string {
  return peerId?.toString() ?? 'unknown peer'
}
