import { defaultLogger } from '@libp2p/logger'
import { TypedEventEmitter } from 'main-event'
import { systemClock } from '../src/clock.ts'
import { ConnectionTable } from '../src/core/index.ts'
import { Standing, Trimmer, noteValue } from '../src/trimming/index.ts'
import { StubConnection } from '../test/fixtures/connections.ts'
import { newAddress } from './connections.ts'
import type { Managed } from './managed.ts'
import type { PeerEntry } from '../src/core/index.ts'
import type { CandidateRules } from '../src/trimming/index.ts'
import type { Connection, Libp2pEvents, PeerId } from '@libp2p/interface'

const REPUTATION_SIZE = 10_000
const REPUTATION_TTL = 3_600_000
const CLOSE_TIMEOUT = 1_000
const NOBODY = new Set<string>(['nobody'])

/**
 * The part of our manager that go-libp2p's connection manager does: connections by
 * peer, tags, and trimming. There is no node around it, so nobody is told of what
 * happens.
 */
export class BareManager implements Managed {
  private readonly table = new ConnectionTable()
  private readonly standing: Standing
  private readonly trimmer: Trimmer
  private readonly rules: CandidateRules = {
    value: peer => this.standing.valueOfPeer(peer),
    best: (_peer, [first]) => first,
    streams: () => 0,
    isProtected: peer => this.standing.protection.isProtected(peer.key),
    isAllowListed: () => false,
    isPlain: () => true
  }

  constructor () {
    const { rules, table } = this
    const log = defaultLogger().forComponent('libp2p:connmgr:bench')

    this.standing = new Standing({
      peerStore: { all: async () => [] },
      table,
      events: new TypedEventEmitter<Libp2pEvents>()
    }, { maxAbsentPeers: REPUTATION_SIZE, absentTTL: REPUTATION_TTL }, systemClock, log, peer => { this.note(peer) })
    this.trimmer = new Trimmer({ table, clock: systemClock, log, rules, onTrim: () => {} }, {
      lowWater: Infinity,
      highWater: Infinity,
      gracePeriod: 0,
      silencePeriod: 0,
      connectionCloseTimeout: CLOSE_TIMEOUT
    })
    this.trimmer.start()
  }

  get size (): number {
    return this.table.size
  }

  newConnection (index: number): Connection {
    return new BareConnection(this, index)
  }

  opened (connection: Connection): void {
    const peer = this.table.add(connection, systemClock.now())?.peer

    if (peer != null) {
      this.standing.tags.peerConnected(peer)
      this.note(peer)
    }

    this.trimmer.check()
  }

  closed (connection: Connection): void {
    const peer = this.table.remove(connection)?.peer

    if (peer?.connections.length === 0) {
      this.standing.tags.peerDisconnected(peer)
    }
  }

  tag (peerId: PeerId, name: string, value: number): void {
    this.standing.tag(peerId, name, value)
  }

  untag (peerId: PeerId, name: string): void {
    this.standing.untag(peerId, name)
  }

  async trim (count: number): Promise<void> {
    await this.trimmer.trimConnections(count)
  }

  private note (peer: PeerEntry): void {
    this.standing.noteValue(peer)
    noteValue(peer, this.table.columns, this.rules)
  }
}

/**
 * A connection that tells nobody but the manager when it is closed
 */
class BareConnection extends StubConnection {
  private readonly manager: BareManager

  constructor (manager: BareManager, index: number) {
    super({ remoteAddr: newAddress(), direction: index % 4 === 0 ? 'outbound' : 'inbound' })

    this.manager = manager
    // it has been read, and looked up among the banned, by the time a connection is open
    NOBODY.has(this.remotePeer.toString())
  }

  async close (): Promise<void> {
    this.status = 'closed'
    this.manager.closed(this)
  }
}
