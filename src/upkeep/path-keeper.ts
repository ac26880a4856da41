import { entriesOf, selectPath } from '../core/index.ts'
import { Drain } from './drain.ts'
import { DueQueue } from './due-queue.ts'
import { findRedundantTwins } from './duplicates.ts'
import type { TwinRecord } from './duplicates.ts'
import type { Clock } from '../clock.ts'
import type { OpenEntry, ConnectionTable, Path, PeerEntry } from '../core/index.ts'
import type { Connection, Logger, PeerId } from '@libp2p/interface'

/**
 * The user's own choice of the connection that streams to a peer are opened on
 */
export interface SelectConnection {
  /**
   * Returns one of the open connections of a peer. `current` is the one that was
   * chosen last, if it is still open.
   */
  (connections: readonly Connection[], current?: Connection): Connection | undefined
}

/**
 * A direct connection has taken the place of a relayed one
 */
export interface ConnectionUpgrade {
  readonly peerId: PeerId

  /**
   * The relayed connection, which is closed when no stream is open on it any more
   */
  readonly from: Connection

  /**
   * The direct connection
   */
  readonly to: Connection
}

export interface PathKeeperComponents {
  clock: Clock
  log: Logger
  table: Pick<ConnectionTable, 'get'>
  localPeer: PeerId

  /**
   * Begins to close a connection
   */
  close(connection: Connection): void
  onUpgrade(upgrade: ConnectionUpgrade): void
}

export interface PathKeeperInit {
  /**
   * For how many ms a connection that another has taken the place of may still be
   * used
   */
  drainTimeout: number

  /**
   * How many ms to wait before one of two connections that both ends have opened
   * at the same time is closed, and a relayed one that a direct one has taken the
   * place of
   */
  duplicateDelay: number

  /**
   * Close one of two connections that both ends have opened at the same time?
   */
  closeDuplicates: boolean
  selectConnection?: SelectConnection
}

interface ConnectionPath extends Path, TwinRecord {
  readonly entry: OpenEntry
}

/**
 * In ms: when both ends close the same connection at the same time, each waits for
 * the other. So one of them waits for this long, then it is mostly closed already.
 */
const POLITENESS = 1_000

/**
 * Knows over which of its connections a peer is reached best, and closes those
 * that are not needed besides
 */
export class PathKeeper {
  readonly #components: PathKeeperComponents
  readonly #init: PathKeeperInit
  readonly #drain: Drain
  readonly #twinChecks: DueQueue<PeerEntry>

  constructor (components: PathKeeperComponents, init: PathKeeperInit) {
    this.#components = components
    this.#init = init
    this.#drain = new Drain(components)
    this.#twinChecks = new DueQueue(components.clock, peer => { this.#closeTwins(peer) })
  }

  stop (): void {
    this.#drain.stop()
    this.#twinChecks.clear()
  }

  /**
   * Was the connection dialled although there was one? Such a connection is left
   * alone.
   */
  markForced (connection: Connection): void {
    const entry = this.#components.table.get(connection)

    if (entry != null) {
      entry.isForced = true
    }
  }

  /**
   * The connection is there to find out whether a node can be dialled, and no path
   * to a peer
   */
  markDialBack (entry: OpenEntry): void {
    entry.isDialBack = true
    this.#keepLast(entry.peer)
  }

  /**
   * The connection to open streams on. The one that was chosen last, unless
   * another one is clearly better.
   */
  select (peer: PeerEntry): Connection | undefined {
    const selected = this.#bestOf(peer, peer.connections)

    if (selected != null) {
      peer.selected = selected
    }

    return selected
  }

  /**
   * The best of some connections of a peer: the one to open streams on if it is among
   * them, or else the one that would be if there were no others
   */
  best (peer: PeerEntry, among: readonly Connection[]): Connection | undefined {
    const selected = this.select(peer)

    return selected != null && among.includes(selected) ? selected : this.#bestOf(peer, among)
  }

  onOpen (connection: Connection, peer: PeerEntry): void {
    if (peer.connections.length === 1) {
      return
    }

    this.#leaveRelays(peer)

    if (this.#init.closeDuplicates) {
      this.#twinChecks.schedule(peer, this.#components.clock.now() + this.#init.duplicateDelay)
    }
  }

