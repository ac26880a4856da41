import { Trimmer } from '../trimming/index.ts'
import type { Clock } from '../clock.ts'
import type { OpenEntry, ConnectionTable, PeerEntry } from '../core/index.ts'
import type { TrimResult } from '../metrics/index.ts'
import type { Realms, ResourceManager } from '../resources/index.ts'
import type { CandidateRules, TrimTable, TrimmingConfig } from '../trimming/index.ts'
import type { Connection, Logger, PeerId } from '@libp2p/interface'

export interface RealmWatermarksComponents {
  clock: Clock
  log: Logger
  table: ConnectionTable
  realms: Realms
  resources: ResourceManager
  rules: CandidateRules

  /**
   * A connection is closed next, by a trim for this reason
   */
  onClosing(connection: Connection, reason: string): void

  /**
   * Called after every trim that had to close something
   */
  onTrim(result: TrimResult): void
}

export type RealmWatermarksInit = Pick<TrimmingConfig, 'gracePeriod' | 'silencePeriod' | 'realmSettings' | 'selectVictims'> & { connectionCloseTimeout: number }

/**
 * Trims the realms that have watermarks of their own, each by itself
 */
export class RealmWatermarks {
  readonly #realms: Realms
  readonly #trimmers = new Map<string, Trimmer>()

  constructor (components: RealmWatermarksComponents, init: RealmWatermarksInit) {
    // what is in one realm has no share to take from others
    const rules: CandidateRules = { ...components.rules, realmOf: undefined, shares: undefined }
    this.#realms = components.realms

    for (const [realm, { lowWater, highWater }] of init.realmSettings) {
      if (highWater !== Infinity) {
        const table = new RealmTable(components, realm)
        const onTrim = (result: TrimResult): void => { components.onTrim({ ...result, realm }) }
        const onClosing = (connection: Connection, reason: string): void => { components.onClosing(connection, `${reason} of realm ${realm}`) }
        this.#trimmers.set(realm, new Trimmer({ ...components, rules, table, onClosing, onTrim }, { ...init, lowWater, highWater }))
      }
    }
  }

  start (): void {
    this.#trimmers.forEach(trimmer => { trimmer.start() })
  }

  async stop (): Promise<void> {
    await Promise.all([...this.#trimmers.values()].map(async trimmer => trimmer.stop()))
  }

  /**
   * May one more connection count in a realm besides so many more, without being the
   * first to be trimmed?
   */
  hasPlace (realm: string, more: number): boolean {
    return this.#trimmers.get(realm)?.isBelowLowWater(more) ?? true
  }

  /**
   * A connection of the peer was opened, or the peer is in another realm
   */
  check (peerId: PeerId): void {
    const realm = this.#trimmers.size === 0 ? undefined : this.#realms.shareOf(peerId)

    if (realm != null) {
      this.#trimmers.get(realm)?.check()
    }
  }
}

/**
 * The connections that count in one realm
 */
class RealmTable implements TrimTable {
  readonly #components: Pick<RealmWatermarksComponents, 'table' | 'realms' | 'resources'>
  readonly #realm: string

  constructor (components: Pick<RealmWatermarksComponents, 'table' | 'realms' | 'resources'>, realm: string) {
    this.#components = components
    this.#realm = realm
  }

  get size (): number {
    const stat = this.#components.resources.scopeStat(`realm:${this.#realm}`)

    return stat?.usage.connections ?? [...this.allPeers()].reduce((sum, { connections }) => sum + connections.length, 0)
  }

  get (connection: Connection): OpenEntry | undefined {
    const entry = this.#components.table.get(connection)

    return entry != null && this.#counts(entry.peer) ? entry : undefined
  }

  allPeers (): IterableIterator<PeerEntry> {
    const { realms, table } = this.#components
    const peers = new Set<PeerEntry>()

    for (const connection of realms.connections(this.#realm)) {
      const peer = table.get(connection)?.peer

      if (peer != null && this.#counts(peer)) {
        peers.add(peer)
      }
    }

    return peers.values()
  }

  #counts ({ peerId }: PeerEntry): boolean {
    return this.#components.realms.shareOf(peerId) === this.#realm
  }
}
