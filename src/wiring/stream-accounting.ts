import { remoteIp } from '../addresses/index.ts'
import { readProperty } from '../error-message.ts'
import { TransientStreams } from '../resources/index.ts'
import type { Emit } from './context.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { StreamRates } from '../admission/index.ts'
import type { ApplicationUse, ConnectionTable } from '../core/index.ts'
import type { ConnectionScope, ResourceManager, StreamLimitError, StreamScope } from '../resources/index.ts'
import type { PathKeeper, StreamBuffers } from '../upkeep/index.ts'
import type { Connection, Logger, Stream, StreamMiddleware, StreamMuxer } from '@libp2p/interface'

export interface StreamAccountingComponents {
  log: Logger
  emit: Emit

  /**
   * How fast remotes may open streams
   */
  streamRates: Pick<StreamRates, 'exceeded' | 'take'>
  resources: ResourceManager
  use: Pick<ApplicationUse, 'onStream'>
  buffers: Pick<StreamBuffers, 'watch'>
  table: Pick<ConnectionTable, 'get'>
  paths: Pick<PathKeeper, 'markDialBack'>

  /**
   * Which hosts were asked to dial this node
   */
  dialBacks: { expect(ip: IpAddress): void }

  /**
   * The service that a protocol belongs to
   */
  serviceOf(protocol: string): string | undefined
}

/**
 * The last part of the name of the protocol on which AutoNAT servers dial back. What
 * comes before it can be configured.
 */
const DIAL_BACK = '/autonat/2/dial-back'

/**
 * The same of those on which a server is asked to do so
 */
const DIAL_REQUESTS = ['/autonat/2/dial-request', '/autonat/1.0.0']

/**
 * Counts every stream, in both directions, for as long as it is open: as transient from
 * its first frame on, then for its protocol. One that does not fit is refused: the
 * remote's is reset, and whoever opens one here gets the error.
 *
 * How long a stream of the remote may take to negotiate its protocol is libp2p's
 * `inboundStreamProtocolNegotiationTimeout`, which resets it.
 */
export class StreamAccounting {
  readonly #components: StreamAccountingComponents
  readonly #scopes = new WeakMap<Stream, StreamScope>()

  /**
   * Those of remotes
   */
  readonly #transient = new TransientStreams<Stream>()

  constructor (components: StreamAccountingComponents) {
    this.#components = components
  }

  /**
   * Is called for every stream whose protocol was negotiated, before any other middleware
   */
  readonly middleware: StreamMiddleware = (stream, connection, next) => {
    const { buffers, dialBacks, paths, table, use } = this.#components
    const entry = table.get(connection)

    if (entry?.scope != null) {
      this.#negotiated(stream, entry.scope)
    }

    use.onStream(stream, connection)
    buffers.watch(stream)

    if (stream.direction === 'inbound') {
      entry?.watched?.heard()
    } else if (DIAL_REQUESTS.some(request => stream.protocol.endsWith(request))) {
      const ip = remoteIp(connection.remoteAddr)
      ip != null && dialBacks.expect(ip)
    }

    if (entry != null && stream.protocol.endsWith(DIAL_BACK)) {
      paths.markDialBack(entry)
    }

    next(stream, connection)
  }

  /**
   * Count the streams of a connection that was opened, those that are there already as
   * well. Those of a connection that does not let us see its muxer are counted when
   * their protocol is known.
   */
  watch (connection: Connection, scope: ConnectionScope | undefined): void {
    const muxer: unknown = readProperty(connection, 'muxer')

    if (scope == null || !isMuxer(muxer)) {
      return
    }

    for (const stream of [...connection.streams]) {
      this.#chargeOrReset(stream, scope)
    }

    listen(muxer, ({ detail }) => { this.#chargeOrReset(detail, scope) })

    const create = muxer.createStream.bind(muxer)

    muxer.createStream = async options => {
      const charged = this.#open('outbound', scope)

      try {
        const stream = await create(options)
        this.#keep(stream, charged)

        return stream
      } catch (err) {
        charged.release()
        throw err
      }
    }
  }

  #chargeOrReset (stream: Stream, connection: ConnectionScope): void {
    // one that came before the connection was open is reported twice
    if (this.#scopes.has(stream)) {
      return
    }

    try {
      this.#charge(stream, connection)
    } catch (err) {
      this.#reset(stream, err)
    }
  }

  #charge (stream: Stream, connection: ConnectionScope): StreamScope {
    const { direction } = stream

    if (direction === 'outbound') {
      return this.#keep(stream, this.#open(direction, connection))
    }

    const peer = connection.peer ?? ''
    this.#requireRate(peer)
    const scope = this.#keep(stream, this.#open(direction, connection))
    this.#components.streamRates.take(peer)

    if (isOpen(stream) && !connection.usesAllowList) {
      this.#transient.add(peer, stream)
    }

    return scope
  }