  /**
   * A connection was closed, which is not in the table any more
   */
  onClose (entry: OpenEntry): void {
    const { connection, peer } = entry
    this.#drain.cancel(entry)
    this.#keepLast(peer)

    if (!peer.connections.some(other => other !== connection)) {
      this.#twinChecks.cancel(peer)
    }
  }

  #bestOf (peer: PeerEntry, among: readonly Connection[]): Connection | undefined {
    const open = openEntries(peer).filter(({ connection }) => among.includes(connection))
    const twins = this.#redundantTwins(peer)
    const usable = open.filter(entry => entry.drainUntil == null && !entry.isDialBack && !twins.has(entry))

    return this.#choose(usable.length > 0 ? usable : open, peer.selected)
  }

  #choose (candidates: OpenEntry[], last: Connection | undefined): Connection | undefined {
    if (candidates.length < 2) {
      return candidates[0]?.connection
    }

    const current = candidates.find(({ connection }) => connection === last)
    const chosen = this.#chosenByUser(candidates.map(({ connection }) => connection), current?.connection)

    if (chosen != null) {
      return chosen
    }

    const paths = candidates.map(pathOf)

    return selectPath(paths, paths.find(({ entry }) => entry === current))?.entry.connection
  }

  #chosenByUser (candidates: Connection[], current: Connection | undefined): Connection | undefined {
    try {
      const chosen = this.#init.selectConnection?.([...candidates], current)

      return chosen != null && candidates.includes(chosen) ? chosen : undefined
    } catch (err) {
      this.#components.log.error('selectConnection failed - %e', err)
    }
  }

  /**
   * Relayed connections are not needed when the best path is a direct one
   */
  #leaveRelays (peer: PeerEntry): void {
    const hasBoth = peer.connections.some(({ direct }) => direct) && peer.connections.some(({ direct }) => !direct)
    const direct = hasBoth ? this.select(peer) : undefined

    if (direct?.direct !== true || this.#components.table.get(direct)?.isDialBack === true) {
      return
    }

    for (const relayed of openEntries(peer)) {
      if (!relayed.connection.direct && relayed.drainUntil == null) {
        this.#drain.drain(relayed, this.#init.drainTimeout, this.#init.duplicateDelay)
        this.#components.onUpgrade({ peerId: peer.peerId, from: relayed.connection, to: direct })
      }
    }
  }

  /**
   * When what has taken their place is gone, the connections that were to be closed
   * are needed after all
   */
  #keepLast (peer: PeerEntry): void {
    const paths = openEntries(peer).filter(({ isDialBack }) => !isDialBack)

    if (paths.some(({ drainUntil }) => drainUntil == null)) {
      return
    }

    for (const entry of paths) {
      this.#drain.cancel(entry)
    }

    this.#leaveRelays(peer)
  }

  #closeTwins (peer: PeerEntry): void {
    const politeness = this.#components.localPeer.toString() < peer.key ? 0 : POLITENESS

    for (const twin of this.#redundantTwins(peer)) {
      this.#drain.drain(twin, this.#init.drainTimeout, politeness)
    }
  }

  /**
   * Which connections are closed soon because both ends have dialled at the same time,
   * if they are not being drained already
   */
  #redundantTwins (peer: PeerEntry): Set<OpenEntry> {
    const open = openEntries(peer).filter(({ drainUntil }) => drainUntil == null)

    if (open.length < 2 || !this.#init.closeDuplicates) {
      return new Set()
    }

    const twins = findRedundantTwins(open.map(pathOf), this.#components.localPeer.toString(), peer.key)

    return new Set(twins.map(({ entry }) => entry))
  }
}

function openEntries (peer: PeerEntry): OpenEntry[] {
  return peer.connections.length === 0 ? [] : entriesOf(peer).filter(({ connection }) => connection.status === 'open')
}

function pathOf (entry: OpenEntry): ConnectionPath {
  const { connection, isDialBack, isForced, use } = entry

  return {
    entry,
    id: connection.id,
    direction: connection.direction,
    limited: connection.limits != null,
    direct: connection.direct,
    forced: isForced || isDialBack,
    rtt: connection.rtt,
    streams: use?.streams ?? 0,
    openedAt: connection.timeline.open
  }
}
