import { toError } from '../errors.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Why an address is not dialled:
 * `too-many` – the peer has more addresses than are looked at, or dialled,
 * `wrong-peer` – it is an address of another peer,
 * `self` – it is our own peer id or one of our listen addresses,
 * `unspecified` – it says where to listen, not where to dial,
 * `link-local` – without a zone it does not say on which link,
 * `no-transport` – none of the node's transports can dial it,
 * `private` – it leads to this host or a local network, and nobody asked for it
 */
export type AddressRefusalReason = 'too-many' | 'wrong-peer' | 'self' | 'unspecified' | 'link-local' | 'no-transport' | 'private'

/**
 * Why an address was not connected to. Either it was not dialled:
 * one of {@link AddressRefusalReason},
 * `gated` – the connection gater denied it,
 * `back-off` – it failed lately,
 * `black-hole` – UDP or IPv6 does not work here,
 * `unresolved` – it could not be resolved to addresses,
 * `host-rate` – its host was dialled often enough without anybody asking for it;
 *
 * or the dial failed:
 * `timeout` – no answer in time,
 * `refused` – nobody listens there,
 * `unreachable` – there is no route,
 * `reset` – the remote hung up,
 * `name-not-found` – there is no such host name,
 * `encryption` – the secure handshake failed,
 * `unexpected-peer` – another peer answered,
 * `no-muxer` – no stream muxer in common,
 * `relay` – the relay did not connect us,
 * `local-limit` – a limit of this node or host,
 * `cancelled` – the dial was given up,
 * `queue-full` – too many dials wait,
 * `no-addresses` – there was nothing to dial,
 * `stopped` – the node does not run,
 * `unknown`
 */
export type DialFailureReason = AddressRefusalReason | 'gated' | 'back-off' | 'black-hole' | 'unresolved' | 'host-rate' | 'timeout' | 'refused' | 'unreachable' | 'reset' | 'name-not-found' | 'encryption' | 'unexpected-peer' | 'no-muxer' | 'relay' | 'local-limit' | 'cancelled' | 'queue-full' | 'no-addresses' | 'stopped' | 'unknown'

/**
 * An address that was not connected to
 */
export interface DialFailure {
  multiaddr: Multiaddr
  reason: DialFailureReason

  /**
   * What the transport threw, if the address was dialled
   */
  error?: Error
}

/**
 * How a dial failed
 */
export interface DialReport {
  peerId?: PeerId
  failures: DialFailure[]

  /**
   * How many more addresses were not connected to
   */
  omitted: number
}

/**
 * How many addresses that were not dialled a report lists
 */
const MAX_REPORTED = 100

/**
 * A report on a dial that has just begun
 */
export function emptyReport (peerId?: PeerId): DialReport {
  return { peerId, failures: [], omitted: 0 }
}

/**
 * Note that an address was not connected to. Those that were not even dialled may be
 * many, so not all of them are listed.
 */
export function addFailure (report: DialReport, failure: DialFailure): void {
  if (failure.error != null || report.failures.length < MAX_REPORTED) {
    report.failures.push(failure)
  } else {
    report.omitted++
  }
}

// what a dial throws are libp2p's errors and those of transports, which callers
// know by name and message. So the report stands beside the error
const reports = new WeakMap<Error, DialReport>()

/**
 * Remember what lead to an error
 */
export function attachDialReport <T extends Error> (error: T, report: DialReport): T {
  reports.set(error, report)

  return error
}

/**
 * The addresses that a failed dial had, and why each of them was not connected
 * to. `undefined` for what is no error of a dial.
 */
export function dialReport (error: unknown): DialReport | undefined {
  return error instanceof Error ? reports.get(error) : undefined
}

/**
 * What reasons are known by: the codes and the names of errors, and the messages of
 * `DialError`, which libp2p throws for several things
 */
const SIGNS: Array<[reason: DialFailureReason, signs: string[]]> = [
  ['refused', ['ECONNREFUSED']],
  ['reset', ['ECONNRESET', 'EPIPE', 'ConnectionClosedError', 'ConnectionClosingError', 'MuxerClosedError', 'StreamResetError', 'StreamClosedError', 'UnexpectedEOFError']],
  ['timeout', ['ETIMEDOUT', 'TimeoutError']],
  ['unreachable', ['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']],
  ['name-not-found', ['ENOTFOUND', 'EAI_AGAIN']],
  ['local-limit', ['EMFILE', 'ENFILE', 'ENOBUFS', 'EACCES', 'EPERM', 'ConnectionDeniedError', 'ResourceLimitError', 'ConnectionLimitError']],
  ['cancelled', ['AbortError']],
  ['unexpected-peer', ['UnexpectedPeerError']],
  ['encryption', ['InvalidCryptoExchangeError', 'EncryptionFailedError']],
  ['no-muxer', ['MuxerUnavailableError']],
  ['gated', ['DialDeniedError', 'ConnectionInterceptedError']],
  ['no-transport', ['TransportUnavailableError']],
  ['no-addresses', ['NoValidAddressesError']],
  ['unresolved', ['RecursionLimitError', 'DNSQueryFailedError']],
  ['host-rate', ['HostRateError']],
  ['self', ['InvalidPeerIdError', 'Tried to dial self']],
  ['stopped', ['NotStartedError']],
  ['relay', ['InvalidMessageError']],
  ['queue-full', ['Dial queue is full']],
  ['too-many', ['Peer had more than maxPeerAddrsToDial']]
]

const REASONS = new Map(SIGNS.flatMap(([reason, signs]) => signs.map((sign): [string, DialFailureReason] => [sign, reason])))

const CODE = /\bE[A-Z][A-Z_]{3,}\b/g
const MAX_TEXT_LENGTH = 1_000
const MAX_CAUSES = 5

/**
 * The reason that an error stands for. Looks through causes and, as upgraders
 * wrap errors of sockets, for error codes in messages.
 */
export function dialFailureReason (error: unknown): DialFailureReason {
  let current = error == null ? undefined : toError(error)

  for (let depth = 0; depth < MAX_CAUSES && current != null; depth++) {
    const reason = signsOf(current).map(sign => REASONS.get(sign)).find(reason => reason != null)

    if (reason != null) {
      return reason
    }

    const cause: unknown = current.cause ?? (current instanceof AggregateError ? current.errors[0] : undefined)
    current = cause == null ? undefined : toError(cause)
  }

  return 'unknown'
}

/**
 * The code of a socket says more than the name of what was tried with it
 */
function signsOf (error: Error): string[] {
  return [
    'code' in error ? String(error.code) : '',
    ...error.message.slice(0, MAX_TEXT_LENGTH).match(CODE) ?? [],
    error.name === 'DialError' ? error.message : error.name
  ]
}
