import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { overShare } from '../../src/resources/index.ts'
import { FairSelection } from '../../src/trimming/fair-selection.ts'
import type { RealmUsage } from '../../src/resources/index.ts'
import type { TrimRecord } from '../../src/trimming/index.ts'

interface Candidate extends TrimRecord {
  realm: string | undefined
}

function candidatesOf (usages: readonly RealmUsage[]): Candidate[] {
  return usages.flatMap(({ realm, connections }) => Array.from({ length: connections }, (_, i) => ({
    id: `${realm}/${i}`, realm, value: i, duplicate: false, streams: 0, direction: 'inbound' as const, openedAt: 0
  })))
}

function choose (usages: readonly RealmUsage[], n: number, candidates = candidatesOf(usages)): Map<string | undefined, number> {
  const total = usages.reduce((sum, { connections }) => sum + connections, 0)
  const selection = new FairSelection<Candidate>(n, {
    spare: name => {
      const usage = usages.find(({ realm }) => realm === name)

      return usage == null ? 0 : Math.max(0, usage.connections - (usage.reserved ?? 0))
    },
    over: left => overShare(usages, left)
  })

  for (const candidate of candidates) {
    selection.add(candidate, candidate.realm)
  }

  const counts = new Map<string | undefined, number>()

  for (const { realm } of selection.victims(n, total - n)) {
    counts.set(realm, (counts.get(realm) ?? 0) + 1)
  }

  return counts
}

describe('trimming/fair-selection', () => {
  it('makes the realm pay that has more than its share', () => {
    const counts = choose([{ realm: 'small', connections: 4 }, { realm: 'large', connections: 20 }], 10)

    expect([...counts]).to.deep.equal([['large', 10]])
  })

  it('lets realms of equal size pay alike', () => {
    const counts = choose([{ realm: 'a', connections: 10 }, { realm: 'b', connections: 10 }], 10)

    expect(counts.get('a')).to.equal(5)
    expect(counts.get('b')).to.equal(5)
  })

  it('leaves a realm what is reserved for it', () => {
    const counts = choose([{ realm: 'reserve', connections: 10, reserved: 10 }, { realm: undefined, connections: 10 }], 15)

    expect(counts.get('reserve')).to.be.undefined()
    expect(counts.get(undefined)).to.equal(10)
  })

  it('lets others pay where those that should have no candidates', () => {
    const usages = [{ realm: 'protected', connections: 20 }, { realm: 'other', connections: 5 }]
    const counts = choose(usages, 3, candidatesOf(usages).filter(({ realm }) => realm === 'other'))

    expect([...counts]).to.deep.equal([['other', 3]])
  })

  describe('in which order', () => {
    const record = (realm: string, value: number, streams = 0): Candidate => ({ id: `${realm}/${value}/${streams}`, realm, value, duplicate: false, streams, direction: 'inbound', openedAt: 0 })

    /**
     * Who has to go, first to last, if realms are over their share by so many
     */
    function order (over: Record<string, number>, candidates: Candidate[], n: number, emergency = false): string[] {
      const selection = new FairSelection<Candidate>(n, {
        spare: () => Infinity,
        over: () => Object.entries(over).map(([realm, count]) => ({ realm, over: count }))
      }, { emergency })
      candidates.forEach(candidate => { selection.add(candidate, candidate.realm) })

      return selection.victims(n, candidates.length - n).map(({ id }) => id)
    }

    it('the realm that is most over its share comes first, each with its least valuable ones', () => {
      const candidates = [record('b', 2), record('b', 1), record('a', 9), record('a', 7), record('a', 8)]

      expect(order({ a: 2, b: 1 }, candidates, 3)).to.deep.equal(['a/7/0', 'a/8/0', 'b/1/0'])
    })

    it('then the least valuable ones of all', () => {
      const candidates = [record('b', 4), record('b', 3), record('a', 9), record('a', 1), record('c', 2)]

      expect(order({ a: 1 }, candidates, 3)).to.deep.equal(['a/1/0', 'c/2/0', 'b/3/0'])
    })

    it('no more than are needed, though more are over their share', () => {
      expect(order({ a: 2, b: 2 }, [record('b', 1), record('b', 2), record('a', 3), record('a', 4)], 3)).to.deep.equal(['a/3/0', 'a/4/0', 'b/1/0'])
    })

    it('in an emergency those with many streams, in each realm and of all', () => {
      const candidates = ['a', 'b', 'c'].flatMap(realm => [1, 2, 3].map(streams => record(realm, 0, streams)))

      expect(order({ a: 1 }, candidates, 3, true)).to.deep.equal(['a/0/3', 'b/0/3', 'c/0/3'])
      expect(order({ a: 1 }, candidates, 3, false)).to.deep.equal(['a/0/1', 'b/0/1', 'c/0/1'])
    })
  })

  it('closes as many as it should, none twice, and no reserve', () => {
    fc.assert(fc.property(
      fc.array(fc.record({ connections: fc.nat(30), reserved: fc.nat(10) }), { minLength: 1, maxLength: 6 }),
      fc.nat(100),
      (realms, wanted) => {
        const usages = realms.map((usage, i) => ({ realm: `realm-${i}`, ...usage }))
        const spare = usages.reduce((sum, { connections, reserved }) => sum + Math.max(0, connections - reserved), 0)
        const total = usages.reduce((sum, { connections }) => sum + connections, 0)
        const n = Math.min(wanted, total)
        const counts = choose(usages, n)
        const closed = [...counts.values()].reduce((sum, count) => sum + count, 0)

        expect(closed).to.equal(Math.min(n, spare))

        for (const { realm, connections, reserved } of usages) {
          expect(connections - (counts.get(realm) ?? 0)).to.be.at.least(Math.min(connections, reserved))
        }
      }
    ))
  })
})
