import { multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { StubConnection } from '../test/fixtures/connections.ts'
import type { Subject } from './subjects.ts'
import type { AbortOptions, MessageStreamEvents, MultiaddrConnection } from '@libp2p/interface'

let hosts = 0
let opened = 0

/**
 * The address of a host that was not used before
 */
export function newAddress (): string {
  const host = hosts++

  return `/ip4/${20 + (host >>> 16) % 64}.${host >>> 8 & 255}.${host & 255}.1/tcp/4001`
}

/**
 * What a listener passes to the connection manager, as far as that reads it
 */
class InboundConnection extends TypedEventEmitter<MessageStreamEvents> {
  readonly remoteAddr = multiaddr(newAddress())
  readonly timeline = { open: 1_700_000_000_000 }
  readonly status = 'open'
}

export function inboundConnection (): MultiaddrConnection {
  return new InboundConnection() as unknown as MultiaddrConnection
}

/**
 * A connection without a network, on which both sides are measured
 */
export class BenchConnection extends StubConnection {
  /**
   * When `close` was first called on any of them since this was reset
   */
  static firstClose?: number

  constructor (subject: Subject) {
    super({ remoteAddr: newAddress(), direction: opened % 4 === 0 ? 'outbound' : 'inbound', openedAt: 1_700_000_000_000 + opened++ })

    // libp2p has read both by the time it reports a connection
    this.remotePeer.toString()
    this.remoteAddr.getComponents()

    this.addEventListener('close', () => {
      subject.events.safeDispatchEvent('connection:close', { detail: this })
    })
  }

  async close (options?: AbortOptions): Promise<void> {
    BenchConnection.firstClose ??= performance.now()

    return super.close(options)
  }
}

/**
 * Connections to peers that are not open yet
 */
export function newConnections (subject: Subject, count: number): BenchConnection[] {
  return Array.from({ length: count }, () => new BenchConnection(subject))
}

/**
 * Opens connections to peers that are known to the peer store, with a tag, until
 * `n` are open
 */
export async function fillUpTo (subject: Subject, n: number, size: number): Promise<void> {
  for (const connection of newConnections(subject, n - size)) {
    await subject.peerStore.patch(connection.remotePeer, {
      tags: { bench: { value: (Math.imul(opened++, 2_654_435_761) >>> 0) % 100 } }
    })
    subject.fill(connection)
  }
}
