import { UNLIMITED } from './limit-table.ts'
import { LimitedResourceManager } from './limited-resource-manager.ts'
import { Scope } from './scope.ts'
import type { ScopeStat } from './limited-usage.ts'
import type { ConnectionExcess, OpenConnectionOptions, OpenStreamOptions } from './resource-manager.ts'
import type { ConnectionScope, SpanScope, StreamScope } from './scope-types.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * A resource manager that neither limits nor counts anything
 */
export class UnlimitedResourceManager extends LimitedResourceManager {
  constructor (maxConnections?: number) {
    super({ limits: {}, maxConnections })
  }

  override openConnection (options: OpenConnectionOptions): ConnectionScope {
    return options.direction === 'inbound' ? INBOUND : OUTBOUND
  }

  override openStream (options: OpenStreamOptions): StreamScope {
    return options.direction === 'inbound' ? INBOUND : OUTBOUND
  }

  override beginSpan (): SpanScope {
    return INBOUND
  }

  override setLimit (): void {}

  override scopeStat (): ScopeStat | undefined {
    return undefined
  }

  override excess (): ConnectionExcess {
    return { connections: 0, inbound: 0, outbound: 0 }
  }
}

/**
 * A scope in which nothing is ever in use
 */
class EmptyScope extends Scope implements ConnectionScope, StreamScope {
  readonly released = false
  readonly realm = undefined
  readonly usesAllowList = false
  readonly peer = ''
  readonly protocol = undefined
  readonly service = undefined
  readonly direction: MessageStreamDirection

  constructor (direction: MessageStreamDirection) {
    super(UNLIMITED, 'unlimited')
    this.direction = direction
  }

  setPeer (): void {}

  setRealm (): void {}

  leaveAllowList (): void {}

  setProtocol (): void {}

  setService (): void {}

  reserveMemory (): void {}

  releaseMemory (): void {}

  beginSpan (): SpanScope {
    return this
  }

  release (): void {}
}

const INBOUND = new EmptyScope('inbound')
const OUTBOUND = new EmptyScope('outbound')
