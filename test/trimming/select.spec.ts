import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { compareVictims, selectVictims } from '../../src/trimming/index.ts'
import { VictimSelection } from '../../src/trimming/select.ts'
import type { TrimRecord } from '../../src/trimming/index.ts'

let records = 0

function record (fields: Partial<TrimRecord> = {}): TrimRecord {
  return { id: `record-${records++}`, value: 0, duplicate: false, streams: 0, direction: 'inbound', openedAt: 0, ...fields }
}

/**
 * With few different values, so that every criterion gets its turn
 */
const anyRecord = fc.record({
  value: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(-Infinity, Infinity)),
  duplicate: fc.boolean(),
  streams: fc.nat(2),
  direction: fc.constantFrom('inbound' as const, 'outbound' as const),
  openedAt: fc.nat(3),
  spared: fc.option(fc.boolean(), { nil: undefined })
})

const anyRecords = fc.array(anyRecord, { maxLength: 60 })
  .map(list => list.map((fields, i): TrimRecord => ({ id: `peer-${i}`, ...fields })))

/**
 * So many that most are worth more than what was kept when they come
 */
const manyRecords = fc.array(anyRecord, { minLength: 150, maxLength: 300, size: 'max' })
  .map(list => list.map((fields, i): TrimRecord => ({ id: `peer-${i}`, ...fields })))

const inTwoOrders = anyRecords.chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })))

function sortVictims (candidates: TrimRecord[], emergency: boolean): TrimRecord[] {
  return [...candidates].sort((a, b) => compareVictims(a, b, emergency))
}

/**
 * Counts how often records are compared
 */
class Counter {
  private reads = 0

  get comparisons (): number {
    // each comparison reads the field of both
    return this.reads / 2
  }

  record (id: string, value: number): TrimRecord {
    const onRead = (): void => { this.reads++ }

    return {
      ...record({ id, value }),
      get duplicate () {
        onRead()
        return false
      }
    }
  }
}

