import type { CandidateRules } from './candidates.ts'
import type { PeerColumns, PeerEntry } from '../core/index.ts'

/**
 * Notes what a peer is worth where a trim finds it, if there is nothing else that the
 * trim would have to ask about the peer
 */
export function noteValue (peer: PeerEntry, columns: PeerColumns, rules: CandidateRules): void {
  if (peer.value != null && peer.entry.next == null && rules.isPlain?.() === true && !rules.isProtected(peer)) {
    columns.note(peer.place, peer.entry, peer.value)
  }
}
