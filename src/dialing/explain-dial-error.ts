import { messageOf } from '../error-message.ts'
import { dialFailureReason, dialReport } from './dial-failure.ts'
import type { DialFailure, DialFailureReason } from './dial-failure.ts'

/**
 * How many addresses are listed one by one
 */
const MAX_LINES = 16

const EXPLANATIONS: Record<DialFailureReason, string> = {
  'too-many': 'not dialled, the peer has too many addresses',
  'wrong-peer': 'not dialled, it is an address of another peer',
  self: 'not dialled, it is our own address',
  unspecified: 'not dialled, it says where to listen, not where to dial',
  'link-local': 'not dialled, a link-local address needs a zone such as /ip6zone/eth0',
  'no-transport': 'not dialled, the node has no transport for it',
  private: 'not dialled, it leads to this host or a local network, and nobody asked for it',
  gated: 'the connection gater denied it',
  'back-off': 'not dialled, it failed a short time ago',
  'black-hole': 'not dialled, UDP or IPv6 does not seem to work in this network',
  unresolved: 'could not be resolved to an address',
  'host-rate': 'not dialled, its host was dialled often a short time ago, and nobody asked for it',
  timeout: 'no answer in time',
  refused: 'nobody listens there',
  unreachable: 'there is no route to it',
  reset: 'the remote hung up, perhaps it refuses our connection',
  'name-not-found': 'there is no such host name, or DNS does not answer',
  encryption: 'the secure handshake failed',
  'unexpected-peer': 'another peer answered',
  'no-muxer': 'the remote has no stream muxer that the node has',
  relay: 'the relay did not connect us, the peer may have left it',
  'local-limit': 'a limit of this node or of its host was reached',
  cancelled: 'the dial was given up',
  'queue-full': 'too many dials are waiting already',
  'no-addresses': 'there is no address that could be dialled',
  stopped: 'the node is not running',
  unknown: 'it failed'
}

/**
 * A dial's error for people: what was dialled, and why each address failed. For
 * everything else that can be thrown, one line.
 */
export function explainDialError (error: unknown): string {
  const { peerId, failures = [], omitted = 0 } = dialReport(error) ?? {}
  const isKnown = peerId != null || failures.length > 0
  const listed = [...failures].sort((a, b) => Number(b.error != null) - Number(a.error != null)).slice(0, MAX_LINES)
  const more = failures.length - listed.length + omitted

  return [
    `${isKnown ? `Could not connect to ${peerId?.toString() ?? 'the peer'}` : 'The dial failed'}: ${describeReason(error)}`,
    ...listed.map(describeFailure),
    ...(more > 0 ? [`  … and ${more} more`] : [])
  ].join('\n')
}

function describeReason (error: unknown): string {
  if (error instanceof AggregateError) {
    return 'no address could be connected to'
  }

  const reason = dialFailureReason(error)

  if (reason === 'unknown') {
    return messageOf(error)
  }

  // what a function of the user has thrown
  const isThrown = reason === 'gated' && error instanceof Error && error.cause != null

  return isThrown ? `${EXPLANATIONS[reason]} (${messageOf(error)})` : EXPLANATIONS[reason]
}

function describeFailure ({ multiaddr, reason, error }: DialFailure): string {
  const detail = error == null ? '' : ` (${messageOf(error)})`

  return `  ${multiaddr.toString()} – ${EXPLANATIONS[reason]}${detail}`
}
