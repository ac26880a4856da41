import { StreamCloseEvent } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { TypedEventEmitter } from 'main-event'
import type { Link } from './link.ts'
import type { Connection, ConnectionStatus, Logger, MessageStreamEvents, MultiaddrConnection, MultiaddrConnectionTimeline, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const log = defaultLogger().forComponent('libp2p:connmgr:simulation')

/**
 * The protocol of the application
 */
export const APPLICATION_PROTOCOL = '/simulation/1.0.0'

/**
 * How many digits the number of a connection has: ids are compared as text
 */
const ID_DIGITS = 9

/**
 * A connection as libp2p passes it to its connection manager, without a network
 */
export class SimulatedConnection extends TypedEventEmitter<Omit<MessageStreamEvents, 'drain' | 'message' | 'end'>> implements Connection {
  readonly id: string
  readonly link: Link
  readonly remotePeer: PeerId
  readonly remoteAddr: Multiaddr
  readonly direct = true
  readonly log: Logger = log
  readonly rtt: number
  readonly timeline: MultiaddrConnectionTimeline
  status: ConnectionStatus = 'open'
  streams: Stream[] = []
  private readonly onClosed: (connection: SimulatedConnection) => void

  constructor (link: Link, timeline: MultiaddrConnectionTimeline, onClosed: (connection: SimulatedConnection) => void) {
    super()

    this.id = link.id.toString().padStart(ID_DIGITS, '0')
    this.link = link
    this.remotePeer = link.node.peerId
    this.remoteAddr = link.node.multiaddr
    this.rtt = link.node.rtt
    this.timeline = timeline
    this.onClosed = onClosed
  }

  get direction (): Link['direction'] {
    return this.link.direction
  }

  async newStream (protocols: string | string[]): Promise<Stream> {
    return this.addStream([protocols].flat()[0])
  }

  async close (): Promise<void> {
    this.finish('closed')
  }

  abort (): void {
    this.finish('aborted')
  }

  finish (status: ConnectionStatus): void {
    if (this.status === 'open') {
      this.status = status
      this.dispatchEvent(new StreamCloseEvent(false))
      this.onClosed(this)
    }
  }

  addStream (protocol = APPLICATION_PROTOCOL): Stream {
    const stream = new SimulatedStream(protocol) as unknown as Stream
    this.streams.push(stream)

    return stream
  }
}

/**
 * What is read of a stream
 */
export class SimulatedStream extends TypedEventEmitter<MessageStreamEvents> {
  readonly protocol: string
  readonly direction = 'inbound'
  status: Stream['status']

  constructor (protocol: string, status: Stream['status'] = 'open') {
    super()

    this.protocol = protocol
    this.status = status
  }
}

/**
 * A connection that is not upgraded yet. Shares its timeline with what it becomes.
 */
export class SimulatedHandshake extends TypedEventEmitter<MessageStreamEvents> {
  readonly remoteAddr: Multiaddr
  readonly timeline: MultiaddrConnectionTimeline
  status: ConnectionStatus = 'open'

  constructor (link: Link, now: number) {
    super()

    this.remoteAddr = link.node.multiaddr
    this.timeline = { open: now }
  }

  /**
   * As what libp2p's transports pass on
   */
  asMultiaddrConnection (): MultiaddrConnection {
    // nothing but these is read of it
    return this as unknown as MultiaddrConnection
  }

  /**
   * It has to give way to others
   */
  abort (): void {
    this.fail()
  }

  fail (): void {
    this.status = 'aborted'
    this.dispatchEvent(new StreamCloseEvent(false))
  }
}
