import { ConnectionLimitError, MemoryLimitError, StreamLimitError } from './errors.ts'
import { SCOPE_FIELDS } from './limits.ts'
import { memoryShare } from './memory-priority.ts'
import type { ResourceLimitError } from './errors.ts'
import type { ResolvedLimits } from './limit-table.ts'
import type { RealmLimits } from './limits.ts'
import type { MemoryPriority } from './memory-priority.ts'

/**
 * How much of everything is in use
 */
export type Usage = Record<typeof SCOPE_FIELDS[number], number>

/**
 * A scope, what is in use in it, and how much may be
 */
export interface ScopeStat {
  readonly usage: Usage

  /**
   * Everything that is limited at all
   */
  readonly limits: RealmLimits
}

/**
 * Counts what is in use, and compares it with limits. It knows nothing of
 * connections, peers, or other scopes.
 *
 * To take from several scopes, `require` it from all of them first and `add` it
 * to all of them then: what is required and refused has not changed anything, so
 * that there is nothing to give back.
 */
export abstract class LimitedUsage {
  /**
   * What is in use of the scope's limits may exceed them when they were lowered
   */
  abstract readonly limits: ResolvedLimits

  connectionsInbound = 0
  connectionsOutbound = 0
  fileDescriptors = 0
  streamsInbound = 0
  streamsOutbound = 0
  memory = 0

  /**
   * What is named in errors
   */
  abstract readonly name: string

  /**
   * @throws {ConnectionLimitError} when there is no room for these connections
   */
  requireConnections (inbound: number, outbound: number, fileDescriptors: number): void {
    const { limits } = this

    if (inbound > 0 && this.connectionsInbound + inbound > limits.connectionsInbound) {
      throw noRoom(this, ConnectionLimitError, 'connectionsInbound', inbound)
    }

    if (outbound > 0 && this.connectionsOutbound + outbound > limits.connectionsOutbound) {
      throw noRoom(this, ConnectionLimitError, 'connectionsOutbound', outbound)
    }

    if (inbound + outbound > 0 && this.connections + inbound + outbound > limits.connections) {
      throw noRoom(this, ConnectionLimitError, 'connections', inbound + outbound)
    }

    if (fileDescriptors > 0 && this.fileDescriptors + fileDescriptors > limits.fileDescriptors) {
      throw noRoom(this, ConnectionLimitError, 'fileDescriptors', fileDescriptors)
    }
  }

  /**
   * @throws {StreamLimitError} when there is no room for these streams
   */
  requireStreams (inbound: number, outbound: number): void {
    const { limits } = this

    if (inbound > 0 && this.streamsInbound + inbound > limits.streamsInbound) {
      throw noRoom(this, StreamLimitError, 'streamsInbound', inbound)
    }

    if (outbound > 0 && this.streamsOutbound + outbound > limits.streamsOutbound) {
      throw noRoom(this, StreamLimitError, 'streamsOutbound', outbound)
    }

    if (inbound + outbound > 0 && this.streamsInbound + this.streamsOutbound + inbound + outbound > limits.streams) {
      throw noRoom(this, StreamLimitError, 'streams', inbound + outbound)
    }
  }

  /**
   * @throws {MemoryLimitError} when there is no room for that many bytes
   */
  requireMemory (bytes: number, priority: MemoryPriority): void {
    if (bytes <= 0 || this.limits.memory === Infinity) {
      return
    }

    const limit = memoryShare(this.limits.memory, priority)

    if (this.memory + bytes > limit) {
      throw new MemoryLimitError(this.name, this.memory, bytes, limit)
    }
  }

  /**
   * What is in use, and the limits that there are
   */
  stat (): ScopeStat {
    const limits: RealmLimits = {}

    for (const field of SCOPE_FIELDS) {
      if (this.limits[field] !== Infinity) {
        limits[field] = this.limits[field]
      }
    }

    if (this.limits.reserved > 0) {
      limits.reserved = this.limits.reserved
    }

    return { usage: this.usage(), limits }
  }

  get connections (): number {
    return this.connectionsInbound + this.connectionsOutbound
  }

  get streams (): number {
    return this.streamsInbound + this.streamsOutbound
  }

  /**
   * Negative numbers give back
   */
  addConnections (inbound: number, outbound: number, fileDescriptors: number): void {
    this.connectionsInbound += inbound
    this.connectionsOutbound += outbound
    this.fileDescriptors += fileDescriptors
  }

  /**
   * Negative numbers give back
   */
  addStreams (inbound: number, outbound: number): void {
    this.streamsInbound += inbound
    this.streamsOutbound += outbound
  }

  /**
   * Negative numbers give back
   */
  addMemory (bytes: number): void {
    this.memory += bytes
  }

  /**
   * @throws {ResourceLimitError} when another scope has no room for what is in use here
   */
  requireIn (scope: LimitedUsage): void {
    if (this.connections !== 0) {
      scope.requireConnections(this.connectionsInbound, this.connectionsOutbound, this.fileDescriptors)
    }

    if (this.streams !== 0) {
      scope.requireStreams(this.streamsInbound, this.streamsOutbound)
    }

    if (this.memory !== 0) {
      scope.requireMemory(this.memory, 'always')
    }
  }

  /**
   * Count what is in use here in another scope, with -1 no longer
   */
  addTo (scope: LimitedUsage, sign: 1 | -1): void {
    if (this.connections !== 0) {
      scope.addConnections(sign * this.connectionsInbound, sign * this.connectionsOutbound, sign * this.fileDescriptors)
    }

    if (this.streams !== 0) {
      scope.addStreams(sign * this.streamsInbound, sign * this.streamsOutbound)
    }

    if (this.memory !== 0) {
      scope.addMemory(sign * this.memory)
    }
  }

  /**
   * What is in use at this moment
   */
  usage (): Usage {
    const usage: Partial<Usage> = {}

    for (const field of SCOPE_FIELDS) {
      usage[field] = this[field]
    }

    // every field of it
    return usage as Usage
  }
}

function noRoom (scope: LimitedUsage, LimitError: typeof ConnectionLimitError, field: typeof SCOPE_FIELDS[number], requested: number): ResourceLimitError {
  return new LimitError(scope.name, field, scope[field], requested, scope.limits[field])
}

/**
 * Several scopes, of which some may be missing
 */
export type Scopes = ReadonlyArray<LimitedUsage | undefined>

/**
 * Take memory from all of the scopes, or from none
 *
 * @throws {MemoryLimitError} when one of them has no room for that many bytes
 */
export function takeMemory (scopes: Scopes, bytes: number, priority: MemoryPriority): void {
  for (const scope of scopes) {
    scope?.requireMemory(bytes, priority)
  }

  giveMemory(scopes, -bytes)
}

/**
 * Give memory back to all of the scopes
 */
export function giveMemory (scopes: Scopes, bytes: number): void {
  for (const scope of scopes) {
    scope?.addMemory(-bytes)
  }
}
