import { addressGroup, relayPeer, remoteIp, transportKind } from '../addresses/index.ts'
import type { NodeReachability } from './node-reachability.ts'
import type { RealmRooms } from './realm-rooms.ts'
import type { IpAddress, TransportKind } from '../addresses/index.ts'
import type { AllowList, EvictionCandidate } from '../admission/index.ts'
import type { ApplicationUse, ConnectionTable } from '../connections/index.ts'
import type { DiscouragedList } from '../gating/index.ts'
import type { Standing } from '../trimming/index.ts'
import type { Connection } from '@libp2p/interface'

export interface EvictionCandidatesComponents {
  table: ConnectionTable
  standing: Standing
  use: ApplicationUse
  allowList: AllowList
  discouraged: DiscouragedList
  reachability: NodeReachability
  realms: RealmRooms
}

export interface ConnectionCandidate extends EvictionCandidate {
  readonly connection: Connection
}

/**
 * The inbound connections that may be closed for a better one. Those that are relayed
 * are among them only if there are no others, while nobody gets here in another way.
 */
export function evictionCandidates (components: EvictionCandidatesComponents): ConnectionCandidate[] {
  const { reachability, realms, standing, table } = components
  const spared = reachability.spared()
  const candidates: ConnectionCandidate[] = []

  for (const peer of table.allPeers()) {
    if (standing.protection.isProtected(peer.key) || realms.isReserved(peer.peerId)) {
      continue
    }

    for (const connection of peer.connections) {
      if (connection.direction === 'inbound' && connection.status === 'open') {
        const candidate = toCandidate(connection, components)

        if (candidate != null) {
          candidates.push(candidate)
        }
      }
    }
  }

  const others = spared == null ? candidates : candidates.filter(({ connection }) => !spared.has(connection))

  return others.length > 0 ? others : candidates
}

/**
 * What an address says of where a connection comes from
 */
interface Source {
  readonly group: string
  readonly ip: IpAddress | undefined
  readonly transport: TransportKind
}

/**
 * Kept, as it does not change, and all connections are looked at for every newcomer
 * while the node is full
 */
const sources = new WeakMap<Connection, Source>()

function sourceOf (connection: Connection): Source {
  let source = sources.get(connection)

  if (source == null) {
    const { remoteAddr, remotePeer } = connection

    source = {
      group: addressGroup(remoteAddr, { exemptPrivate: false }) ?? relayPeer(remoteAddr) ?? remotePeer.toString(),
      ip: remoteIp(remoteAddr),
      transport: transportKind(remoteAddr)
    }
    sources.set(connection, source)
  }

  return source
}

/**
 * `undefined` if it is on the allow list
 */
function toCandidate (connection: Connection, { allowList, discouraged, standing, table, use }: EvictionCandidatesComponents): ConnectionCandidate | undefined {
  const { remoteAddr, remotePeer } = connection

  if (allowList.hasPeer(remoteAddr, remotePeer)) {
    return
  }

  const { group, ip, transport } = sourceOf(connection)

  return {
    id: connection.id,
    connection,
    group,
    rtt: connection.rtt ?? Infinity,
    lastUseful: use.lastUsed(connection),
    value: standing.value(remotePeer),
    // its timeline is by a clock that may be set back
    opened: table.get(connection)?.openedAt ?? connection.timeline.open,
    transport,
    isDiscouraged: discouraged.hasPeer(remotePeer) || (ip != null && discouraged.hasIp(ip))
  }
}