describe('trimming/select', () => {
  describe('compareVictims', () => {
    /**
     * Expects the records to be closed in the order in which they are given
     */
    function expectOrder (ordered: TrimRecord[], emergency = false): void {
      for (const [i, a] of ordered.entries()) {
        for (const [j, b] of ordered.entries()) {
          expect(Math.sign(compareVictims(a, b, emergency))).to.equal(Math.sign(i - j), `${i} and ${j}`)
        }
      }
    }

    it('closes duplicates, then the less valuable, the idle, inbound ones, and those with few streams', () => {
      expectOrder([
        record({ duplicate: true, value: 10, streams: 5, direction: 'outbound' }),
        record({ value: -1 }),
        record({ value: 0, streams: 0, direction: 'inbound' }),
        record({ value: 0, streams: 0, direction: 'outbound' }),
        record({ value: 0, streams: 1, direction: 'inbound' }),
        record({ value: 0, streams: 2, direction: 'inbound' }),
        record({ value: 0, streams: 1, direction: 'outbound' }),
        record({ value: 1 })
      ])
    })

    it('in an emergency closes those with many streams before those with few, but the idle first', () => {
      expectOrder([
        record({ streams: 0, direction: 'inbound' }),
        record({ streams: 0, direction: 'outbound' }),
        record({ streams: 3, direction: 'inbound' }),
        record({ streams: 2, direction: 'inbound' }),
        record({ streams: 1, direction: 'inbound' }),
        record({ streams: 5, direction: 'outbound' }),
        record({ streams: 4, direction: 'outbound' })
      ], true)
    })

    it('closes the newer of two that are alike otherwise', () => {
      expectOrder([record({ openedAt: 2 }), record({ openedAt: 1 })])
    })

    it('closes what is spared after others of equal value, unless the peer has a better one', () => {
      expectOrder([
        record({ duplicate: true, spared: true }),
        record({ value: -1, spared: true }),
        record({ value: 0, streams: 0 }),
        record({ value: 0, streams: 3, direction: 'outbound', spared: false }),
        record({ value: 0, streams: 0, spared: true }),
        record({ value: 0, streams: 1, spared: true }),
        record({ value: 1, streams: 0 })
      ])
    })

    it('leaves no two connections undecided', () => {
      expectOrder([record({ id: 'a' }), record({ id: 'b' })])
      expect(compareVictims(record({ id: 'a' }), record({ id: 'a' }))).to.equal(0)
    })

    it('compares infinite values', () => {
      expectOrder([record({ value: -Infinity }), record({ value: 0 }), record({ id: 'a', value: Infinity }), record({ id: 'b', value: Infinity })])
    })

    it('is an order', () => {
      fc.assert(fc.property(anyRecord, anyRecord, anyRecord, fc.boolean(), (x, y, z, emergency) => {
        const [a, b, c] = [{ id: 'a', ...x }, { id: 'b', ...y }, { id: 'c', ...z }]
        const ab = compareVictims(a, b, emergency)

        expect(Math.sign(ab)).to.equal(-Math.sign(compareVictims(b, a, emergency)))

        if (ab < 0 && compareVictims(b, c, emergency) < 0) {
          expect(compareVictims(a, c, emergency)).to.be.below(0)
        }
      }))
    })
  })

  describe('selectVictims', () => {
    it('returns what a sort would put first, in that order', () => {
      fc.assert(fc.property(anyRecords, fc.nat(70), fc.boolean(), (candidates, n, emergency) => {
        const sorted = sortVictims(candidates, emergency)

        expect(selectVictims(candidates, n, { emergency })).to.deep.equal(sorted.slice(0, n))
      }), { numRuns: 500 })
    })

    it('does so of many, most of which are not even gathered', () => {
      fc.assert(fc.property(manyRecords, fc.integer({ min: 1, max: 60 }), fc.boolean(), (candidates, n, emergency) => {
        const sorted = sortVictims(candidates, emergency)

        expect(selectVictims(candidates, n, { emergency })).to.deep.equal(sorted.slice(0, n))
      }))
    })

    it('is in no emergency if nobody says so', () => {
      const [few, many] = [record({ streams: 1 }), record({ streams: 2 })]

      expect(selectVictims([many, few], 1)).to.deep.equal([few])
      expect(compareVictims(few, many)).to.be.below(0)
    })

    it('returns the same for any order of the candidates', () => {
      fc.assert(fc.property(inTwoOrders, fc.nat(70), ([candidates, shuffled], n) => {
        expect(selectVictims(shuffled, n)).to.deep.equal(selectVictims(candidates, n))
      }))
    })

    it('returns no more than it is asked for, and no more than there are', () => {
      const candidates = [record(), record(), record()]

      expect(selectVictims(candidates, 0)).to.be.empty()
      expect(selectVictims(candidates, 2)).to.have.lengthOf(2)
      expect(selectVictims(candidates, 3)).to.have.lengthOf(3)
      expect(selectVictims(candidates, 4)).to.have.lengthOf(3)
      expect(selectVictims(candidates, Infinity)).to.have.lengthOf(3)
      expect(selectVictims([], 4)).to.be.empty()
    })

    it('returns nothing when asked for a number that makes no sense', () => {
      expect(selectVictims([record()], -1)).to.be.empty()
      expect(selectVictims([record()], NaN)).to.be.empty()
      expect(selectVictims([record(), record()], 1.5)).to.have.lengthOf(1)
    })

    it('does not change the list that it is given', () => {
      const candidates = [record({ value: 3 }), record({ value: 2 }), record({ value: 1 })]
      const copy = [...candidates]
      selectVictims(candidates, 1)

      expect(candidates).to.deep.equal(copy)
    })
  })

  describe('cost', () => {
    const COUNT = 20_000

    /**
     * How many comparisons it takes per candidate to select some
     */
    function comparisonsPerCandidate (values: number[], n: number): number {
      const counter = new Counter()
      const selection = new VictimSelection<TrimRecord>(n)

      for (const [i, value] of values.entries()) {
        selection.add(counter.record(`peer-${i}`, value))
      }

      selection.victims()

      return counter.comparisons / values.length
    }

    const orders: Record<string, (i: number) => number> = {
      ascending: i => i,
      descending: i => -i,
      'all alike': () => 0,
      'of two values': i => i % 2,
      'like an organ pipe': i => Math.min(i, COUNT - i),
      'like a saw': i => i % 100,
      alternating: i => i % 2 === 0 ? i : -i,
      shuffled: i => (i * 7_919) % COUNT
    }

    it('is one comparison for a candidate that is worth more than all that were kept', () => {
      const values = Array.from({ length: COUNT }, (_, i) => i)

      expect(comparisonsPerCandidate(values, 1)).to.be.below(1.1)
    })

    it('is nothing if none is wanted', () => {
      expect(comparisonsPerCandidate([3, 1, 2], 0)).to.equal(0)
    })

    for (const [name, valueOf] of Object.entries(orders)) {
      it(`is linear for values ${name}`, () => {
        const values = Array.from({ length: COUNT }, (_, i) => valueOf(i))

        // a sort of all takes 14 or more for most of these
        expect(comparisonsPerCandidate(values, COUNT / 10)).to.be.below(12)
        expect(comparisonsPerCandidate(values, 10)).to.be.below(8)
        expect(comparisonsPerCandidate(values, 1)).to.be.below(4)
      })
    }

    it('stays bounded for an order that is made for the pivots', () => {
      fc.assert(fc.property(fc.array(fc.nat(2_000), { minLength: 2_000, maxLength: 2_000 }), fc.integer({ min: 1, max: 2_000 }), (values, n) => {
        expect(comparisonsPerCandidate(values, n)).to.be.below(40)
      }), { numRuns: 20 })
    })
  })
})
