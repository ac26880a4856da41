import { TimeLimit, untilAborted } from '../core/index.ts'
import { toError } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { Connection, DialTarget, Libp2pEvents, NewStreamOptions, PeerId, Stream } from '@libp2p/interface'
import type { OpenConnectionOptions } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'

export interface WaitForDirectOptions {
  /**
   * If the peer is reached through a relay, wait for so many ms for a direct
   * connection, as hole punching may be under way. `true` waits for the time that a
   * dial may take. Where none comes, the relayed connection is used.
   *
   * @default false
   */
  waitForDirect?: boolean | number
}

/**
 * How to open a stream to a peer
 */
export type PeerStreamOptions = OpenConnectionOptions & NewStreamOptions & WaitForDirectOptions

export interface OpenStreamComponents {
  clock: Clock
  events: TypedEventTarget<Libp2pEvents>
  openConnection(target: DialTarget, options?: OpenConnectionOptions): Promise<Connection>

  /**
   * The connection over which a peer is reached best
   */
  getConnection(peerId: PeerId): Connection | undefined
}

/**
 * Open a stream over the best connection to a peer, which is dialled if there is
 * none. When the connection is closed meanwhile, e.g. because another has taken its
 * place, the stream is opened over the other.
 */
export async function openStream (components: OpenStreamComponents, target: DialTarget, protocol: string | string[], options: PeerStreamOptions, dialTimeout: number): Promise<Stream> {
  const { waitForDirect = false, ...rest } = options
  const connection = await connectionFor(components, target, rest, waitForDirect === true ? dialTimeout : waitForDirect)

  try {
    return await connection.newStream(protocol, rest)
  } catch (err) {
    const other = connection.status === 'open' ? undefined : components.getConnection(connection.remotePeer)

    if (other == null || other === connection || options.signal?.aborted === true) {
      throw toError(err)
    }

    return other.newStream(protocol, rest).catch(err => { throw toError(err) })
  }
}

async function connectionFor (components: OpenStreamComponents, target: DialTarget, options: OpenConnectionOptions, waitForDirect: number | false): Promise<Connection> {
  const { getConnection, openConnection } = components

  if (waitForDirect === false) {
    return openConnection(target, options)
  }

  // whoever waits for a direct connection has no use for another relayed one
  const existing = 'toMultihash' in target ? getConnection(target) : undefined
  const connection = existing ?? await openConnection(target, options)

  if (connection.direct) {
    return connection
  }

  const { remotePeer } = connection

  return await untilDirect(components, remotePeer, waitForDirect, options.signal) ?? getConnection(remotePeer) ?? openConnection(target, options)
}

/**
 * Resolves to `undefined` if there is none in time, or the peer is lost
 */
async function untilDirect ({ clock, events, getConnection }: OpenStreamComponents, peerId: PeerId, timeout: number, signal?: AbortSignal): Promise<Connection | undefined> {
  const limit = new TimeLimit(timeout, clock)
  let check = (): void => {}
  const direct = new Promise<Connection | undefined>(resolve => {
    check = () => {
      const connection = getConnection(peerId)

      if (connection == null || connection.direct) {
        resolve(connection)
      }
    }
  })

  events.addEventListener('connection:open', check)
  events.addEventListener('peer:disconnect', check)
  check()

  try {
    return await untilAborted(untilAborted(direct, limit.signal).catch(() => undefined), signal)
  } finally {
    limit.clear()
    events.removeEventListener('connection:open', check)
    events.removeEventListener('peer:disconnect', check)
  }
}
