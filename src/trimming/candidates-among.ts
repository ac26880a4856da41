import { noneKept, toCandidate, visitCandidates } from './candidates.ts'
import type { CandidateRules, GracePeriod, TrimCandidate } from './candidates.ts'
import type { ConnectionTable, PeerEntry } from '../core/index.ts'
import type { Connection } from '@libp2p/interface'

/**
 * Those of the connections that may be closed now: not of protected peers, not in
 * their grace period, not from the allow list
 */
export function candidatesAmong (connections: Iterable<Connection>, table: ConnectionTable, rules: CandidateRules, grace: GracePeriod): TrimCandidate[] {
  const wanted = new Set(connections)
  const peers = new Set<PeerEntry>()
  const candidates: TrimCandidate[] = []
  const spared = rules.spared?.()

  for (const connection of wanted) {
    const peer = table.get(connection)?.peer

    if (peer != null) {
      peers.add(peer)
    }
  }

  for (const peer of peers) {
    visitCandidates(peer, rules, grace, noneKept(), {
      add: (entry, value, duplicate) => {
        if (wanted.has(entry.connection)) {
          candidates.push(toCandidate(entry, value, duplicate, rules, spared))
        }
      }
    })
  }

  return candidates
}
