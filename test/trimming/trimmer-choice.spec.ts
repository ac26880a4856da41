import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { compareVictims } from '../../src/trimming/index.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { TrimWorld, closedAmong } from './trim-world.ts'
import type { TrimCandidate } from '../../src/trimming/index.ts'
import type { StubConnection } from '../fixtures/connections.ts'

describe('trimming/trimmer: which', () => {
  it('closes the duplicates of a peer before whole peers', async () => {
    const world = new TrimWorld({ lowWater: 1 })
    const remotePeer = stubPeerId()
    const connections = await world.openSettled(3, { remotePeer })
    const result = await world.trimmer.trim()

    expect(result.closed.map(({ duplicate }) => duplicate)).to.deep.equal([true, true])
    expect(closedAmong(connections)).to.deep.equal([0, 1])
  })

  it('keeps the connection of a peer that streams are opened on, though another is newer and busier', async () => {
    const world = new TrimWorld({ lowWater: 1 })
    const remotePeer = stubPeerId()
    const [chosen] = await world.openSettled(1, { remotePeer })
    const [busy] = await world.openSettled(1, { remotePeer, streams: 3 })
    const [relayed] = await world.openSettled(1, { remotePeer, direct: false })
    chosen.rtt = 5
    busy.rtt = 200
    relayed.rtt = 5
    expect(world.selected(chosen)).to.equal(chosen)
    await world.trimmer.trim()

    expect(closedAmong([chosen, busy, relayed])).to.deep.equal([1, 2])
  })

  it('keeps the best connection of a peer, whatever else the peer is worth', async () => {
    const world = new TrimWorld({ lowWater: 2 })
    const remotePeer = stubPeerId()
    world.standing.tag(remotePeer, 'a', 100)
    const [relayed] = await world.openSettled(1, { remotePeer, limits: {}, direct: false, streams: 5 })
    const [direct] = await world.openSettled(1, { remotePeer })
    const [other] = await world.openSettled(1)
    await world.trimmer.trim()

    expect(relayed.status).to.equal('closed')
    expect(direct.status).to.equal('open')
    expect(other.status).to.equal('open')
  })

  it('leaves a duplicate that was just opened alone', async () => {
    const world = new TrimWorld({ lowWater: 1 })
    const remotePeer = stubPeerId()
    await world.openSettled(1, { remotePeer })
    const duplicate = world.open({ remotePeer, streams: 0 })
    const result = await world.trimmer.trim()

    expect(result.kept.inGrace).to.equal(1)
    expect(duplicate.status).to.equal('open')
  })

  it('counts the grace period of a peer from its first connection', async () => {
    const world = new TrimWorld({ lowWater: 0 })
    const remotePeer = stubPeerId()
    const [first] = await world.openSettled(1, { remotePeer })
    world.open({ remotePeer })
    first.remoteClose()
    const result = await world.trimmer.trim()

    expect(result.closed).to.have.lengthOf(1)
  })

  it('knows peers that have a grace period of their own, except in an emergency', async () => {
    const remotePeer = stubPeerId()
    const world = new TrimWorld({ lowWater: 0, gracePeriod: 0, gracePeriodOf: ({ peerId }) => peerId === remotePeer ? 5_000 : undefined })
    const newcomer = world.open({ remotePeer })
    const other = world.open()
    await world.clock.advance(4_999)
    await world.trimmer.trim()
    expect([newcomer, other].map(({ status }) => status)).to.deep.equal(['open', 'closed'])

    await world.trimmer.trim({ emergency: true })
    expect(newcomer.status).to.equal('closed')
  })

  it('closes what is spared after the others of equal value, but does', async () => {
    const world = new TrimWorld({ lowWater: 3, highWater: 100 })
    const connections = await world.openSettled(6)
    world.standing.tag(connections[5].remotePeer, 'a', 1)
    world.spared = new Set([connections[3], connections[4], connections[5]])
    await world.trimmer.trim()
    expect(closedAmong(connections)).to.deep.equal([0, 1, 2])

    world.trimmer.lowWater = 1
    await world.trimmer.trim()
    expect(closedAmong(connections)).to.deep.equal([0, 1, 2, 3, 4])
  })

  it('closes the least valuable first', async () => {
    const world = new TrimWorld({ lowWater: 2, highWater: 3 })
    const connections = await world.openSettled(5)
    ;[3, -1, 5, 0, 4].forEach((value, i) => { world.standing.tag(connections[i].remotePeer, 'test', value) })
    const result = await world.trimmer.trim()

    expect(result.closed.map(({ connection }) => connection)).to.deep.equal([connections[1], connections[3], connections[0]])
    expect(result.closed[0]).to.deep.include({ peerId: connections[1].remotePeer, value: -1, duplicate: false, streams: 0, direction: 'inbound', age: 60_000 })
  })

  it('closes busy ones after idle ones, but does', async () => {
    const world = new TrimWorld({ lowWater: 1 })
    const [busy] = await world.openSettled(1, { streams: 1 })
    const [idle] = await world.openSettled(1)
    await world.trimmer.trim()

    expect(busy.status).to.equal('open')
    expect(idle.status).to.equal('closed')

    world.trimmer.lowWater = 0
    await world.trimmer.trim()

    expect(busy.status).to.equal('closed')
  })

  it('closes what a naive sort would, and nothing that must not be closed', async () => {
    const peer = fc.record({
      value: fc.integer({ min: -2, max: 2 }),
      isProtected: fc.boolean(),
      isNew: fc.boolean(),
      isAllowListed: fc.boolean(),
      streams: fc.nat(2),
      direction: fc.constantFrom('inbound' as const, 'outbound' as const)
    })

    await fc.assert(fc.asyncProperty(fc.array(peer, { maxLength: 30 }), fc.nat(30), async (peers, lowWater) => {
      const world = new TrimWorld({ lowWater })
      const settled = await world.openSettled(1)
      const connections: StubConnection[] = []

      for (const isNew of [false, true]) {
        for (const { value, isProtected, isAllowListed, streams, direction } of peers.filter(peer => peer.isNew === isNew)) {
          const connection = world.open({ streams, direction })
          world.standing.tag(connection.remotePeer, 'test', value)
          connections.push(connection)

          if (isProtected) {
            world.standing.protect(connection.remotePeer, 'test')
          }

          if (isAllowListed) {
            world.allowed.add(connection)
          }
        }

        await world.clock.advance(isNew ? 0 : 60_000)
      }

      const ordered = [...peers.filter(peer => !peer.isNew), ...peers.filter(peer => peer.isNew)]
      const expendable = ordered.flatMap((peer, i) => peer.isProtected || peer.isNew || peer.isAllowListed ? [] : [i])
      const records = [...expendable.map(i => ({ ...ordered[i], id: `${connections[i].remotePeer}/${connections[i].id}`, duplicate: false, openedAt: 60_000, connection: connections[i] })),
        { id: '', value: 0, streams: 0, direction: 'inbound' as const, duplicate: false, openedAt: 0, connection: settled[0] }]
      const inGrace = ordered.filter(peer => peer.isNew && !peer.isProtected).length
      const n = Math.max(0, connections.length + 1 - lowWater - inGrace)
      const expected = records.sort((a, b) => compareVictims(a, b)).slice(0, n).map(({ connection }) => connection)

      const result = await world.trimmer.trim()

      expect(result.closed.map(({ connection }) => connection)).to.deep.equal(expected)
    }), { numRuns: 100 })
  })

  describe('the choice of the user', () => {
    it('replaces ours, among those that may be closed', async () => {
      let candidates: readonly TrimCandidate[] = []
      const world = new TrimWorld({
        lowWater: 1,
        selectVictims: (given, n) => {
          candidates = given
          expect(n).to.equal(4)

          return given.filter(({ direction }) => direction === 'outbound')
        }
      })
      const inbound = await world.openSettled(2)
      const outbound = await world.openSettled(2, { direction: 'outbound' })
      const [kept] = await world.openSettled(1)
      world.standing.protect(kept.remotePeer, 'test')
      const result = await world.trimmer.trim()

      expect(candidates.map(({ connection }) => connection)).to.have.members([...inbound, ...outbound])
      expect(result.closed.map(({ connection }) => connection)).to.have.members(outbound)
      expect(result.complete).to.be.false()
    })

    it('is taken only as far as it was asked for', async () => {
      const world = new TrimWorld({ lowWater: 2, selectVictims: candidates => candidates })
      await world.openSettled(5)
      const result = await world.trimmer.trim()

      expect(result.closed).to.have.lengthOf(3)
      expect(world.table.size).to.equal(2)
    })

    it('counts what is returned twice once, and nothing that was not among the candidates', async () => {
      const stranger = { id: 'stranger' }
      // @ts-expect-error not what the type says
      const world = new TrimWorld({ lowWater: 2, selectVictims: ([a, b]) => [stranger, undefined, a, a, { ...b }, a] })
      await world.openSettled(5)
      const result = await world.trimmer.trim()

      expect(result.closed).to.have.lengthOf(1)
    })

    it('may take the list of candidates apart', async () => {
      const world = new TrimWorld({
        lowWater: 2,
        selectVictims: (candidates, n) => {
          // @ts-expect-error not what the type says
          const all: TrimCandidate[] = candidates

          return all.splice(0, n)
        }
      })
      await world.openSettled(5)
      const result = await world.trimmer.trim()

      expect(result.closed).to.have.lengthOf(3)
    })

    it('may be an endless list', async () => {
      const world = new TrimWorld({
        lowWater: 2,
        selectVictims: function * (candidates) {
          for (;;) {
            yield * candidates
          }
        }
      })
      await world.openSettled(5)

      expect(await world.trimmer.trim()).to.have.property('closed').with.lengthOf(3)
    })

    const useless: Record<string, () => never> = {
      throws: () => { throw new Error('Urk!') },
      // @ts-expect-error not what the type says
      'returns nothing': () => undefined,
      // @ts-expect-error not what the type says
      'returns a number': () => 5
    }

    for (const [what, selectVictims] of Object.entries(useless)) {
      it(`closes nothing when it ${what}, and the next trim goes on`, async () => {
        const world = new TrimWorld({ lowWater: 2, selectVictims })
        await world.openSettled(5)

        for (let i = 0; i < 2; i++) {
          expect(await world.trimmer.trim()).to.deep.include({ closed: [], wanted: 3, complete: false })
        }
      })
    }

    it('is not asked when nothing is to be closed', async () => {
      const world = new TrimWorld({ lowWater: 2, selectVictims: () => { throw new Error('Urk!') } })
      world.openMany(5)

      expect(await world.trimmer.trim()).to.have.property('wanted', 3)
    })

    it('of the value of a peer counts', async () => {
      const values = new Map<string, number>()
      const world = new TrimWorld({ lowWater: 1, valueOf: peerId => values.get(peerId.toString()) })
      const connections = await world.openSettled(2)
      values.set(connections[0].remotePeer.toString(), 1)
      values.set(connections[1].remotePeer.toString(), 2)
      await world.trimmer.trim()

      expect(closedAmong(connections)).to.deep.equal([0])
    })
  })
})
