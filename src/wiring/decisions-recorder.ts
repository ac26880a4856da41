import { messageOf } from '../error-message.ts'
import type { DecisionKind, DecisionLog, NotedDecision } from './decisions.ts'
import type { ConnectionManagerEvents } from './events.ts'
import type { ResourceLimitError } from '../resources/index.ts'
import type { TypedEventTarget } from 'main-event'

/**
 * Notes the decisions that the events tell of. Connections are not kept, only what
 * there is to say about them. Candidates that are not dialled are left out: there are
 * too many of them.
 */
export function recordDecisions (log: DecisionLog, events: TypedEventTarget<ConnectionManagerEvents>): void {
  const on = <K extends keyof ConnectionManagerEvents>(type: K, kind: DecisionKind, tell: (detail: ConnectionManagerEvents[K]['detail']) => NotedDecision | NotedDecision[]): void => {
    events.addEventListener(type, ({ detail }: ConnectionManagerEvents[K]) => {
      const told = tell(detail)

      if (Array.isArray(told)) {
        told.forEach(decision => { log.add(kind, decision) })
      } else {
        log.add(kind, told)
      }
    })
  }

  // named one by one, as a flood is refused again and again
  on('connection:refuse', 'refuse', ({ reason, remoteAddr, peer, scope, current, limit, error }) => ({ peer: peer ?? peerInScope(scope), address: remoteAddr, reason, details: { scope, current, limit, error: error?.name, message: error == null ? undefined : messageOf(error) } }))
  on('resource:refuse', 'resource', ({ error, attempt: { peer, ...attempt } }) => ({ peer: peer ?? peerInScope(error.scope), reason: error.resource, details: { ...limitOf(error), ...attempt } }))

  // no more than are kept, as a trim may close very many
  on('connection:trim', 'trimmed', ({ reason, closed, realm }) => closed.slice(-log.capacity).map(({ connection, peerId, value, duplicate, streams, direction, age }) => ({
    peer: peerId,
    address: connection.remoteAddr,
    reason,
    details: { value, duplicate, streams, direction, age, realm }
  })))
  on('connection:trim', 'trim', ({ reason, closed, kept, ...details }) => ({ reason, details: { ...details, closed: closed.length, ...kept } }))
  on('connection:evict', 'evict', ({ connection, peerId, realm }) => ({ peer: peerId, address: connection.remoteAddr, reason: realm == null ? 'node' : 'realm', details: { realm } }))
  // whoever comes and goes as it likes does not push out why others were closed
  events.addEventListener('connection:close', ({ detail: { cause, direction, duration, error, peerId, reason, remoteAddr } }) => {
    const isTheirs = reason === 'remote' || reason === 'error'
    const message = error == null ? undefined : messageOf(error)
    log.add('close', { peer: peerId, address: remoteAddr, reason, details: { cause, direction, duration, error: error?.name, message } }, isTheirs ? 'close by remotes' : 'close')
  })
  on('connection:dead', 'dead', ({ peerId, remoteAddr, misses }) => ({ peer: peerId, address: remoteAddr, reason: 'silent', details: { misses } }))
  on('connection:recycle', 'recycle', ({ connection, reason }) => ({ peer: connection.remotePeer, address: connection.remoteAddr, reason: `${reason}` }))
  on('connection:upgrade', 'upgrade', ({ peerId, to }) => ({ peer: peerId, address: to.remoteAddr, reason: 'direct' }))
  on('watermark:cross', 'watermark', ({ watermark, direction, ...details }) => ({ reason: `${watermark} ${direction}`, details }))
  on('peer:ban', 'ban', ({ kind, target, expires, reason = '' }) => ({ peer: kind === 'peer' ? target : undefined, reason, details: { target, expires: finite(expires) } }))
  on('peer:unban', 'unban', ({ ban: { kind, target }, cause }) => ({ peer: kind === 'peer' ? target : undefined, reason: cause, details: { target } }))
  on('peer:discourage', 'discourage', peer => ({ peer, reason: 'misbehaviour' }))
  on('address:discourage', 'discourage', ({ peerId, range }) => ({ peer: peerId, reason: 'misbehaviour', details: { target: range } }))
  on('peer:protect', 'protect', ({ peerId, tag }) => ({ peer: peerId, reason: tag }))
  on('peer:unprotect', 'unprotect', ({ peerId, tag, isProtected }) => ({ peer: peerId, reason: tag, details: { isProtected } }))
  on('realm:assign', 'realm', ({ peer, source = 'none', ...details }) => ({ peer, reason: source, details }))
  on('realm:limit', 'realm-limit', ({ peer, error, ...details }) => ({ peer, reason: error?.resource ?? 'connections', details: { ...details, ...(error == null ? {} : limitOf(error)) } }))
  on('dial:end', 'dial', ({ peerId, outcome, duration, error }) => error == null ? [] : { peer: peerId, reason: outcome, details: { duration, error: error.name, message: messageOf(error) } })
  on('reachability:change', 'reachability', ({ state, reason, ...details }) => ({ reason: state, details: { because: reason, ...details } }))
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
