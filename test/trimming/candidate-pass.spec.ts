import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { CandidatePass } from '../../src/trimming/candidate-pass.ts'
import { GracePeriod, noneKept } from '../../src/trimming/candidates.ts'
import { noteValue } from '../../src/trimming/note-value.ts'
import { addedTo } from '../fixtures/added-to.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { TrimWorld } from './trim-world.ts'
import type { TrimTable } from '../../src/trimming/candidate-pass.ts'
import type { CandidateRules, KeptConnections } from '../../src/trimming/candidates.ts'
import type { Connection } from '@libp2p/interface'

const GRACE_PERIOD = 2

interface Visited {
  readonly found: Map<Connection, [value: number, duplicate: boolean]>
  readonly kept: KeptConnections
}

describe('trimming/candidate-pass', () => {
  const peers = Array.from({ length: 3 }, () => stubPeerId())

  /**
   * What a pass finds in a table
   */
  function visit (table: TrimTable, rules: CandidateRules, now: number, canNote = true): Visited {
    const found: Visited['found'] = new Map()
    const kept = noneKept()
    const pass = new CandidatePass(table, rules, new GracePeriod(GRACE_PERIOD, now), kept, {
      add: ({ connection }, value, duplicate) => {
        expect(found.has(connection), 'visited twice').to.be.false()
        found.set(connection, [value, duplicate])
      }
    }, canNote)

    while (pass.next()) {
      // in one turn of the event loop
    }

    return { found, kept }
  }

  /**
   * The same table without what is noted about its peers
   */
  function withoutColumns ({ table }: TrimWorld): TrimTable {
    return { size: table.size, allPeers: () => table.allPeers(), get: connection => table.get(connection) }
  }

  function rulesOf ({ standing, allowed, paths }: TrimWorld): CandidateRules {
    return {
      best: (peer, among) => paths.best(peer, among),
      streams: () => 0,
      value: peer => standing.valueOfPeer(peer),
      isProtected: peer => standing.protection.isProtected(peer.key),
      isAllowListed: connection => allowed.has(connection),
      isPlain: () => allowed.size === 0
    }
  }

  it('finds what it would find if nothing was noted, whatever happened since', () => {
    const peer = fc.nat(peers.length - 1)
    const step = fc.oneof(
      fc.record({ type: fc.constant('open' as const), peer }),
      fc.record({ type: fc.constant('close' as const), peer }),
      fc.record({ type: fc.constant('closing' as const), peer }),
      fc.record({ type: fc.constant('tag' as const), peer }),
      fc.record({ type: fc.constant('decaying' as const), peer }),
      fc.record({ type: fc.constant('untag' as const), peer }),
      fc.record({ type: fc.constant('protect' as const), peer }),
      fc.record({ type: fc.constant('unprotect' as const), peer }),
      fc.record({ type: fc.constant('pass' as const), peer }),
      fc.record({ type: fc.constant('unprotected pass' as const), peer }),
      fc.record({ type: fc.constant('note' as const), peer })
    )

    fc.assert(fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), steps => {
      const world = new TrimWorld({ highWater: Infinity })
      const { standing, table } = world
      const rules = rulesOf(world)

      for (const [time, { type, peer: index }] of steps.entries()) {
        const remotePeer = peers[index]
        const entry = table.getPeer(remotePeer)
        const connection = entry?.connections[0]

        if (type === 'open') {
          const added = addedTo(table, stubConnection({ remotePeer }), time)
          standing.tags.peerConnected(added.peer)
        } else if (type === 'close' && connection != null) {
          table.remove(connection)
        } else if (type === 'closing' && connection != null) {
          connection.status = 'closing'
        } else if (type === 'tag') {
          standing.tag(remotePeer, 'a', time)
        } else if (type === 'decaying') {
          standing.tag(remotePeer, 'b', 100, { decay: () => 1, interval: 1_000 })
        } else if (type === 'untag') {
          standing.untag(remotePeer, 'b')
        } else if (type === 'protect') {
          standing.protect(remotePeer, 'c')
        } else if (type === 'unprotect') {
          standing.unprotect(remotePeer, 'c')
        } else if (type === 'pass') {
          visit(table, rules, time)
        } else if (type === 'unprotected pass') {
          visit(table, { ...rules, isProtected: () => false }, time, false)
        } else if (type === 'note' && entry != null) {
          standing.noteValue(entry)
          noteValue(entry, table.columns, rules)
        }

        const { found, kept } = visit(table, rules, time)
        const expected = visit(withoutColumns(world), rules, time)

        expect(kept).to.deep.equal(expected.kept)
        expect([...found]).to.have.deep.members([...expected.found])
      }
    }), { numRuns: 60 })
  })

  it('asks about a peer once, as long as nothing changes', async () => {
    const world = new TrimWorld({ highWater: Infinity })
    const connections = world.openMany(100)
    const rules = rulesOf(world)
    let asked = 0
    const counting = { ...rules, value: (peer: Parameters<typeof rules.value>[0]) => { asked++; return rules.value(peer) } }
    const now = world.clock.now() + GRACE_PERIOD
    visit(world.table, counting, now)
    expect(asked).to.equal(100)

    world.standing.tag(connections[3].remotePeer, 'a', 5)
    world.standing.protect(connections[4].remotePeer, 'a')
    const { found, kept } = visit(world.table, counting, now)

    expect(asked).to.equal(101)
    expect(found.get(connections[3])).to.deep.equal([5, false])
    expect([found.size, kept.protected]).to.deep.equal([99, 1])
  })

  it('asks every time if it is not told that there is nothing else to ask', () => {
    const world = new TrimWorld({ highWater: Infinity })
    const [connection] = world.openMany(1)
    const now = world.clock.now() + GRACE_PERIOD
    const rules = { ...rulesOf(world), isPlain: undefined }

    expect(visit(world.table, rules, now).found.size).to.equal(1)
    world.allowed.add(connection)
    expect(visit(world.table, rules, now).kept.allowListed).to.equal(1)
  })

  it('keeps a peer in its grace period, though its value is noted', () => {
    const world = new TrimWorld({ highWater: Infinity })
    world.openMany(3)
    const rules = rulesOf(world)
    const now = world.clock.now()
    visit(world.table, rules, now + GRACE_PERIOD)

    expect(visit(world.table, rules, now + GRACE_PERIOD - 1)).to.deep.equal({ found: new Map(), kept: { ...noneKept(), inGrace: 3, graceRemaining: 1 } })
  })

  it('visits at most 32 peers in one step, so that the event loop can have a turn', () => {
    const world = new TrimWorld({ highWater: Infinity })
    world.openMany(100)
    const rules = rulesOf(world)
    const grace = new GracePeriod(0, world.clock.now())
    // notes what they are worth
    visit(world.table, rules, world.clock.now() + GRACE_PERIOD)
    const steps: number[] = []
    let found = 0
    const pass = new CandidatePass(world.table, rules, grace, noneKept(), { add: () => { found++ } }, true)

    for (let more = true; more; found = 0) {
      more = pass.next()
      steps.push(found)
    }

    expect(steps).to.deep.equal([32, 32, 32, 4])
  })

  it('comes to an end, sees nobody twice and misses nobody who stays, though others come and go meanwhile', () => {
    const world = new TrimWorld({ highWater: Infinity })
    const before = world.openMany(200)
    const found: Connection[] = []
    const pass = new CandidatePass(world.table, rulesOf(world), new GracePeriod(0, world.clock.now()), noneKept(), { add: ({ connection }) => { found.push(connection) } }, true)

    for (let i = 0; pass.next(); i++) {
      before[i % 50].remoteClose()
      world.open()
    }

    expect(new Set(found).size).to.equal(found.length)
    expect(before.slice(50).every(connection => found.includes(connection))).to.be.true()
  })
})
