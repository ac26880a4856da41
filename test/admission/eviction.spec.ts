import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { chooseEviction } from '../../src/admission/index.ts'
import { keyedHash } from '../../src/admission/keyed-hash.ts'
import { evictionCandidate, evictionCandidates } from './eviction-candidates.ts'
import { naiveEviction } from './naive-eviction.ts'
import type { EvictionCandidate, HashKey } from '../../src/admission/index.ts'

const KEY: HashKey = [0x01234567, 0x89abcdef]

// what is protected before half of the rest is: 4 by group, 8 by round trip time, 4
// by use, 4 by value
const PROTECTED = 20

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
  it('chooses nobody among so few that all are protected', () => {
    expect(chosen([])).to.be.undefined()
    expect(chosen(evictionCandidates(PROTECTED))).to.be.undefined()
    expect(chosen(evictionCandidates(PROTECTED + 1))).to.not.be.undefined()
  })

  it('chooses from the group that has most', () => {
    const list = evictionCandidates(100, id => id >= 80 && id < 90 ? { group: 'attacker' } : {})

    expect(Number(chosen(list)), 'the youngest of them').to.equal(89)
  })

  it('counts those of a group that are protected as well', () => {
    // 60 are protected, the oldest: those of `attacker` have one place more, all but one of them there
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
    const list = evictionCandidates(200, id => {
      // the youngest ones, which nothing else protects
      switch (true) {
        case id >= 192: return { group: 'one', rtt: 10 + id }
        case id >= 188: return { group: 'one', lastUseful: id }
        case id >= 184: return { group: 'one', value: id }
        default: return { group: 'one', rtt: 1_000, lastUseful: 1, value: 1 }
      }
    })

    expect(sequence(list).filter(id => Number(id) >= 184)).to.be.empty()
    expect(chosen(list)).to.equal('183')
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
    const list = evictionCandidates(60, id => ({ rtt: id, lastUseful: 60 - id, value: 60 - id }))
    const byHash = [...list].sort((a, b) => keyedHash(KEY, b.group) - keyedHash(KEY, a.group)).slice(0, 4).map(({ id }) => id)
    const evicted = sequence(list)

    expect(byHash.filter(id => evicted.includes(id))).to.be.empty()
    expect(sequence(list)).to.not.deep.equal(sequence(list, [1, 2]))
  })

  it('protects half of the rest by how long they are connected', () => {
    // all in one group, so that the choice is by age alone
    const list = evictionCandidates(PROTECTED + 100, () => ({ group: 'one' }))
    const victim = Number(chosen(list))

    expect(victim).to.equal(PROTECTED + 99)

    // what the 20 places of the other rules protect are the oldest, too
    const discouraged = (first: number): EvictionCandidate[] => list.map(candidate => ({ ...candidate, isDiscouraged: Number(candidate.id) === first }))
    expect(Number(chosen(discouraged(PROTECTED + 49))), 'protected by its age').to.equal(PROTECTED + 99)
    expect(Number(chosen(discouraged(PROTECTED + 50))), 'the first that is not').to.equal(PROTECTED + 50)
  })

  it('gives up to half of these places to transports that few have', () => {
    // 100 are left for this rule: 25 places are for minorities, and 25 for all
    const webrtc = (count: number) => (id: number): Partial<EvictionCandidate> => ({ group: 'one', transport: id >= PROTECTED + 100 - count ? 'webrtc' : 'tcp' })
    const isProtected = (list: EvictionCandidate[], id: number): boolean => chosen(list.map(candidate => ({ ...candidate, isDiscouraged: candidate.id === String(id) }))) !== String(id)

    const few = evictionCandidates(PROTECTED + 100, webrtc(10))
    expect(isProtected(few, PROTECTED + 99), 'the youngest of a minority').to.be.true()
    expect(isProtected(few, PROTECTED + 39), 'what the minority does not use goes to all').to.be.true()
    expect(isProtected(few, PROTECTED + 40)).to.be.false()

    const many = evictionCandidates(PROTECTED + 100, webrtc(30))
    expect(isProtected(many, PROTECTED + 70 + 24), 'the 25th of a minority').to.be.true()
    expect(isProtected(many, PROTECTED + 70 + 25)).to.be.false()
  })

  it('shares these places out among several of them, the smallest first', () => {
    // 100 are left: 25 places for 10 by relay and 40 by WebTransport
    const list = evictionCandidates(PROTECTED + 100, id => {
      const transport = id >= PROTECTED + 90 ? 'circuit' : 'webtransport'

      return { group: 'one', transport: id >= PROTECTED + 50 ? transport : 'tcp' }
    })
    const isProtected = (id: number): boolean => chosen(list.map(candidate => ({ ...candidate, isDiscouraged: candidate.id === String(id) }))) !== String(id)

    expect([90, 99].map(i => isProtected(PROTECTED + i)), 'all by relay').to.deep.equal([true, true])
    expect([50, 64, 65].map(i => isProtected(PROTECTED + i)), '15 by WebTransport').to.deep.equal([true, true, false])
  })

  it('gives the place that cannot be shared out to the smallest', () => {
    // 100 are left: 25 places for 20 by relay and 30 by WebTransport
    const list = evictionCandidates(PROTECTED + 100, id => {
      const transport = id >= PROTECTED + 80 ? 'circuit' : 'webtransport'

      return { group: 'one', transport: id >= PROTECTED + 50 ? transport : 'tcp' }
    })
    const isProtected = (id: number): boolean => chosen(list.map(candidate => ({ ...candidate, isDiscouraged: candidate.id === String(id) }))) !== String(id)

    expect([92, 93].map(i => isProtected(PROTECTED + i)), '13 by relay').to.deep.equal([true, false])
    expect([61, 62].map(i => isProtected(PROTECTED + i)), '12 by WebTransport').to.deep.equal([true, false])
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

  it('chooses one if there are more than are protected, else none, whatever they are like', () => {
    fc.assert(fc.property(anyList, list => {
      const victim = chooseEviction(list, KEY)

      expect(victim == null).to.equal(list.length <= PROTECTED)
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

  it('never chooses who is best in something, if nobody is as good', () => {
    fc.assert(fc.property(anyList, fc.nat(), (list, seed) => {
      const index = list.length === 0 ? 0 : seed % list.length

      for (const best of [{ rtt: -1 }, { lastUseful: 100 }, { value: 1e9 }]) {
        const improved = list.map((candidate, i) => i === index ? { ...candidate, ...best } : { ...candidate, rtt: 5, value: 0 })

        expect(chosen(improved)).to.not.equal(String(index))
      }
    }), { numRuns: 300 })
  })
})
