import { Flapping, IdleCloser, Liveness, PathKeeper, StreamBuffers } from '../upkeep/index.ts'
import { livenessTimes } from './liveness-times.ts'
import type { CloseReasons } from './close-reasons.ts'
import type { RoomsConfig, RoomsContext } from './context.ts'
import type { NodeReachability } from './node-reachability.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { ApplicationUse, CloseReason, ConnectionTable } from '../core/index.ts'
import type { Standing } from '../trimming/index.ts'
import type { Connection, PeerId } from '@libp2p/interface'

export interface CreateWatchersComponents extends RoomsContext {
  peerId: PeerId

  reachability: NodeReachability
  realms: RealmRooms
  standing: Standing
  table: Pick<ConnectionTable, 'get'>
  use: ApplicationUse

  /**
   * Closes a connection
   */
  close(connection: Connection): Promise<void>
  closing: CloseReasons
}

/**
 * What looks after open connections
 */
export interface Watchers {
  paths: PathKeeper
  idle: IdleCloser
  buffers: StreamBuffers
  liveness?: Liveness
  flapping?: Flapping
}

/**
 * Connects what looks after open connections with the other rooms
 */
export function createWatchers (components: CreateWatchersComponents, config: RoomsConfig): Watchers {
  const { clock, close, closing, emit, log, peerId, reachability, table } = components
  const closeFor = (reason: CloseReason) => (connection: Connection): void => {
    closing.mark(connection, reason)
    close(connection)
      .catch(err => { log.error('could not close a connection - %e', err) })
  }

  return {
    paths: new PathKeeper({
      ...components,
      close: closeFor('replaced'),
      localPeer: peerId,
      onUpgrade: upgrade => { emit('connection:upgrade', upgrade) }
    }, config),
    idle: new IdleCloser({
      ...components,
      close: closeFor('idle'),
      openedAt: connection => table.get(connection)?.openedAt ?? clock.now(),
      isExempt: connection => reachability.isSpared(connection) || isKept(connection, components)
    }, config),
    buffers: new StreamBuffers(config, clock, log),
    flapping: config.flapping === false ? undefined : new Flapping(clock, config.flapping),
    liveness: createLiveness(components, config)
  }
}

function isKept ({ remotePeer }: Connection, { realms, standing }: CreateWatchersComponents): boolean {
  return standing.isProtected(remotePeer) || realms.isReserved(remotePeer) || standing.tagNames(remotePeer).some(isReservation)
}

/**
 * Who would be dialled again at once, and who has reserved a place on this relay
 */
function isReservation (tag: string): boolean {
  return tag.startsWith('keep-alive') || tag === 'circuit-relay-source'
}

function createLiveness ({ clock, closing, emit, log, random, realms, table }: CreateWatchersComponents, config: RoomsConfig): Liveness | undefined {
  const timesOf = livenessTimes(config, peerId => realms.realms.shareOf(peerId), log)

  return timesOf == null
    ? undefined
    : new Liveness({
      clock,
      random,
      log,
      ping: config.liveness === false ? undefined : config.liveness,
      byteSource: connection => table.get(connection)?.socket,
      timesOf: ({ remotePeer }) => timesOf(remotePeer),
      onPing: (connection, rtt) => { emit('connection:ping', { connection, peerId: connection.remotePeer, rtt }) },
      onGiveUp: (connection, { misses }) => { closing.mark(connection, 'dead', `${misses} pings in a row`) },
      onDead: (connection, { misses }, networkChanged) => {
        const { remoteAddr, remotePeer } = connection
        emit('connection:dead', { connection, peerId: remotePeer, remoteAddr, misses, networkChanged })
      }
    })
}
