import { KEEP_ALIVE, isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { remoteIp } from '../addresses/index.ts'
import { entriesOf } from '../core/index.ts'
import { explainDialError } from '../dialing/index.ts'
import { InvalidOptionError } from '../errors.ts'
import { GracePeriod, candidatesAmong, compareVictims, tagInfo } from '../trimming/index.ts'
import { summarize } from './explain-summary.ts'
import type { DecisionLog } from './decisions.ts'
import type { ExplainedConnection, PeerExplanation, TrimRank } from './explain-types.ts'
import type { Rooms } from './rooms.ts'
import type { SteadyClock } from '../clock.ts'
import type { OpenEntry, PeerEntry } from '../core/index.ts'
import type { DialQueue } from '../dialing/index.ts'
import type { Ban } from '../gating/index.ts'
import type { TrimCandidate } from '../trimming/index.ts'
import type { Connection, PeerId } from '@libp2p/interface'

export interface ExplainComponents {
  clock: SteadyClock
  rooms: Rooms
  dialQueue: Pick<DialQueue, 'lastError'>
  staticPeers: { has(peerId: PeerId): boolean }
  decisions: DecisionLog
}

export interface ExplainInit {
  gracePeriod: number

  /**
   * Does a function of the user choose who is trimmed?
   */
  selectVictims?: unknown
}

/**
 * So many decisions about a peer are told
 */
const MAX_DECISIONS = 20

/**
 * The text of an id is shorter, and reading a longer one takes long
 */
const MAX_ID_LENGTH = 256

/**
 * Everything that there is to say about a peer. Takes time in proportion to the number
 * of open connections, as its place among those that may be trimmed is looked up.
 *
 * @throws {InvalidOptionError} if it is not the id of a peer
 */
export function explain (peer: PeerId | string, components: ExplainComponents, init: ExplainInit): PeerExplanation {
  const { clock, decisions, dialQueue, rooms, staticPeers } = components
  const peerId = parsePeer(peer)
  const key = peerId.toString()
  const entry = rooms.table.getPeer(key)
  const connections = entry?.connections ?? []
  const tags = tagInfo(peerId, rooms.standing, rooms.table, clock)?.tags ?? new Map<string, number>()
  const error = dialQueue.lastError(peerId)

  const facts: Omit<PeerExplanation, 'known' | 'summary'> = {
    peer: key,
    value: rooms.standing.value(peerId),
    tags: Object.fromEntries(tags),
    protectedBy: rooms.standing.protection.tags(key),
    realm: rooms.realms.realms.of(peerId),
    realms: rooms.realms.realms.memberships(peerId),
    graceRemaining: entry == null ? 0 : graceOf(entry, components, init),
    trimRank: entry == null ? undefined : trimRank(entry, components, init),
    connections: entry == null ? [] : entriesOf(entry).map(connection => explainConnection(connection, components)),
    bans: bansOf(peerId, connections, rooms),
    misbehaviour: rooms.misbehaviour.score(peerId),
    discouraged: isDiscouraged(peerId, connections, components),
    flapping: rooms.flapping?.isDenied(key) ?? false,
    static: staticPeers.has(peerId),
    keepAlive: [...tags.keys()].some(tag => tag.startsWith(KEEP_ALIVE)),
    parked: parkedOf(key, components),
    lastDialError: error == null ? undefined : explainDialError(error),
    lastClosed: decisions.list({ peer: peerId, kind: 'close', limit: 1 }).at(0),
    lastRefused: decisions.list({ peer: peerId, kind: 'refuse', limit: 1 }).at(0),
    decisions: decisions.list({ peer: peerId, limit: MAX_DECISIONS })
  }
  const known = isKnown(facts)

  return { ...facts, known, summary: summarize(facts, known, clock.wall.now(), rooms.trimmer.lowWater) }
}

function parsePeer (peer: PeerId | string): PeerId {
  if (isPeerId(peer)) {
    return peer
  }

  try {
    if (peer.length <= MAX_ID_LENGTH) {
      return peerIdFromString(peer)
    }
  } catch {
    // told below
  }

  throw new InvalidOptionError('peerId', peer, 'a PeerId, or the text of one')
}

function isKnown ({ bans, connections, decisions, discouraged, flapping, lastDialError, misbehaviour, parked, protectedBy, realms, static: isStatic, tags }: Omit<PeerExplanation, 'known' | 'summary'>): boolean {
  return isStatic || discouraged || flapping || lastDialError != null || parked != null || misbehaviour > 0 || Object.keys(tags).length > 0 ||
    [bans, connections, decisions, protectedBy, realms].some(list => list.length > 0)
}

function parkedOf (key: string, { clock, rooms }: ExplainComponents): PeerExplanation['parked'] {
  const parked = rooms.table.getPeer(key) == null ? rooms.parked.of(key) : undefined

  return parked == null ? undefined : { reason: parked.reason, age: Math.max(0, clock.now() - parked.since) }
}

function graceOf (peer: PeerEntry, { clock, rooms }: ExplainComponents, { gracePeriod }: ExplainInit): number {
  return new GracePeriod(gracePeriod, clock.now()).remaining(peer.firstSeen, rooms.rules.gracePeriodOf?.(peer))
}

function trimRank (peer: PeerEntry, { clock, rooms: { rules, table } }: ExplainComponents, { gracePeriod, selectVictims }: ExplainInit): TrimRank | undefined {
  const grace = new GracePeriod(gracePeriod, clock.now())
  const [first, ...others] = candidatesAmong(peer.connections, table, rules, grace)

  if (selectVictims != null || first == null) {
    return
  }

  const mine = others.reduce((worst, other) => compareVictims(other, worst) < 0 ? other : worst, first)
  const all: TrimCandidate[] = candidatesAmong(table.allConnections(), table, rules, grace)

  return { position: 1 + all.filter(other => compareVictims(other, mine) < 0).length, of: all.length }
}

function explainConnection ({ connection, direction, drainUntil, openedAt, peer, scope, use, watched }: OpenEntry, { clock, rooms: { paths } }: ExplainComponents): ExplainedConnection {
  const now = clock.now()

  return {
    id: connection.id,
    direction,
    address: connection.remoteAddr.toString(),
    age: Math.max(0, now - openedAt),
    rtt: connection.rtt,
    path: connection.direct ? 'direct' : 'relayed',
    limited: connection.limits != null,
    draining: drainUntil != null,
    selected: paths.select(peer) === connection,
    streams: use?.streams ?? 0,
    protocols: [...new Set(connection.streams.map(({ protocol }) => protocol))],
    silence: watched == null ? undefined : Math.max(0, now - watched.lastHeard),
    misses: watched?.misses,
    realm: scope?.realm
  }
}

function bansOf (peerId: PeerId, connections: readonly Connection[], { bans }: Rooms): PeerExplanation['bans'] {
  const found = new Map<string, Ban>()

  for (const ban of [bans.ofPeer(peerId), ...connections.map(({ remoteAddr }) => bans.ofMultiaddr(remoteAddr))]) {
    if (ban != null) {
      found.set(ban.target, ban)
    }
  }

  return [...found.values()].map(({ expires, ...ban }) => expires === Infinity ? ban : { ...ban, expires })
}

function isDiscouraged (peerId: PeerId, connections: readonly Connection[], { rooms: { discouraged } }: ExplainComponents): boolean {
  return discouraged.hasPeer(peerId) || connections.some(({ remoteAddr }) => {
    const ip = remoteIp(remoteAddr)

    return ip != null && discouraged.hasIp(ip)
  })
}
