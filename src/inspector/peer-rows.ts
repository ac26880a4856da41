import { addressGroup, transportKind } from '../addresses/index.ts'
import type { InspectedManager } from './inspected.ts'
import type { Connection, PeerId } from '@libp2p/interface'

/**
 * What the page shows of a connected peer
 */
export interface PeerRow {
  readonly id: string
  readonly value: number

  /**
   * Those of the highest values
   */
  readonly tags: ReadonlyArray<readonly [name: string, value: number]>
  readonly tagCount: number
  readonly isProtected: boolean
  readonly realm?: string

  /**
   * The group of addresses that the best connection belongs to
   */
  readonly group?: string

  /**
   * In ms
   */
  readonly rtt?: number
  readonly streams: number

  /**
   * When the first connection was opened, in ms since the epoch
   */
  readonly since: number
  readonly direction: 'inbound' | 'outbound' | 'both'
  readonly path: 'direct' | 'relayed' | 'limited'
  readonly transport: string
  readonly address: string
  readonly connections: number
}

/**
 * What has changed since the last look
 */
export interface PeerChanges {
  readonly rows: readonly PeerRow[]

  /**
   * The ids of those that are gone
   */
  readonly gone: readonly string[]
}

/**
 * Tags come from services and remotes, so what is told of them is bounded
 */
const MAX_TAGS = 8
const MAX_TEXT = 200

/**
 * The connected peers as they were at the last look, and what has changed since the
 * one before
 */
export class PeerRows {
  readonly #max: number
  #rows = new Map<string, { readonly row: PeerRow, readonly text: string }>()

  constructor (max: number) {
    this.#max = max
  }

  list (): PeerRow[] {
    return [...this.#rows.values()].map(({ row }) => row)
  }

  /**
   * Look at all peers again
   */
  update (manager: InspectedManager): PeerChanges {
    const rows = new Map<string, { row: PeerRow, text: string }>()
    const changed: PeerRow[] = []

    for (const [peerId, connections] of manager.getConnectionsMap().entries()) {
      if (rows.size >= this.#max) {
        break
      }

      if (connections.length > 0) {
        const row = peerRow(peerId, connections, manager)
        const text = JSON.stringify(row)
        rows.set(row.id, { row, text })

        if (this.#rows.get(row.id)?.text !== text) {
          changed.push(row)
        }
      }
    }

    const gone = [...this.#rows.keys()].filter(id => !rows.has(id))
    this.#rows = rows

    return { rows: changed, gone }
  }
}

function peerRow (peerId: PeerId, connections: readonly Connection[], manager: InspectedManager): PeerRow {
  const info = manager.getTagInfo(peerId)
  const best = manager.getConnection(peerId) ?? connections[0]
  const tags = [...info?.tags ?? []].sort(([, a], [, b]) => b - a)

  return {
    id: peerId.toString(),
    value: round(info?.value ?? 0),
    tags: tags.slice(0, MAX_TAGS).map(([name, value]) => [shorten(name), round(value)]),
    tagCount: tags.length,
    isProtected: manager.isProtected(peerId),
    realm: manager.realms.of(peerId),
    group: addressGroup(best.remoteAddr),
    rtt: best.rtt == null ? undefined : round(best.rtt),
    streams: connections.reduce((sum, connection) => sum + connection.streams.length, 0),
    since: info?.firstSeen ?? best.timeline.open,
    direction: connections.every(({ direction }) => direction === best.direction) ? best.direction : 'both',
    path: best.limits != null ? 'limited' : best.direct ? 'direct' : 'relayed',
    transport: transportKind(best.remoteAddr),
    address: shorten(best.remoteAddr.toString()),
    connections: connections.length
  }
}

function round (value: number): number {
  return Math.round(value * 10) / 10
}

function shorten (text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}
