/**
 * What a limit can be about
 */
export type Resource = 'connections' | 'connectionsInbound' | 'connectionsOutbound' | 'fileDescriptors' |
  'streams' | 'streamsInbound' | 'streamsOutbound' | 'memory' | 'rate'

/**
 * A limit does not allow what was asked for. Everything that was taken on the
 * way has been given back.
 */
export class ResourceLimitError extends Error {
  static name = 'ResourceLimitError'

  /**
   * Which scope is full, e.g. `system`, `realm:chain`, `peer:12D3KooW…` or
   * `protocol:/ipfs/ping/1.0.0.peer:12D3KooW…`
   */
  readonly scope: string

  /**
   * What there is not enough of
   */
  readonly resource: Resource

  /**
   * How much of it was in use
   */
  readonly current: number

  /**
   * How much more was asked for
   */
  readonly requested: number

  /**
   * How much may be in use
   */
  readonly limit: number

  constructor (scope: string, resource: Resource, current: number, requested: number, limit: number, message?: string) {
    super(message ?? `"${scope}" has ${current} of ${limit} ${resource} in use, ${requested} more requested`)
    this.name = new.target.name
    this.scope = scope
    this.resource = resource
    this.current = current
    this.requested = requested
    this.limit = limit
  }
}

/**
 * Too many connections, or too many file descriptors for them
 */
export class ConnectionLimitError extends ResourceLimitError {
  static name = 'ConnectionLimitError'
}

/**
 * Too many streams
 */
export class StreamLimitError extends ResourceLimitError {
  static name = 'StreamLimitError'
}

/**
 * Too much memory. `current`, `requested` and `limit` are in bytes; `limit` is
 * what the priority of the reservation leaves of the scope's memory.
 */
export class MemoryLimitError extends ResourceLimitError {
  static name = 'MemoryLimitError'

  constructor (scope: string, current: number, requested: number, limit: number) {
    super(scope, 'memory', current, requested, limit)
  }
}

/**
 * Too many connections or streams in too short a time. `current` is what was left of the burst, and
 * `limit` the burst.
 */
export class RateLimitError extends ResourceLimitError {
  static name = 'RateLimitError'

  constructor (scope: string, current: number, requested: number, limit: number) {
    super(scope, 'rate', current, requested, limit, `"${scope}" has ${current} of ${limit} left to use at this moment, ${requested} requested`)
  }
}

/**
 * A scope was used in a way that its state does not allow: after its release,
 * or for a second peer or protocol
 */
export class ScopeStateError extends Error {
  static name = 'ScopeStateError'

  constructor (message: string) {
    super(message)
    this.name = 'ScopeStateError'
  }
}
