import { resourceManager, scaleLimits } from '../src/resources/index.ts'
import { settled } from './measure.ts'
import type { Managed } from './managed.ts'
import type { ConnectionScope, ResourceManager } from '../src/resources/index.ts'
import type { Connection } from '@libp2p/interface'

/**
 * How much of some work is done in one round
 */
export interface WorkArgs {
  /**
   * How many connections are open when the work begins
   */
  connections: number

  /**
   * How often it is done
   */
  count: number
}

const TAG = 'bench'
const PEERS = 10_000
const PROTOCOLS = 20
const ROOM = 1_000_000

/**
 * Does on our connection manager what `bench/go` does on that of go-libp2p, step by
 * step. Every function returns what the work took per operation, in µs.
 */
export class OurConnections {
  private readonly managed: Managed
  private filled = 0

  constructor (managed: Managed) {
    this.managed = managed
  }

  /**
   * Connects a peer, tags it, takes the tag away and disconnects it
   */
  async lifecycle ({ connections: open, count }: WorkArgs): Promise<number> {
    const { managed } = this
    await this.fill(open)
    const connections = this.newConnections(count)
    const start = startTime()

    for (const connection of connections) {
      managed.opened(connection)
      managed.tag(connection.remotePeer, TAG, 5)
      managed.untag(connection.remotePeer, TAG)
      void connection.close()
    }

    await settled()
    const time = perOperation(start, count)
    this.expectOpen(open)

    return time
  }

  /**
   * Chooses and closes the least valuable tenth of the connections
   */
  async trim ({ connections: open }: WorkArgs): Promise<number> {
    await this.fill(open)
    const start = startTime()
    await this.managed.trim(open / 10)
    const time = perOperation(start, 1)
    this.expectOpen(open - open / 10)

    return time
  }

  private async fill (connections: number): Promise<void> {
    for (const connection of this.newConnections(connections - this.managed.size)) {
      this.managed.tag(connection.remotePeer, TAG, (Math.imul(this.filled++, 2_654_435_761) >>> 0) % 100)
      this.managed.opened(connection)
    }

    await settled()
    this.expectOpen(connections)
  }

  private newConnections (count: number): Connection[] {
    return Array.from({ length: Math.max(0, count) }, (_, i) => this.managed.newConnection(i))
  }

  private expectOpen (count: number): void {
    if (this.managed.size !== count) {
      throw new Error(`${this.managed.size} connections are open instead of ${count}`)
    }
  }
}

/**
 * Does on our resource manager what `bench/go` does on that of go-libp2p
 */
export class OurResources {
  private readonly busy = busyResources()

  /**
   * Reserves an inbound connection, learns whose it is, and gives it back
   */
  async connection ({ count }: WorkArgs): Promise<number> {
    const { manager, others } = this.busy
    const start = startTime()

    for (let i = 0; i < count; i++) {
      const scope = manager.openConnection({ direction: 'inbound', fileDescriptor: true })
      scope.setPeer(others[i % PEERS])
      scope.release()
    }

    return perOperation(start, count)
  }

  /**
   * Reserves an inbound stream, learns its protocol, and gives it back
   */
  async stream ({ count }: WorkArgs): Promise<number> {
    const { manager, connections, protocols } = this.busy
    const start = startTime()

    for (let i = 0; i < count; i++) {
      const scope = manager.openStream({ connection: connections[i % PEERS], direction: 'inbound' })
      scope.setProtocol(protocols[i % PROTOCOLS])
      scope.release()
    }

    return perOperation(start, count)
  }
}

/**
 * Every peer has a connection
 */
function busyResources (): { manager: ResourceManager, connections: ConnectionScope[], others: string[], protocols: string[] } {
  const manager = resourceManager({
    limits: {
      system: { connections: ROOM, connectionsInbound: ROOM, connectionsOutbound: ROOM, streams: ROOM, streamsInbound: ROOM, streamsOutbound: ROOM, fileDescriptors: ROOM }
    },
    defaults: scaleLimits(8 * 2 ** 30, 16_384)
  })
  const peerOf = (index: number): string => `12D3KooW${index.toString(36).padStart(44, '0')}`

  return {
    manager,
    connections: Array.from({ length: PEERS }, (_, i) => manager.openConnection({ direction: 'outbound', peer: peerOf(i) })),
    others: Array.from({ length: PEERS }, (_, i) => peerOf(i + PEERS)),
    protocols: Array.from({ length: PROTOCOLS }, (_, i) => `/app/${i}/1.0.0`)
  }
}

/**
 * Begins with a heap without garbage, as the other side does
 */
function startTime (): number {
  globalThis.gc?.({ type: 'minor', execution: 'sync' })

  return performance.now()
}

function perOperation (start: number, count: number): number {
  return (performance.now() - start) * 1_000 / count
}
