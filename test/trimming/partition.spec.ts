import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { partition } from '../../src/trimming/partition.ts'
import { Adversary } from './adversary.ts'

const ascending = (a: number, b: number): number => a - b

describe('trimming/partition', () => {
  it('puts the smallest first, and the largest of these last among them', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 80 }), fc.nat(79), (items, index) => {
      const n = Math.min(items.length, index + 1)
      const partitioned = [...items]
      const sorted = [...items].sort(ascending)
      partition(partitioned, n, ascending)

      expect(partitioned[n - 1]).to.equal(sorted[n - 1])
      expect(partitioned.slice(0, n).sort(ascending)).to.deep.equal(sorted.slice(0, n))
      expect(partitioned.slice(n).sort(ascending)).to.deep.equal(sorted.slice(n))
    }), { numRuns: 300 })
  })

  it('costs no more than a few sorts when every pivot is the worst', () => {
    const adversary = new Adversary()
    const items = Array.from({ length: 4_000 }, (_, i) => i)
    partition(items, 2_000, adversary.compare)

    expect(adversary.comparisons / items.length).to.be.below(80)

    const values = items.map(item => adversary.worthOf(item))
    expect(Math.max(...values.slice(0, 2_000))).to.be.below(Math.min(...values.slice(2_000)))
  })

  const COUNT = 10_001
  const orders: Record<string, (i: number) => number> = {
    shuffled: i => (i * 7_919) % COUNT,
    descending: i => -i,
    'of two values': i => i % 2,
    'all alike': () => 0
  }

  function comparisonsPerItem (valueOf: (i: number) => number, n: number): number {
    let comparisons = 0
    partition(Array.from({ length: COUNT }, (_, i) => valueOf(i)), n, (a, b) => { comparisons++; return a - b })

    return comparisons / COUNT
  }

  for (const [name, valueOf] of Object.entries(orders)) {
    it(`costs a few comparisons per item, a fraction of a sort, for items ${name}`, () => {
      for (const n of [1, 500, 5_001, COUNT]) {
        expect(comparisonsPerItem(valueOf, n)).to.be.below(6)
      }
    })
  }

  it('ends when the pivot turns out to be the one', () => {
    expect(comparisonsPerItem(() => 0, 5_001)).to.be.below(1.1)
  })

  it('has nothing to compare in a list of one', () => {
    const items = ['a']
    partition(items, 1, () => { throw new Error('Urk!') })

    expect(items).to.deep.equal(['a'])
  })
})
