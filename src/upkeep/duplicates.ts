import type { MessageStreamDirection } from '@libp2p/interface'

/**
 * What the choice between two connections to one peer looks at
 */
export interface TwinRecord {
  readonly id: string
  readonly direction: MessageStreamDirection
  readonly limited: boolean
  readonly direct: boolean

  /**
   * Was it dialled although there was a connection, or to find out whether that can
   * be done?
   */
  readonly forced: boolean

  /**
   * When it was opened, in ms since the epoch
   */
  readonly openedAt: number
}

/**
 * Two connections that were opened within this many ms of each other, one by
 * each end, come from both having dialled at the same time. A peer that dials
 * later has a reason: it may have lost the connection that we still see.
 */
export const SIMULTANEOUS_WINDOW = 10_000

/**
 * The connections to one peer that are there because both ends dialled at the
 * same time, and are to be closed.
 *
 * Both ends have to choose the same one without asking each other. What both know
 * is who has dialled it: the connection that the peer with the smaller id has
 * dialled stays. Connections that differ in kind are not twins, nor are those that
 * were dialled although there was one.
 */
export function findRedundantTwins <T extends TwinRecord> (connections: readonly T[], localId: string, remoteId: string): T[] {
  const redundant = localId < remoteId ? 'inbound' : 'outbound'
  const candidates = connections.filter(connection => !connection.forced)

  return candidates.filter(connection => connection.direction === redundant &&
    candidates.some(other => areTwins(connection, other)))
}

function areTwins (a: TwinRecord, b: TwinRecord): boolean {
  return a.direction !== b.direction &&
    a.limited === b.limited &&
    a.direct === b.direct &&
    Math.abs(a.openedAt - b.openedAt) <= SIMULTANEOUS_WINDOW
}
