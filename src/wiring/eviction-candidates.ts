import { peerIdFromString } from '@libp2p/peer-id'
import { entriesOf, sourceOf } from '../core/index.ts'
import type { NodeReachability } from './node-reachability.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { Replacements } from './replacements.ts'
import type { GroupOf } from '../addresses/index.ts'
import type { AllowList, EvictionCandidate, WantedPlace } from '../admission/index.ts'
import type { OpenEntry, ConnectionTable } from '../core/index.ts'
import type { DiscouragedList } from '../gating/index.ts'
import type { Standing } from '../trimming/index.ts'
import type { Connection } from '@libp2p/interface'

export interface EvictionCandidatesComponents {
  table: ConnectionTable
  standing: Standing
  allowList: AllowList
  discouraged: DiscouragedList
  reachability: NodeReachability
  realms: RealmRooms
  replacements: Pick<Replacements, 'frees'>

  /**
   * Which addresses share a network
   */
  groupOf?: GroupOf
}

export interface ConnectionCandidate extends EvictionCandidate {
  readonly connection: Connection
}

/**
 * The inbound connections that may be closed for a better one. Those that are relayed
 * are among them only if there are no others, while nobody gets here in another way.
 *
 * @param components - who tells of connections and their peers
 * @param wanted - what the better one needs, and who it is: nobody goes who is worth more
 */
export function evictionCandidates (components: EvictionCandidatesComponents, wanted?: WantedPlace): ConnectionCandidate[] {
  const { peer: newcomer, resource } = wanted ?? {}
  const { reachability, realms, replacements, standing, table } = components
  const worth = newcomer == null || standing.protection.isProtected(newcomer) ? Infinity : standing.value(peerIdFromString(newcomer))
  const spared = reachability.spared()
  const candidates: ConnectionCandidate[] = []

  for (const peer of table.allPeers()) {
    if (standing.protection.isProtected(peer.key) || realms.isReserved(peer.peerId)) {
      continue
    }

    for (const entry of entriesOf(peer)) {
      const { connection } = entry

      if (entry.direction === 'inbound' && connection.status === 'open' && !entry.isLeaving && (resource == null || replacements.frees(connection, resource))) {
        const candidate = toCandidate(entry, components)

        if (candidate != null && candidate.value <= worth) {
          candidates.push(candidate)
        }
      }
    }
  }

  const others = spared == null ? candidates : candidates.filter(({ connection }) => !spared.has(connection))

  return others.length > 0 ? others : candidates
}

/**
 * `undefined` if it is on the allow list
 */
function toCandidate (entry: OpenEntry, { allowList, discouraged, groupOf, standing }: EvictionCandidatesComponents): ConnectionCandidate | undefined {
  const { connection, openedAt, use } = entry
  const { remoteAddr, remotePeer } = connection

  if (allowList.hasPeer(remoteAddr, remotePeer)) {
    return
  }

  const { group, ip, transport } = sourceOf(entry, groupOf)

  return {
    id: connection.id,
    connection,
    group,
    rtt: connection.rtt ?? Infinity,
    lastUseful: use?.lastUsed ?? 0,
    value: standing.value(remotePeer),
    opened: openedAt,
    transport,
    isDiscouraged: discouraged.hasPeer(remotePeer) || (ip != null && discouraged.hasIp(ip))
  }
}
