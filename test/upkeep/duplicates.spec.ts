import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { SIMULTANEOUS_WINDOW, findRedundantTwins } from '../../src/upkeep/duplicates.ts'
import type { TwinRecord } from '../../src/upkeep/duplicates.ts'

function twin (init: Partial<TwinRecord> = {}): TwinRecord {
  return { id: 'a', direction: 'outbound', limited: false, direct: true, forced: false, openedAt: 0, ...init }
}

/**
 * A connection as the other end sees it, a little later
 */
function mirror (record: TwinRecord): TwinRecord {
  return { ...record, direction: record.direction === 'inbound' ? 'outbound' : 'inbound', openedAt: record.openedAt + 40 }
}

describe('connections/duplicates', () => {
  const outbound = twin({ id: 'out', direction: 'outbound' })
  const inbound = twin({ id: 'in', direction: 'inbound', openedAt: 5 })

  it('of two connections that both ends have dialled, the one that the smaller id has dialled stays', () => {
    expect(findRedundantTwins([outbound, inbound], 'A', 'B')).to.deep.equal([inbound])
    expect(findRedundantTwins([outbound, inbound], 'B', 'A')).to.deep.equal([outbound])
  })

  it('are none that the same end has dialled', () => {
    expect(findRedundantTwins([outbound, twin({ id: 'out2' })], 'A', 'B')).to.be.empty()
    expect(findRedundantTwins([inbound, { ...inbound, id: 'in2' }], 'A', 'B')).to.be.empty()
  })

  it('are none that were dialled on purpose', () => {
    expect(findRedundantTwins([outbound, { ...inbound, forced: true }], 'A', 'B')).to.be.empty()
    expect(findRedundantTwins([{ ...outbound, forced: true }, inbound], 'A', 'B')).to.be.empty()
  })

  it('are none that differ in kind', () => {
    expect(findRedundantTwins([outbound, { ...inbound, limited: true }], 'A', 'B')).to.be.empty()
    expect(findRedundantTwins([outbound, { ...inbound, direct: false }], 'A', 'B')).to.be.empty()
  })

  it('are none that were dialled one after the other', () => {
    expect(findRedundantTwins([outbound, { ...inbound, openedAt: SIMULTANEOUS_WINDOW }], 'A', 'B')).to.deep.equal([{ ...inbound, openedAt: SIMULTANEOUS_WINDOW }])
    expect(findRedundantTwins([outbound, { ...inbound, openedAt: SIMULTANEOUS_WINDOW + 1 }], 'A', 'B')).to.be.empty()
  })

  it('leaves one in the end if several were dialled', () => {
    const redundant = findRedundantTwins([outbound, inbound, { ...inbound, id: 'in2' }], 'A', 'B')

    expect(redundant.map(({ id }) => id)).to.deep.equal(['in', 'in2'])
  })

  const records = fc.array(fc.record({
    direction: fc.constantFrom('inbound' as const, 'outbound' as const),
    limited: fc.boolean(),
    direct: fc.boolean(),
    forced: fc.boolean(),
    openedAt: fc.integer({ min: 0, max: 30_000 })
  }), { minLength: 1, maxLength: 6 }).map(records => records.map((record, index): TwinRecord => ({ ...record, id: `${index}` })))

  it('never are all of a kind', () => {
    fc.assert(fc.property(records, fc.boolean(), (records, smaller) => {
      const redundant = findRedundantTwins(records, smaller ? 'A' : 'B', smaller ? 'B' : 'A')

      for (const twin of redundant) {
        expect(twin.forced).to.be.false()
        expect(records.some(other => !redundant.includes(other) && other.limited === twin.limited && other.direct === twin.direct)).to.be.true()
      }
    }), { numRuns: 300 })
  })

  it('are the same at both ends', () => {
    fc.assert(fc.property(records, records => {
      const here = findRedundantTwins(records, 'A', 'B')
      const there = findRedundantTwins(records.map(mirror), 'B', 'A')

      expect(there.map(({ id }) => id)).to.deep.equal(here.map(({ id }) => id))
    }), { numRuns: 300 })
  })

  it('leave one connection of a kind, though one end does not know which was dialled on purpose, or sees other times', () => {
    fc.assert(fc.property(records, fc.array(fc.integer({ min: -15_000, max: 15_000 }), { minLength: 6, maxLength: 6 }), (records, delays) => {
      const here = findRedundantTwins(records, 'A', 'B').map(({ id }) => id)
      const there = findRedundantTwins(records.map((record, index) => ({
        ...mirror(record),
        forced: false,
        openedAt: record.openedAt + delays[index]
      })), 'B', 'A').map(({ id }) => id)

      for (const { id, limited, direct } of records) {
        if (here.includes(id) || there.includes(id)) {
          expect(records.some(other => other.limited === limited && other.direct === direct && !here.includes(other.id) && !there.includes(other.id))).to.be.true()
        }
      }
    }), { numRuns: 300 })
  })
})
