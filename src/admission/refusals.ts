import { ResourceLimitError } from '../resources/index.ts'

/**
 * Why an inbound connection may not come in
 *
 * - `stopped` the node is not running
 * - `banned` the peer, its address or its relay is banned
 * - `denied` the address is on the deny list
 * - `net-restrict` the address is in none of the only networks that may connect
 * - `rate` its network connects too often
 * - `subnet-pending` too many connections of its network are not upgraded yet
 * - `pending` too many connections are not upgraded yet, or it had to give way to others of them
 * - `load` the event loop is late, or the heap nearly full
 * - `discouraged` it has misbehaved, and only the last place is free
 * - `subnet` its network has too many connections
 * - `max-connections` there are as many connections as there may be, and none is worse
 * - `resources` a scope of the resource manager is full
 * - `self` it is this node itself
 */
export type AdmissionReason = 'stopped' | 'banned' | 'denied' | 'net-restrict' | 'rate' | 'subnet-pending' | 'pending' |
  'load' | 'discouraged' | 'subnet' | 'max-connections' | 'resources' | 'self'

/**
 * What a connection was measured against
 */
export interface ExceededLimit {
  /**
   * What the limit applies to, e.g. `system`, `subnet:203.0.113.7/32`,
   * `network:10.0.0.0/8` or `relay:12D3KooW…`
   */
  readonly scope: string

  /**
   * How much of the limit was in use
   */
  readonly current: number

  readonly limit: number
}

/**
 * An inbound connection that may not come in
 */
export interface AdmissionRefusal extends ExceededLimit {
  readonly reason: AdmissionReason
}

/**
 * The refusal of who may not come in, whatever room there is
 */
export function bar (reason: AdmissionReason, scope: string): AdmissionRefusal {
  return { reason, scope, current: 0, limit: 0 }
}

/**
 * What the resource manager has refused. Throws on what is no refusal of it.
 */
export function toRefusal (err: unknown): AdmissionRefusal {
  if (!(err instanceof ResourceLimitError)) {
    throw err
  }

  return { reason: 'resources', scope: err.scope, current: err.current, limit: err.limit }
}
