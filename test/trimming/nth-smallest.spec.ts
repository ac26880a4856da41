import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { nthSmallest } from '../../src/trimming/nth-smallest.ts'
import { partition } from '../../src/trimming/partition.ts'
import { Adversary } from './adversary.ts'

describe('trimming/nth-smallest', () => {
  const few = fc.integer({ min: -3, max: 3 })
  const numbers = fc.array(fc.oneof(few, fc.integer(), fc.constantFrom(-Infinity, Infinity)), { minLength: 1, maxLength: 80 })

  it('finds what a sort would put there', () => {
    fc.assert(fc.property(numbers, fc.nat(79), (values, index) => {
      const n = Math.min(values.length, index + 1)

      expect(nthSmallest([...values], n)).to.equal([...values].sort((a, b) => a - b)[n - 1])
    }), { numRuns: 500 })
  })

  const COUNT = 10_000

  /**
   * Finds one and expects it to be the right one. Returns how often it took a sort.
   */
  function countSorts (values: number[], n: number): number {
    const copy = [...values]
    let sorts = 0
    copy.sort = compare => {
      sorts++
      expect([10, -1, 9].sort(compare)).to.deep.equal([-1, 9, 10])

      return Array.prototype.sort.call(copy, compare)
    }
    expect(nthSmallest(copy, n)).to.equal([...values].sort((a, b) => a - b)[n - 1])

    return sorts
  }

  const orders: Record<string, (i: number) => number> = {
    shuffled: i => (i * 7_919) % COUNT,
    ascending: i => i,
    descending: i => -i,
    'of two values': i => i % 2,
    'all alike': () => 0
  }

  for (const [name, valueOf] of Object.entries(orders)) {
    it(`does without a sort for values ${name}`, () => {
      const values = Array.from({ length: COUNT }, (_, i) => valueOf(i))

      for (const n of [1, 500, 5_000, COUNT]) {
        expect(countSorts(values, n)).to.equal(0)
      }
    })
  }

  it('sorts once when every pivot is the worst', () => {
    const adversary = new Adversary()
    const items = Array.from({ length: COUNT }, (_, i) => i)
    // chooses the same pivots
    partition([...items], COUNT / 2, adversary.compare)

    expect(countSorts(items.map(item => adversary.worthOf(item)), COUNT / 2)).to.equal(1)
  })
})
