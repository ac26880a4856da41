import { peerKey } from './standing.ts'
import type { Standing } from './standing.ts'
import type { SteadyClock } from '../clock.ts'
import type { ConnectionTable } from '../core/index.ts'
import type { Connection, PeerId } from '@libp2p/interface'

/**
 * What is known of a peer that is connected, or was tagged
 */
export interface TagInfo {
  /**
   * When the first of its connections was opened, in ms since the epoch.
   * `undefined` if it is not connected.
   */
  firstSeen?: number

  /**
   * What the peer is worth
   */
  value: number

  /**
   * Its tags, those in the peer store and those that were given with `tag`, with
   * their current values
   */
  tags: Map<string, number>

  /**
   * Its open connections, and when they were opened, in ms since the epoch
   */
  connections: Map<Connection, number>
}

/**
 * Returns `undefined` if the peer is neither connected nor tagged. The tags of a peer
 * that has left are told for as long as they are remembered. Of two tags
 * with the same name both count, so the sum of the two is given.
 *
 * @throws {InvalidOptionError} if it is not a `PeerId`
 */
export function tagInfo (peerId: PeerId, standing: Standing, table: ConnectionTable, clock: Pick<SteadyClock, 'dateOf'>): TagInfo | undefined {
  const key = peerKey(peerId)
  const peer = table.getPeer(peerId)
  const tags = standing.peerStoreTags.tags(key)

  for (const [name, value] of standing.tags.tags(key)) {
    tags.set(name, (tags.get(name) ?? 0) + value)
  }

  if (peer == null && tags.size === 0) {
    return
  }

  return {
    firstSeen: peer == null ? undefined : clock.dateOf(peer.firstSeen),
    value: standing.value(peerId),
    tags,
    connections: new Map((peer?.connections ?? []).map(connection => [connection, clock.dateOf(table.get(connection)?.openedAt ?? 0)]))
  }
}
