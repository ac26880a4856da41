import type { ScopeStat, Usage } from './limited-usage.ts'
import type { ConnectionExcess, OpenConnectionOptions, OpenStreamOptions, ResourceManager, ResourceStat } from './resource-manager.ts'
import type { ConnectionScope, SpanScope, StreamScope } from './scope-types.ts'
import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * A resource manager that neither limits nor counts anything
 */
export class UnlimitedResourceManager implements ResourceManager {
  openConnection (options: OpenConnectionOptions): ConnectionScope {
    return options.direction === 'inbound' ? INBOUND : OUTBOUND
  }

  openStream (options: OpenStreamOptions): StreamScope {
    return options.direction === 'inbound' ? INBOUND : OUTBOUND
  }

  beginSpan (): SpanScope {
    return INBOUND
  }

  setPeerRealm (): void {}

  setLimit (): void {}

  scopeStat (): ScopeStat | undefined {
    return undefined
  }

  excess (): ConnectionExcess {
    return { connections: 0, inbound: 0, outbound: 0 }
  }

  stat (): ResourceStat {
    return {
      system: emptyStat(),
      transient: emptyStat(),
      allowListed: emptyStat(),
      allowListedTransient: emptyStat(),
      peers: {},
      realms: {},
      protocols: {},
      services: {},
      unusedReserve: 0
    }
  }

  protocolStats (): Iterable<[protocol: string, stat: ScopeStat]> {
    return []
  }
}

/**
 * A scope in which nothing is ever in use
 */
class EmptyScope implements ConnectionScope, StreamScope {
  readonly name = 'unlimited'
  readonly memory = 0
  readonly released = false
  readonly realm = undefined
  readonly usesAllowList = false
  readonly peer = ''
  readonly protocol = undefined
  readonly service = undefined
  readonly direction: MessageStreamDirection

  constructor (direction: MessageStreamDirection) {
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

  stat (): ScopeStat {
    return emptyStat()
  }

  release (): void {}
}

const INBOUND = new EmptyScope('inbound')
const OUTBOUND = new EmptyScope('outbound')

function emptyStat (): ScopeStat {
  const usage: Usage = {
    connections: 0,
    connectionsInbound: 0,
    connectionsOutbound: 0,
    fileDescriptors: 0,
    streams: 0,
    streamsInbound: 0,
    streamsOutbound: 0,
    memory: 0
  }

  return { usage, limits: {} }
}
