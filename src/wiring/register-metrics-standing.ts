import type { Rooms } from './rooms.ts'
import type { Clock } from '../clock.ts'
import type { OpenEntry } from '../core/index.ts'
import type { GracePeriod } from '../trimming/index.ts'

/**
 * The grace period as it is at a time
 */
export type GraceAt = (now: number) => Pick<GracePeriod, 'remaining'>

/**
 * Of how many open connections it is asked at most every so many ms whether they could
 * be trimmed: as all have to be looked at, and the answer does not change much
 */
export const STANDING_MAX_AGE = 5_000

/**
 * How many open connections could be trimmed, and how many could not, by reason. Cheaper
 * than the choice of a trim, as nobody's value is asked for.
 */
export function connectionStandings ({ rules, table }: Pick<Rooms, 'rules' | 'table'>, graceAt: GraceAt, now: number): Record<string, number> {
  const grace = graceAt(now)
  const counts = { candidate: 0, protected: 0, 'in-grace': 0, 'allow-listed': 0 }

  for (const peer of table.allPeers()) {
    if (rules.isProtected(peer)) {
      counts.protected += peer.connections.length
      continue
    }

    const period = rules.gracePeriodOf?.(peer)

    if (grace.remaining(peer.firstSeen, period) > 0) {
      counts['in-grace'] += peer.connections.length
      continue
    }

    for (let entry: OpenEntry | undefined = peer.entry; entry != null; entry = entry.next) {
      const { connection, openedAt } = entry

      if (peer.connections.length > 1 && grace.remaining(openedAt, period) > 0) {
        counts['in-grace']++
      } else if (rules.isAllowListed(connection)) {
        counts['allow-listed']++
      } else {
        counts.candidate++
      }
    }
  }

  return counts
}

/**
 * The same, made anew when it is older than {@link STANDING_MAX_AGE}
 */
export function cachedStandings (rooms: Pick<Rooms, 'rules' | 'table'>, graceAt: GraceAt, clock: Clock): () => Record<string, number> {
  let cached: { readonly at: number, readonly counts: Record<string, number> } | undefined

  return () => {
    const now = clock.now()
    const { size } = rooms.table

    // nobody minds the age of figures that cost nothing
    if (cached == null || size < 1_000 || now < cached.at || now - cached.at >= STANDING_MAX_AGE) {
      cached = { at: now, counts: connectionStandings(rooms, graceAt, now) }
    }

    return cached.counts
  }
}
