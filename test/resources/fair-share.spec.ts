import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { overShare } from '../../src/resources/index.ts'

describe('overShare', () => {
  it('finds nobody while there is enough', () => {
    expect(overShare([{ realm: 'a', connections: 60 }, { realm: undefined, connections: 40 }], 100)).to.deep.equal([])
  })

  it('leaves those who have little what they have', () => {
    expect(overShare([{ realm: 'a', connections: 30 }, { realm: undefined, connections: 300 }], 160)).to.deep.equal([
      { realm: undefined, share: 130, over: 170 }
    ])
  })

  it('makes those with the most pay first', () => {
    expect(overShare([{ realm: 'a', connections: 50 }, { realm: 'b', connections: 80 }, { realm: 'c', connections: 10 }], 90)).to.deep.equal([
      { realm: 'b', share: 40, over: 40 },
      { realm: 'a', share: 40, over: 10 }
    ])
  })

  it('leaves a realm its reserve', () => {
    expect(overShare([{ realm: 'a', connections: 50, reserved: 45 }, { realm: 'b', connections: 50 }], 60)).to.deep.equal([
      { realm: 'b', share: 15, over: 35 },
      { realm: 'a', share: 45, over: 5 }
    ])
  })

  it('asks for no more than is above the reserves', () => {
    expect(overShare([{ realm: 'a', connections: 10, reserved: 10 }, { realm: 'b', connections: 5, reserved: 2 }], 4)).to.deep.equal([
      { realm: 'b', share: 2, over: 3 }
    ])
  })

  it('gives what can not be divided to the one that pays most', () => {
    expect(overShare([{ realm: 'a', connections: 5 }, { realm: 'b', connections: 6 }], 7)).to.deep.equal([
      { realm: 'a', share: 3, over: 2 },
      { realm: 'b', share: 4, over: 2 }
    ])
  })

  it('is exact and fair whatever the realms have', () => {
    const usage = fc.record({ connections: fc.nat(200), reserved: fc.oneof(fc.constant(0), fc.nat(100)) })

    fc.assert(fc.property(fc.array(usage, { maxLength: 12 }), fc.nat(1000), (list, total) => {
      const usages = list.map((usage, index) => ({ realm: `${index}`, ...usage }))
      const over = overShare(usages, total)
      const paid = new Map(over.map(entry => [entry.realm, entry.over]))
      const left = usages.map(({ realm, connections }) => connections - (paid.get(realm) ?? 0))
      const sum = left.reduce((sum, count) => sum + count, 0)
      const used = usages.reduce((sum, { connections }) => sum + connections, 0)
      const unavoidable = usages.reduce((sum, { connections, reserved }) => sum + Math.min(connections, reserved), 0)

      const mostWithoutReserve = Math.max(0, ...left.filter((count, index) => count > usages[index].reserved))

      // exactly as much is taken as has to be
      expect(sum).to.equal(Math.max(Math.min(total, used), unavoidable))

      usages.forEach(({ connections, reserved, realm }, index) => {
        if (paid.has(realm)) {
          // nobody pays below his reserve, or to have less than others who could pay instead
          expect(left[index]).to.be.at.least(Math.min(connections, reserved))
          expect(mostWithoutReserve).to.be.at.most(left[index] + 1)
        }
      })

      expect(over.map(({ over }) => over)).to.deep.equal(over.map(({ over }) => over).sort((a, b) => b - a))
    }), { numRuns: 500 })
  })
})
