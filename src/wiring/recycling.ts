import { Recycler, closeWithin } from '../connections/index.ts'
import type { CloseReasons } from './close-reasons.ts'
import type { RoomsContext } from './context.ts'
import type { DialReservations } from './dial-reservations.ts'
import type { ConnectionManagerEvents, DeadConnection } from './events.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { ConnectionTable, RecycleRequest } from '../connections/index.ts'
import type { Standing } from '../trimming/index.ts'
import type { Connection, Logger, PeerId } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

export interface RecyclingComponents extends RoomsContext {
  dials: DialReservations
  realms: RealmRooms
  standing: Standing
  table: ConnectionTable
  events: TypedEventTarget<ConnectionManagerEvents>
  closing: CloseReasons

  /**
   * Dials a peer
   */
  dial(peerId: PeerId): Promise<Connection>
}

/**
 * Replaces connections on request, also those requests that come as an event. The
 * peer keeps its place in its realm meanwhile.
 */
export function createRecycler (components: RecyclingComponents, config: { recycleCooldown: number, connectionCloseTimeout: number }): Recycler {
  const { clock, closing, dials, emit, events, log, realms, table } = components

  const recycler = new Recycler({
    ...components,
    close: async connection => { await closeWithin(connection, config.connectionCloseTimeout, clock) },
    peerCount: () => table.peerCount,
    onRecycle: request => {
      closing.mark(request.connection, 'recycle')
      emit('connection:recycle', request)
    },
    reserve: (request: RecycleRequest) => {
      const { remotePeer } = request.connection
      let giveUp = (): void => {}
      const onClose = (): void => {
        giveUp = dials.keepPlace(remotePeer.toString(), realms.realms.placeOf(remotePeer))
      }

      // the place is free only when what the connection held is given back
      request.connection.addEventListener('close', onClose, { once: true })

      return () => {
        request.connection.removeEventListener('close', onClose)
        giveUp()
      }
    }
  }, config)

  events.addEventListener('connection:recycle-requested', ({ detail }) => { request(recycler, detail, log) })
  events.addEventListener('connection:dead', ({ detail }) => { replaceDead(components, detail) })

  return recycler
}

/**
 * The event can come from anywhere, and a listener must not throw
 */
function request (recycler: Recycler, detail: Partial<RecycleRequest> | undefined, log: Logger): void {
  const { connection, reason = 'requested' } = detail ?? {}

  if (connection == null) {
    log.error('asked to replace a connection without being told which')
    return
  }

  recycler.recycle({ connection, reason })
    .catch(err => { log.error('could not replace a connection to %p - %e', connection.remotePeer, err) })
}

/**
 * A connection that did not survive a change of the network is dialled again. Those
 * that the remotes had dialled are left to them, unless they are protected.
 */
function replaceDead ({ dial, log, standing, table }: RecyclingComponents, { connection, peerId, networkChanged }: DeadConnection): void {
  const isWanted = connection.direction === 'outbound' || standing.isProtected(peerId)
  const hasOther = table.getPeer(peerId)?.connections.some(other => other.status === 'open') ?? false

  if (networkChanged && isWanted && !hasOther) {
    dial(peerId)
      .catch(err => { log('could not dial %p after the network has changed - %e', peerId, err) })
  }
}
