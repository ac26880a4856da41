import { expect } from 'aegir/chai'
import { ConnectionTable } from '../../src/core/index.ts'
import { candidatesAmong } from '../../src/trimming/candidates-among.ts'
import { GracePeriod, noneKept, toCandidate, visitCandidates } from '../../src/trimming/candidates.ts'
import { StubConnection, stubPeerId } from '../fixtures/connections.ts'
import type { PeerEntry } from '../../src/core/index.ts'
import type { CandidateRules, KeptConnections } from '../../src/trimming/candidates.ts'
import type { StubConnectionInit } from '../fixtures/connections.ts'
import type { Connection } from '@libp2p/interface'

const PERIOD = 100

const RULES: CandidateRules = { value: () => 7, best, streams: ({ streams }) => streams.length, isProtected: () => false, isAllowListed: () => false }

/**
 * Any rule will do here
 */
function best (_peer: PeerEntry, among: readonly Connection[]): Connection | undefined {
  return [...among].sort((a, b) => Number(b.direct) - Number(a.direct) || b.streams.length - a.streams.length)[0]
}

describe('trimming/candidates', () => {
  describe('a grace period', () => {
    const grace = new GracePeriod(PERIOD, 1_000)

    it('runs from the moment itself on, and is over when it has passed', () => {
      expect([1_000, 999, 901, 900, 0].map(since => grace.remaining(since))).to.deep.equal([100, 99, 1, 0, 0])
    })

    it('is over for a time that is yet to come, as the clock was set back', () => {
      expect(grace.remaining(1_001)).to.equal(0)
    })

    it('may be another one', () => {
      expect([10, 0].map(period => grace.remaining(995, period))).to.deep.equal([5, 0])
    })

    it('counts what it keeps, and when the first of that has left it', () => {
      const kept = noneKept()

      expect(grace.keeps(950, kept)).to.be.true()
      expect(grace.keeps(920, kept, PERIOD, 3)).to.be.true()
      expect(grace.keeps(980, kept)).to.be.true()
      expect(grace.keeps(900, kept)).to.be.false()
      expect(kept).to.deep.equal({ ...noneKept(), inGrace: 5, graceRemaining: 20 })
    })
  })

  describe('the connections of a peer', () => {
    let table: ConnectionTable
    let connections: StubConnection[]

    beforeEach(() => {
      table = new ConnectionTable()
      connections = []
    })

    /**
     * One peer with a connection for each of the times
     */
    function openAt (times: number[], inits: StubConnectionInit[] = []): PeerEntry {
      const remotePeer = stubPeerId()

      for (const [i, time] of times.entries()) {
        const connection = new StubConnection({ remotePeer, ...inits[i] })
        connections.push(connection)
        table.add(connection, time)
      }

      const peer = table.getPeer(remotePeer)

      if (peer == null) {
        throw new Error('The peer is not there')
      }

      return peer
    }

    /**
     * Which of the connections may be closed, by index, and what is kept
     */
    function visit (peer: PeerEntry, now: number, rules: Partial<CandidateRules> = {}): { found: Array<[index: number, value: number, duplicate: boolean]>, kept: KeptConnections } {
      const kept = noneKept()
      const found: Array<[number, number, boolean]> = []
      visitCandidates(peer, { ...RULES, ...rules }, new GracePeriod(PERIOD, now), kept, {
        add: ({ connection }, value, duplicate) => { found.push([connections.findIndex(other => other === connection), value, duplicate]) }
      })

      return { found, kept }
    }

    it('may all be closed, those that are not the best as duplicates', () => {
      expect(visit(openAt([0, 0, 0]), 1_000)).to.deep.equal({ found: [[0, 7, false], [1, 7, true], [2, 7, true]], kept: noneKept() })
    })

    it('are not asked about when all are being closed', () => {
      const peer = openAt([0, 0])
      connections.forEach(connection => { connection.status = 'closing' })
      const asked = (): never => { throw new Error('Urk!') }

      expect(visit(peer, 1_000, { isProtected: asked, value: asked })).to.deep.equal({ found: [], kept: { ...noneKept(), closing: 2 } })
    })

    it('that are being closed are left out, and are nobody\'s better ones', () => {
      const peer = openAt([0, 0])
      connections[0].status = 'closing'

      expect(visit(peer, 1_000)).to.deep.equal({ found: [[1, 7, false]], kept: { ...noneKept(), closing: 1 } })
      expect(visit(peer, 1_000, { isProtected: () => true }).kept).to.deep.equal({ ...noneKept(), closing: 1, protected: 1 })
    })

    it('are all kept while the peer is new, and each duplicate while it is new', () => {
      const peer = openAt([0, 60, 70])

      expect(visit(peer, 90)).to.deep.equal({ found: [], kept: { ...noneKept(), inGrace: 3, graceRemaining: 10 } })
      expect(visit(peer, 100)).to.deep.equal({ found: [[0, 7, false]], kept: { ...noneKept(), inGrace: 2, graceRemaining: 60 } })
      expect(visit(peer, 160)).to.deep.equal({ found: [[0, 7, false], [1, 7, true]], kept: { ...noneKept(), inGrace: 1, graceRemaining: 10 } })
    })

    it('that are new make none before them expendable, even if they are better', () => {
      const peer = openAt([0, 0, 150], [{ direct: false, limits: {} }, { direct: false, limits: {}, streams: 1 }, { streams: 5 }])

      expect(visit(peer, 200).found).to.deep.equal([[0, 7, true], [1, 7, false]])
      expect(visit(peer, 250).found).to.deep.equal([[0, 7, true], [1, 7, true], [2, 7, false]])
    })

    it('have the best among them when all of them are new, though the peer is not', () => {
      const peer = openAt([0, 150, 150], [{}, { direct: false, limits: {} }, {}])
      table.remove(connections[0])

      expect(visit(peer, 200)).to.deep.equal({ found: [[2, 7, false]], kept: { ...noneKept(), inGrace: 1, graceRemaining: 50 } })
    })

    it('have the grace period of their peer, if it has one', () => {
      const peer = openAt([0, 30])

      expect(visit(peer, 60, { gracePeriodOf: () => 50 })).to.deep.equal({ found: [[0, 7, false]], kept: { ...noneKept(), inGrace: 1, graceRemaining: 20 } })
      expect(visit(peer, 60, { gracePeriodOf: () => undefined }).kept).to.deep.equal({ ...noneKept(), inGrace: 2, graceRemaining: 40 })
    })

    it('from the allow list are kept', () => {
      const peer = openAt([0, 0])

      expect(visit(peer, 1_000, { isAllowListed: connection => connection === connections[0] })).to.deep.equal({ found: [[1, 7, true]], kept: { ...noneKept(), allowListed: 1 } })
    })

    it('are compared by what is known of them', () => {
      const { peerId, entry } = openAt([5], [{ streams: 3, direction: 'outbound' }])
      const [connection] = connections
      const expected = { id: `${peerId}/${connection.id}`, peerId, connection, value: 7, duplicate: true, streams: 3, direction: 'outbound', openedAt: 5, spared: false }

      expect(toCandidate(entry, 7, true, RULES)).to.deep.equal(expected)
      expect(toCandidate(entry, 7, true, RULES, new Set())).to.deep.equal(expected)
      expect(toCandidate(entry, 7, true, RULES, new Set([connection]))).to.deep.equal({ ...expected, spared: true })
    })

    it('are candidates among others only as far as they are asked about', () => {
      openAt([0, 0])
      openAt([0])
      openAt([0])
      const [, duplicate, other] = connections
      const unknown = new StubConnection()
      const among = (list: Connection[], rules: CandidateRules = RULES): unknown[] => candidatesAmong(list, table, rules, new GracePeriod(PERIOD, 1_000))
        .map(({ connection, duplicate, spared }) => [connections.indexOf(connection as StubConnection), duplicate, spared])

      expect(among([duplicate, other, unknown])).to.deep.equal([[1, true, false], [2, false, false]])
      expect(among([duplicate, duplicate], { ...RULES, spared: () => new Set([duplicate]) })).to.deep.equal([[1, true, true]])
    })
  })
})
