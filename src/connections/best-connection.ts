import { countApplicationStreams } from './application-streams.ts'
import type { Connection } from '@libp2p/interface'

/**
 * Compares two connections of one peer: negative when `a` is the better one.
 * Open before closing, not limited before limited, direct before relayed, more
 * application streams, older.
 */
export function compareConnections (a: Connection, b: Connection): number {
  return Number(b.status === 'open') - Number(a.status === 'open') ||
    Number(b.limits == null) - Number(a.limits == null) ||
    Number(b.direct) - Number(a.direct) ||
    countApplicationStreams(b) - countApplicationStreams(a) ||
    a.timeline.open - b.timeline.open ||
    (a.id < b.id ? -1 : 1)
}

/**
 * The connection of a peer that is worth most
 */
export function bestConnection (connections: readonly Connection[]): Connection | undefined {
  let best: Connection | undefined = connections[0]

  for (let i = 1; i < connections.length; i++) {
    if (compareConnections(connections[i], best) < 0) {
      best = connections[i]
    }
  }

  return best
}
