import { defaultLogger } from '@libp2p/logger'
import { TypedEventEmitter } from 'main-event'
import { ConnectionTable } from '../../src/core/index.ts'
import { Standing, Trimmer } from '../../src/trimming/index.ts'
import { PathKeeper } from '../../src/upkeep/index.ts'
import { addedTo } from '../fixtures/added-to.ts'
import { StubConnection, stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { Clock } from '../../src/clock.ts'
import type { PeerEntry } from '../../src/core/index.ts'
import type { TrimResult } from '../../src/metrics/index.ts'
import type { SelectVictims, ValueOf } from '../../src/trimming/index.ts'
import type { StubConnectionInit } from '../fixtures/connections.ts'
import type { Connection, Libp2pEvents } from '@libp2p/interface'

export interface TrimWorldInit {
  lowWater?: number
  highWater?: number
  gracePeriod?: number
  silencePeriod?: number
  connectionCloseTimeout?: number
  valueOf?: ValueOf
  selectVictims?: SelectVictims
  gracePeriodOf?(peer: PeerEntry): number | undefined
  clock?: VirtualClock
  places?(): number
}

/**
 * A trimmer with a table of connections and the standing of their peers, as the
 * connection manager wires them, on a virtual clock
 */
export class TrimWorld {
  readonly clock: VirtualClock
  readonly table = new ConnectionTable()
  readonly standing: Standing
  readonly trimmer: Trimmer

  /**
   * Says which connection of a peer is the best
   */
  readonly paths: PathKeeper

  /**
   * What was reported, in order
   */
  readonly results: TrimResult[] = []

  /**
   * Whose connections are on the allow list
   */
  readonly allowed = new Set<object>()

  /**
   * Which connections go after others of equal value
   */
  spared?: Set<Connection>

  /**
   * How often the value of a peer was asked for
   */
  valueCalls = 0

  constructor (init: TrimWorldInit = {}) {
    const clock: VirtualClock = init.clock ?? new VirtualClock()
    const log = defaultLogger().forComponent('libp2p:connmgr:test')
    const { lowWater = 10, highWater = 20, gracePeriod = 60_000, silencePeriod = 10_000, connectionCloseTimeout = 1_000 } = init

    this.clock = clock
    this.standing = new Standing({
      peerStore: { all: async () => [] },
      events: new TypedEventEmitter<Libp2pEvents>(),
      table: this.table
    }, {
      maxAbsentPeers: 100,
      absentTTL: 3_600_000,
      valueOf: Object.hasOwn(init, 'valueOf') ? init.valueOf : undefined
    }, clock satisfies Clock, log)

    this.paths = new PathKeeper({
      clock,
      log,
      table: this.table,
      localPeer: stubPeerId(),
      close: () => {},
      onUpgrade: () => {}
    }, { drainTimeout: 0, duplicateDelay: 0, closeDuplicates: false })

    this.trimmer = new Trimmer({
      table: this.table,
      clock,
      log,
      rules: {
        value: peer => {
          this.valueCalls++
          return this.standing.valueOfPeer(peer)
        },
        best: (peer, among) => this.paths.best(peer, among),
        streams: connection => connection.streams.length,
        isPlain: () => this.allowed.size === 0 && init.gracePeriodOf == null,
        isProtected: peer => this.standing.protection.isProtected(peer.key),
        isAllowListed: connection => this.allowed.has(connection),
        gracePeriodOf: init.gracePeriodOf,
        spared: () => this.spared
      },
      places: init.places,
      onTrim: result => { this.results.push(result) }
    }, { lowWater, highWater, gracePeriod, silencePeriod, connectionCloseTimeout, selectVictims: init.selectVictims })
    this.trimmer.start()
  }

  /**
   * Open a connection, of a new peer unless one is given
   */
  open (init: StubConnectionInit = {}): StubConnection {
    const connection = new StubConnection({ openedAt: this.clock.now(), ...init })

    connection.addEventListener('close', () => { this.table.remove(connection) }, { once: true })
    const { peer } = addedTo(this.table, connection, this.clock.now())
    this.standing.tags.peerConnected(peer)
    this.trimmer.check()

    return connection
  }

  openMany (count: number, init: StubConnectionInit = {}): StubConnection[] {
    return Array.from({ length: count }, () => this.open(init))
  }

  /**
   * The connection that streams to the peer of another one are opened on
   */
  selected ({ remotePeer }: Connection): Connection | undefined {
    const peer = this.table.getPeer(remotePeer)

    return peer == null ? undefined : this.paths.select(peer)
  }

  /**
   * Connections that were opened so long ago that the grace period is over, while
   * nothing was trimmed
   */
  async openSettled (count: number, init: StubConnectionInit = {}): Promise<StubConnection[]> {
    const { highWater } = this.trimmer
    this.trimmer.highWater = Infinity
    const connections = this.openMany(count, init)
    await this.clock.advance(60_000)
    this.trimmer.highWater = highWater

    return connections
  }
}

/**
 * Which of the connections are closed, by their index
 */
export function closedAmong (connections: StubConnection[]): number[] {
  return [...connections.keys()].filter(i => connections[i].status !== 'open')
}
