import { remoteIp } from '../addresses/index.ts'
import type { IpAddress } from '../addresses/index.ts'
import type { ApplicationUse, ConnectionTable } from '../core/index.ts'
import type { ConnectionScope, ResourceManager } from '../resources/index.ts'
import type { PathKeeper, StreamBuffers } from '../upkeep/index.ts'
import type { Stream, StreamMiddleware } from '@libp2p/interface'

export interface StreamAccountingComponents {
  resources: ResourceManager
  use: ApplicationUse
  buffers: StreamBuffers
  table: ConnectionTable
  paths: PathKeeper

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
 * Counts every stream whose protocol was negotiated, in both directions, for as
 * long as it is open. One that does not fit is refused: the remote's is reset, and
 * whoever opens one here gets the error.
 */
export function accountStreams (components: StreamAccountingComponents): StreamMiddleware {
  const { buffers, dialBacks, paths, table, use } = components

  return (stream, connection, next) => {
    const entry = table.get(connection)

    if (entry?.scope != null) {
      account(stream, entry.scope, components)
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
}

function account (stream: Stream, connection: ConnectionScope, { resources, serviceOf }: StreamAccountingComponents): void {
  const scope = resources.openStream({ direction: stream.direction, connection })

  try {
    scope.setProtocol(stream.protocol)
    const service = serviceOf(stream.protocol)

    if (service != null) {
      scope.setService(service)
    }
  } catch (err) {
    scope.release()
    throw err
  }

  // also when the connection is lost, as its streams are aborted with it
  stream.addEventListener('close', () => { scope.release() }, { once: true })

  if (stream.status !== 'open' && stream.status !== 'closing') {
    scope.release()
  }
}
