import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { chooseEviction } from '../../src/admission/index.ts'
import { keyedHash } from '../../src/admission/keyed-hash.ts'
import { evictionCandidate, evictionCandidates } from './eviction-candidates.ts'
import { naiveEviction } from './naive-eviction.ts'
import type { EvictionCandidate, HashKey } from '../../src/admission/index.ts'

const KEY: HashKey = [0x01234567, 0x89abcdef]

function chosen (list: EvictionCandidate[]): string | undefined {
  return chooseEviction(list, KEY)?.id
}

/**
 * The candidates in the order in which they would be evicted if no newcomer came
 */
function sequence (list: EvictionCandidate[], key = KEY): string[] {
  const ids: string[] = []

  for (let victim = chooseEviction(list, key); victim != null; victim = chooseEviction(list, key)) {
    ids.push(victim.id)
    list = list.filter(candidate => candidate !== victim)
  }

  return ids
}

describe('admission/eviction', () => {
  it('chooses somebody however few or many there are, and nobody only where there is nobody', () => {
    expect(chosen([])).to.be.undefined()

    for (const count of [1, 2, 5, 20, 63, 64, 300, 5_000]) {
      const alike = evictionCandidates(count, () => ({ group: 'one' }))
      const good = evictionCandidates(count, id => ({ rtt: id, lastUseful: id + 1, value: id + 1, transport: id % 2 === 0 ? 'webrtc' : 'tcp' }))

      expect(chosen(alike), `${count} of one network`).to.equal(String(count - 1))
      expect(chosen(good), `${count} that all have something`).to.not.be.undefined()
    }
  })

  it('protects up to half of a few candidates by what they are worth', () => {
    for (const [count, places] of [[2, 1], [5, 2], [8, 4], [20, 4], [63, 4]]) {
      // the youngest of one network, which nothing else protects
      const isKept = (worthy: number): boolean => evictionCandidates(count).slice(count - worthy).every((_, i) => {
        const id = count - worthy + i

        return chosen(evictionCandidates(count, other => ({ group: 'one', value: other >= count - worthy ? 10 : 0, isDiscouraged: other === id }))) !== String(id)
      })

      expect([isKept(places), isKept(count)], `of ${count}`).to.deep.equal([true, false])
    }
  })

  it('protects one of a network in each way, so that one network cannot have all these places', () => {
    // of 128: 4 by round trip time, 2 by use, 8 by value, the rest by age or not at all
    const list = evictionCandidates(128, id => {
      switch (true) {
        case id >= 120: return { group: 'attacker', rtt: 1, lastUseful: 1_000 + id }
        case id >= 110: return { rtt: 50 + id, lastUseful: id }
        default: return {}
      }
    })
    const isProtected = (id: number): boolean => chosen(list.map(candidate => ({ ...candidate, isDiscouraged: candidate.id === String(id) }))) !== String(id)

    expect(evictionCandidates(8).map((_, i) => 120 + i).filter(isProtected), 'the oldest of the nearest, the last of the useful').to.deep.equal([120, 127])
    expect([110, 111, 112, 113].map(isProtected), 'three that are near, and one that was useful').to.deep.equal([true, true, true, false])
    expect(isProtected(119)).to.be.true()
  })

  it('chooses from the group that has most', () => {
    const list = evictionCandidates(100, id => id >= 80 && id < 90 ? { group: 'attacker' } : {})

    expect(Number(chosen(list)), 'the youngest of them').to.equal(89)
  })

  it('counts those of a group that are protected as well', () => {
    // half are protected by their age: those of `attacker` have one place more, all but one of them there
    const list = evictionCandidates(100, id => {
      switch (true) {
        case id < 5 || id === 70: return { group: 'attacker' }
        case id >= 80 && id < 85: return { group: 'honest' }
        default: return {}
      }
    })

    expect(chosen(list)).to.equal('70')
  })

  it('of several groups of the same size takes the one with the lowest hash, and of that the youngest', () => {
    const [low, high] = ['a', 'b'].sort((a, b) => keyedHash(KEY, a) - keyedHash(KEY, b))

    expect(chosen(evictionCandidates(100, id => ({ group: id % 2 === 0 ? low : high })))).to.equal('98')
    expect(chosen(evictionCandidates(100, id => ({ group: id % 2 === 0 ? high : low })))).to.equal('99')
  })

  it('of several groups of the same size and with the same hash takes the first by name', () => {
    const [first, second] = ['n37726', 'n91707']
    expect(keyedHash(KEY, first)).to.equal(keyedHash(KEY, second))

    // whichever is among the candidates first
    expect(chosen(evictionCandidates(100, id => ({ group: id % 2 === 0 ? first : second })))).to.equal('98')
    expect(chosen(evictionCandidates(100, id => ({ group: id % 2 === 0 ? second : first })))).to.equal('99')
  })

  it('a newcomer does not have to go because others come after it, from networks that many come from', () => {
    const hashOf = (name: string): number => keyedHash(KEY, name)
    const names = Array.from({ length: 400 }, (_, i) => `network ${i}`).sort((a, b) => hashOf(b) - hashOf(a))
    // not among the four that are protected by the hash of their group
    const newcomer = evictionCandidate(1_000, { group: names[10] })
    let list = evictionCandidates(100, id => ({ group: names[id < 10 ? id : 100 + id] })).concat(newcomer)

    for (let id = 2_000; id < 2_200; id++) {
      // whoever comes is none of the candidates yet
      const victim = chooseEviction(list, KEY)
      list = list.filter(candidate => candidate !== victim).concat(evictionCandidate(id, { group: names[200 + id % 200] }))
    }

    expect(list).to.include(newcomer)
  })

  it('protects those that are nearest, most useful and worth most', () => {
    // of 192: 6 by round trip time, 3 by use, 12 by value
    const list = evictionCandidates(192, id => {
      // the youngest ones, which nothing else protects
      switch (true) {
        case id >= 186: return { rtt: id }
        case id >= 183: return { lastUseful: id }
        case id >= 171: return { group: 'one', value: id }
        default: return { group: 'one', rtt: 1_000, lastUseful: 1, value: 1 }
      }
    })
    const discouraged = (id: number): EvictionCandidate[] => list.map(candidate => ({ ...candidate, isDiscouraged: candidate.id === String(id) }))

    expect(list.map((_, id) => id).filter(id => id > 160 && chosen(discouraged(id)) !== String(id))).to.deep.equal(list.map((_, id) => id).slice(171))
    expect(chosen(list)).to.equal('170')
  })

  it('protects nobody by what is no number', () => {
    for (const nothing of [{ rtt: NaN }, { lastUseful: NaN }, { value: NaN }]) {
      const list = evictionCandidates(100, id => ({ group: 'one', rtt: 5, ...(id === 99 ? nothing : {}) }))

      expect(chosen(list)).to.equal('99')
    }
  })

  it('protects who is connected for longer where all is unknown', () => {
    for (const nothing of [{ rtt: NaN }, { lastUseful: NaN }, { value: NaN }]) {
      const alike = evictionCandidates(100, () => ({ group: 'one' }))
      const unknown = evictionCandidates(100, () => ({ group: 'one', ...nothing }))

      expect(sequence(unknown)).to.deep.equal(sequence(alike))
    }
  })

  it('protects groups that can not be known without the key', () => {
    const list = evictionCandidates(256)
    const isProtected = (id: string): boolean => chosen(list.map(candidate => ({ ...candidate, isDiscouraged: candidate.id === id }))) !== id
    const byHash = [...list].sort((a, b) => keyedHash(KEY, b.group) - keyedHash(KEY, a.group)).slice(0, 4).map(({ id }) => id)

    expect(byHash.filter(id => !isProtected(id))).to.be.empty()
    expect(sequence(list)).to.not.deep.equal(sequence(list, [1, 2]))
  })

  it('protects half of the rest by how long they are connected', () => {
    // all in one group, and nothing else speaks for any of them; one is protected by its hash, the oldest
    const list = evictionCandidates(100, () => ({ group: 'one' }))
    const discouraged = (first: number): EvictionCandidate[] => list.map(candidate => ({ ...candidate, isDiscouraged: Number(candidate.id) === first }))

    expect(Number(chosen(list))).to.equal(99)
    expect(Number(chosen(discouraged(49))), 'protected by its age').to.equal(99)
    expect(Number(chosen(discouraged(50))), 'the first that is not').to.equal(50)
  })

  // of 101 one is protected by its hash, and 100 are left: 25 places are for minorities, and 25 for all
  const isProtected = (list: EvictionCandidate[], id: number): boolean => chosen(list.map(candidate => ({ ...candidate, isDiscouraged: candidate.id === String(id) }))) !== String(id)

  it('gives up to half of these places to transports that few have', () => {
    const webrtc = (count: number) => (id: number): Partial<EvictionCandidate> => ({ group: 'one', transport: id >= 101 - count ? 'webrtc' : 'tcp' })

    const few = evictionCandidates(101, webrtc(10))
    expect(isProtected(few, 100), 'the youngest of a minority').to.be.true()
    expect(isProtected(few, 40), 'what the minority does not use goes to all').to.be.true()
    expect(isProtected(few, 41)).to.be.false()

    const many = evictionCandidates(101, webrtc(30))
    expect(isProtected(many, 71 + 24), 'the 25th of a minority').to.be.true()
    expect(isProtected(many, 71 + 25)).to.be.false()
  })

  it('shares these places out among several of them, the smallest first', () => {
    // 25 places for 10 by relay and 40 by WebTransport
    const list = evictionCandidates(101, id => {
      const transport = id >= 91 ? 'circuit' : 'webtransport'

      return { group: 'one', transport: id >= 51 ? transport : 'tcp' }
    })

    expect([91, 100].map(id => isProtected(list, id)), 'all by relay').to.deep.equal([true, true])
    expect([51, 65, 66].map(id => isProtected(list, id)), '15 by WebTransport').to.deep.equal([true, true, false])
  })

  it('gives the place that cannot be shared out to the smallest', () => {
    // 25 places for 20 by relay and 30 by WebTransport
    const list = evictionCandidates(101, id => {
      const transport = id >= 81 ? 'circuit' : 'webtransport'

      return { group: 'one', transport: id >= 51 ? transport : 'tcp' }
    })

    expect([93, 94].map(id => isProtected(list, id)), '13 by relay').to.deep.equal([true, false])
    expect([62, 63].map(id => isProtected(list, id)), '12 by WebTransport').to.deep.equal([true, false])
  })

  it('takes the discouraged first, unless they are protected', () => {
    const list = evictionCandidates(100, id => ({ group: 'one', isDiscouraged: id === 80 || id === 85 }))
    expect(chosen(list)).to.equal('85')

    const near = evictionCandidates(100, id => id === 80 ? { group: 'one', isDiscouraged: true, rtt: 1 } : { group: 'one', rtt: 50 })
    expect(chosen(near)).to.equal('99')
  })

  it('a flood from one network does not push out those who were there', () => {
    const honest = evictionCandidates(50, id => ({ group: `${id}.0.0.0/16`, rtt: 50 + id, opened: id }))
    let list = honest

    // each newcomer replaces whoever is evicted for it
    for (let i = 50; i < 500; i++) {
      const victim = chooseEviction(list, KEY)
      list = list.filter(candidate => candidate !== victim).concat(evictionCandidate(i, { group: 'attacker', rtt: 10 }))
    }

    expect(list.filter(({ group }) => group !== 'attacker')).to.have.lengthOf.at.least(37)
  })

  const anyCandidate = fc.record({
    group: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    rtt: fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity), fc.integer({ min: 0, max: 5 })),
    lastUseful: fc.integer({ min: 0, max: 5 }),
    value: fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity), fc.integer({ min: -2, max: 2 })),
    opened: fc.integer({ min: 0, max: 5 }),
    transport: fc.constantFrom<EvictionCandidate['transport']>('tcp', 'ws', 'wss', 'webrtc', 'webrtc-direct', 'webtransport', 'circuit', 'quic-v1', 'memory', 'other'),
    isDiscouraged: fc.boolean()
  })
  const anyList = fc.array(anyCandidate, { maxLength: 120, size: 'max' }).map(list => list.map((fields, i): EvictionCandidate => ({ ...fields, id: String(i) })))

  it('chooses one wherever there is one, whatever they are like', () => {
    fc.assert(fc.property(anyList, list => {
      const victim = chooseEviction(list, KEY)

      expect(victim == null).to.equal(list.length === 0)
      expect(victim == null || list.includes(victim)).to.be.true()
    }), { numRuns: 500 })
  })

  it('chooses whom the rules say, whatever the candidates are like', () => {
    fc.assert(fc.property(anyList, list => {
      expect(chosen(list)).to.equal(naiveEviction(list, KEY)?.id)
    }), { numRuns: 200 })
  })

  it('does not depend on the order of the candidates, and leaves them as they are', () => {
    fc.assert(fc.property(anyList, fc.infiniteStream(fc.nat()), (list, random) => {
      const shuffled = list.map(candidate => ({ candidate, key: random.next().value ?? 0 })).sort((a, b) => a.key - b.key).map(({ candidate }) => candidate)
      const before = [...shuffled]

      expect(chosen(shuffled)).to.equal(chosen(list))
      expect(shuffled).to.deep.equal(before)
    }), { numRuns: 300 })
  })

  it('never chooses who is best in something, if nobody is as good and there are enough for a place', () => {
    fc.assert(fc.property(anyList, fc.nat(), (list, seed) => {
      const index = list.length === 0 ? 0 : seed % list.length

      for (const { best, least } of [{ best: { rtt: -1 }, least: 32 }, { best: { lastUseful: 100 }, least: 64 }, { best: { value: 1e9 }, least: 2 }]) {
        const improved = list.map((candidate, i) => i === index ? { ...candidate, ...best } : { ...candidate, rtt: 5, value: 0 })

        expect(list.length >= least && chosen(improved) === String(index)).to.be.false()
      }
    }), { numRuns: 300 })
  })
})
