import { messageOf } from '../error-message.ts'
import type { DecisionLog } from './decisions.ts'
import type { ConnectionManagerEvents } from './events.ts'
import type { ResourceLimitError } from '../resources/index.ts'
import type { TypedEventTarget } from 'main-event'

/**
 * Notes the decisions that the events tell of. Connections are not kept, only what
 * there is to say about them. Candidates that are not dialled are left out: there are
 * too many of them.
 */
export function recordDecisions (log: DecisionLog, events: TypedEventTarget<ConnectionManagerEvents>): void {
  recordAdmission(log, events)
  recordTrims(log, events)
  recordConnections(log, events)
  recordStanding(log, events)
  recordRealms(log, events)
  recordDials(log, events)
  recordReachability(log, events)
}

function recordAdmission (log: DecisionLog, events: TypedEventTarget<ConnectionManagerEvents>): void {
  events.addEventListener('connection:refuse', ({ detail: { reason, remoteAddr, peer, scope, current, limit } }) => {
    log.add('refuse', { peer: peer ?? peerInScope(scope), address: remoteAddr, reason, details: { scope, current, limit } })
  })
  events.addEventListener('resource:refuse', ({ detail: { error, attempt: { kind, direction, peer, protocol } } }) => {
    log.add('resource', { peer: peer ?? peerInScope(error.scope), reason: error.resource, details: { ...limitOf(error), kind, direction, protocol } })
  })
}

function recordTrims (log: DecisionLog, events: TypedEventTarget<ConnectionManagerEvents>): void {
  events.addEventListener('connection:trim', ({ detail: { reason, before, wanted, closed, kept, complete, realm } }) => {
    // no more than are kept, as a trim may close very many
    for (const { connection, peerId, value, duplicate, streams, direction, age } of closed.slice(-log.capacity)) {
      log.add('trimmed', { peer: peerId, address: connection.remoteAddr, reason, details: { value, duplicate, streams, direction, age, realm } })
    }

    log.add('trim', { reason, details: { before, wanted, closed: closed.length, ...kept, complete, realm } })
  })
  events.addEventListener('connection:evict', ({ detail: { connection, peerId, realm } }) => {
    log.add('evict', { peer: peerId, address: connection.remoteAddr, reason: realm == null ? 'node' : 'realm', details: { realm } })
  })
  events.addEventListener('watermark:cross', ({ detail: { watermark, direction, level, connections } }) => {
    log.add('watermark', { reason: `${watermark} ${direction}`, details: { level, connections } })
  })
}

function recordReachability (log: DecisionLog, events: TypedEventTarget<ConnectionManagerEvents>): void {
  events.addEventListener('reachability:change', ({ detail: { state, reason, previous, isPrivate } }) => {
    log.add('reachability', { reason: state, details: { because: reason, previous, isPrivate } })
  })
}

function recordConnections (log: DecisionLog, events: TypedEventTarget<ConnectionManagerEvents>): void {
  events.addEventListener('connection:dead', ({ detail: { peerId, remoteAddr, misses } }) => {
    log.add('dead', { peer: peerId, address: remoteAddr, reason: 'silent', details: { misses } })
  })
  events.addEventListener('connection:recycle', ({ detail: { connection, reason } }) => {
    log.add('recycle', { peer: connection.remotePeer, address: connection.remoteAddr, reason: `${reason}` })
  })
  events.addEventListener('connection:upgrade', ({ detail: { peerId, to } }) => {
    log.add('upgrade', { peer: peerId, address: to.remoteAddr, reason: 'direct' })
  })
}

function recordStanding (log: DecisionLog, events: TypedEventTarget<ConnectionManagerEvents>): void {
  events.addEventListener('peer:ban', ({ detail: { kind, target, expires, reason } }) => {
    log.add('ban', { peer: kind === 'peer' ? target : undefined, reason: reason ?? '', details: { target, expires: finite(expires) } })
  })
  events.addEventListener('peer:unban', ({ detail: { ban: { kind, target }, cause } }) => {
    log.add('unban', { peer: kind === 'peer' ? target : undefined, reason: cause, details: { target } })
  })
  events.addEventListener('peer:discourage', ({ detail }) => {
    log.add('discourage', { peer: detail, reason: 'misbehaviour' })
  })
  events.addEventListener('peer:protect', ({ detail: { peerId, tag } }) => {
    log.add('protect', { peer: peerId, reason: tag })
  })
  events.addEventListener('peer:unprotect', ({ detail: { peerId, tag, isProtected } }) => {
    log.add('unprotect', { peer: peerId, reason: tag, details: { isProtected } })
  })
}

function recordRealms (log: DecisionLog, events: TypedEventTarget<ConnectionManagerEvents>): void {
  events.addEventListener('realm:assign', ({ detail: { peer, realm, source, previous } }) => {
    log.add('realm', { peer, reason: source ?? 'none', details: { realm, previous } })
  })
  events.addEventListener('realm:limit', ({ detail: { peer, realm, error, kept } }) => {
    log.add('realm-limit', { peer, reason: error?.resource ?? 'connections', details: { realm, kept, ...(error == null ? {} : limitOf(error)) } })
  })
}

function recordDials (log: DecisionLog, events: TypedEventTarget<ConnectionManagerEvents>): void {
  events.addEventListener('dial:end', ({ detail: { peerId, outcome, duration, error } }) => {
    if (error != null) {
      log.add('dial', { peer: peerId, reason: outcome, details: { duration, error: error.name, message: messageOf(error) } })
    }
  })
}

function limitOf ({ scope, current, requested, limit }: ResourceLimitError): Record<string, string | number | undefined> {
  return { scope, current, requested, limit: finite(limit) }
}

/**
 * JSON has no other numbers
 */
function finite (value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined
}

const PEER_SCOPE = 'peer:'

function peerInScope (scope: string): string | undefined {
  const start = scope.lastIndexOf(PEER_SCOPE)

  return start === -1 ? undefined : scope.slice(start + PEER_SCOPE.length)
}