  #open (direction: Stream['direction'], connection: ConnectionScope): StreamScope {
    // whom this node wants to speak to has not opened any
    const peer = direction === 'inbound' ? connection.peer ?? '' : ''

    return this.#components.resources.openStream({ direction, connection, onTransientFull: error => this.#makeRoom(peer, error) })
  }

  #keep (stream: Stream, scope: StreamScope): StreamScope {
    const release = (): void => {
      this.#transient.delete(scope.peer, stream)
      scope.release()
    }

    this.#scopes.set(stream, scope)
    // also when the connection is lost, as its streams are aborted with it
    stream.addEventListener('close', release, { once: true })

    if (!isOpen(stream)) {
      release()
    }

    return scope
  }

  #negotiated (stream: Stream, connection: ConnectionScope): void {
    const scope = this.#scopes.get(stream) ?? this.#charge(stream, connection)

    this.#transient.delete(scope.peer, stream)

    // it was reset in the meantime, of which whoever uses it hears himself
    if (!isOpen(stream)) {
      return
    }

    const { direction, protocol } = stream
    const { serviceOf, streamRates } = this.#components

    try {
      direction === 'inbound' && this.#requireRate(scope.peer, protocol)
      scope.setProtocol(protocol)
      const service = serviceOf(protocol)

      if (service != null) {
        scope.setService(service)
      }

      // what is refused for another reason costs no token
      direction === 'inbound' && streamRates.take(scope.peer, protocol)
    } catch (err) {
      scope.release()
      throw err
    }
  }

  /**
   * @throws {RateLimitError} when the peer opens streams too fast
   */
  #requireRate (peer: string, protocol?: string): void {
    const error = this.#components.streamRates.exceeded(peer, protocol)

    if (error != null) {
      this.#components.emit('resource:refuse', { error, attempt: { kind: 'stream', direction: 'inbound', peer, protocol } })
      throw error
    }
  }

  /**
   * Have another stream give up its place
   */
  #makeRoom (peer: string, error: StreamLimitError): boolean {
    const stream = this.#transient.giveWay(peer)
    const scope = stream == null ? undefined : this.#scopes.get(stream)

    if (stream == null || scope == null) {
      return false
    }

    this.#transient.delete(scope.peer, stream)
    scope.release()
    this.#components.emit('resource:refuse', { error, attempt: { kind: 'stream', direction: stream.direction, peer: scope.peer } })
    this.#reset(stream, error)

    return true
  }

  #reset (stream: Stream, reason: unknown): void {
    try {
      stream.abort(reason instanceof Error ? reason : new Error(`${reason as string}`))
    } catch (err) {
      this.#components.log.error('could not reset a stream - %e', err)
    }
  }
}

function isOpen ({ status }: Stream): boolean {
  return status === 'open' || status === 'closing'
}

/**
 * The muxer is a field of libp2p's connections, but no part of the interface
 */
function isMuxer (value: unknown): value is StreamMuxer {
  return typeof readProperty(value, 'createStream') === 'function' && typeof readProperty(value, 'addEventListener') === 'function'
}

/**
 * What muxers inherit from keeps another four objects for each listener, so that it can be
 * taken away
 */
function listen (muxer: StreamMuxer, onStream: (event: CustomEvent<Stream>) => void): void {
  const target: object = muxer

  if (target instanceof EventTarget) {
    // a stream event is the only one of this name
    EventTarget.prototype.addEventListener.call(target, 'stream', event => { onStream(event as CustomEvent<Stream>) })
  } else {
    muxer.addEventListener('stream', onStream)
  }
}
