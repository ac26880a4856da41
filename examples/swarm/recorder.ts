import type { Member } from './messages.ts'
import type { Kind } from './plan.ts'
import type { ConnectionManagerEvents, RefusalReason, TrimReason } from '../../src/index.ts'
import type { Connection, Libp2pEvents, PeerId } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/**
 * A connection that was trimmed
 */
export interface TrimmedPeer {
  name: string
  kind: Kind | 'unknown'
  value: number
  streams: number

  /**
   * In ms
   */
  age: number
  duplicate: boolean
  reason: TrimReason

  /**
   * When, in ms after the start
   */
  at: number
}

/**
 * Inbound connections that were refused for the same reason
 */
export interface Refused {
  reason: RefusalReason
  count: number
  limit: number

  /**
   * What the limit applies to, and how often it was hit
   */
  scopes: Record<string, number>
}

/**
 * What has happened at the node
 */
export interface SwarmRecord {
  lowWater: number
  highWater: number
  opened: number
  closed: number
  refused: number
  trimmed: number
  trims: number

  /**
   * How many protected peers have connected, and how many of them were connected
   * without a break since
   */
  protected: number
  protectedSurvived: number

  /**
   * The names of the protected peers that lost a connection
   */
  protectedLost: string[]
  peak: number
  final: number

  /**
   * In ms
   */
  duration: number
  trimmedByKind: Record<string, number>
  trimmedByReason: Record<string, number>
  trimmedDuplicates: number
  trimmedPeers: TrimmedPeer[]
  refusedByReason: Refused[]

  /**
   * How many connections were open, whenever that has changed
   */
  samples: Array<{ at: number, connections: number }>
}

export interface RecorderComponents {
  /**
   * The events of the node
   */
  events: TypedEventTarget<Libp2pEvents>

  /**
   * The events of its connection manager
   */
  manager: TypedEventTarget<ConnectionManagerEvents>

  /**
   * Does the node protect this peer?
   */
  isProtected(peerId: PeerId): boolean

  /**
   * Milliseconds from any point in time
   */
  now(): number
}

export interface RecorderInit {
  lowWater: number
  highWater: number
  members: readonly Member[]
}

/**
 * What the scope of a limit for one peer begins with
 */
const PEER = 'peer:'

/**
 * Writes down what the node's own events say, and nothing else
 */
export class Recorder {
  private readonly components: RecorderComponents
  private readonly init: RecorderInit
  private readonly members: Map<string, Member>
  private readonly start: number
  private readonly protectedPeers = new Set<string>()
  private readonly lost = new Set<string>()
  private readonly trimmedPeers: TrimmedPeer[] = []
  private readonly refusals = new Map<RefusalReason, Refused>()
  private readonly samples: SwarmRecord['samples'] = [{ at: 0, connections: 0 }]
  private opened = 0
  private closed = 0
  private refused = 0
  private trims = 0
  private peak = 0

  constructor (components: RecorderComponents, init: RecorderInit) {
    this.components = components
    this.init = init
    this.members = new Map(init.members.map(member => [member.peerId, member]))
    this.start = components.now()

    const { events, manager } = components
    events.addEventListener('connection:open', this.onOpen)
    events.addEventListener('connection:close', this.onClose)
    manager.addEventListener('connection:trim', this.onTrim)
    manager.addEventListener('connection:refuse', this.onRefuse)
  }

  /**
   * What happens from now on is not written down
   */
  stop (): void {
    const { events, manager } = this.components
    events.removeEventListener('connection:open', this.onOpen)
    events.removeEventListener('connection:close', this.onClose)
    manager.removeEventListener('connection:trim', this.onTrim)
    manager.removeEventListener('connection:refuse', this.onRefuse)
  }

  /**
   * How many connections are open
   */
  get connections (): number {
    return this.opened - this.closed
  }

  record (): SwarmRecord {
    const { lowWater, highWater } = this.init

    return {
      lowWater,
      highWater,
      opened: this.opened,
      closed: this.closed,
      refused: this.refused,
      trimmed: this.trimmedPeers.length,
      trims: this.trims,
      protected: this.protectedPeers.size,
      protectedSurvived: this.protectedPeers.size - this.lost.size,
      protectedLost: [...this.lost].map(peer => this.members.get(peer)?.name ?? peer),
      peak: this.peak,
      final: this.connections,
      duration: this.now(),
      trimmedByKind: countBy(this.trimmedPeers, ({ kind }) => kind),
      trimmedByReason: countBy(this.trimmedPeers, ({ reason }) => reason),
      trimmedDuplicates: this.trimmedPeers.filter(({ duplicate }) => duplicate).length,
      trimmedPeers: [...this.trimmedPeers],
      refusedByReason: [...this.refusals.values()].sort((a, b) => b.count - a.count),
      samples: [...this.samples, { at: this.now(), connections: this.connections }]
    }
  }

  private readonly onOpen = ({ detail: connection }: CustomEvent<Connection>): void => {
    this.opened++
    this.peak = Math.max(this.peak, this.connections)
    this.sample()

    if (this.components.isProtected(connection.remotePeer)) {
      this.protectedPeers.add(connection.remotePeer.toString())
    }
  }

  private readonly onClose = ({ detail: connection }: CustomEvent<Connection>): void => {
    this.closed++
    this.sample()
    const peer = connection.remotePeer.toString()

    if (this.protectedPeers.has(peer)) {
      this.lost.add(peer)
    }
  }

  private readonly onTrim = ({ detail }: ConnectionManagerEvents['connection:trim']): void => {
    this.trims++

    for (const { peerId, value, streams, age, duplicate } of detail.closed) {
      const { name, kind } = this.member(peerId)
      this.trimmedPeers.push({ name, kind, value, streams, age, duplicate, reason: detail.reason, at: this.now() })
    }
  }

  private readonly onRefuse = ({ detail }: ConnectionManagerEvents['connection:refuse']): void => {
    const { reason, scope, limit } = detail
    const refused = this.refusals.get(reason) ?? { reason, count: 0, limit, scopes: {} }
    this.refused++
    refused.count++
    refused.limit = limit
    refused.scopes[this.named(scope)] = (refused.scopes[this.named(scope)] ?? 0) + 1
    this.refusals.set(reason, refused)
  }

  private member (peerId: PeerId): Pick<TrimmedPeer, 'name' | 'kind'> {
    return this.members.get(peerId.toString()) ?? { name: peerId.toString(), kind: 'unknown' }
  }

  /**
   * `peer:` is followed by the name of a peer where it is known
   */
  private named (scope: string): string {
    const name = scope.startsWith(PEER) ? this.members.get(scope.slice(PEER.length))?.name : undefined

    return name == null ? scope : `${PEER}${name}`
  }

  private sample (): void {
    this.samples.push({ at: this.now(), connections: this.connections })
  }

  private now (): number {
    return Math.round(this.components.now() - this.start)
  }
}

/**
 * What must not have happened. Empty if all went well.
 */
export function failures ({ protectedLost, final, highWater }: Pick<SwarmRecord, 'protectedLost' | 'final' | 'highWater'>): string[] {
  const found: string[] = []

  if (protectedLost.length > 0) {
    found.push(`protected peers lost a connection: ${protectedLost.join(', ')}`)
  }

  if (final > highWater) {
    found.push(`${final} connections are open in the end, more than the high watermark of ${highWater}`)
  }

  return found
}

function countBy <T> (items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}

  for (const item of items) {
    counts[key(item)] = (counts[key(item)] ?? 0) + 1
  }

  return counts
}
