import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { BoundedLabels } from '../../src/metrics/bounded-labels.ts'

describe('metrics/bounded-labels', () => {
  it('tells figures as they are while there are few', () => {
    expect(new BoundedLabels(3).complete([['a', 1], ['b', 2]])).to.deep.equal({ a: 1, b: 2 })
  })

  it('tells of what is gone that there is nothing of it, as a registry would keep the last figure', () => {
    const labels = new BoundedLabels(3)
    labels.complete([['a', 1], ['b', 2]])

    expect(labels.complete([['b', 3]])).to.deep.equal({ a: 0, b: 3 })
  })

  it('adds up what there is no room for, beginning with the smallest', () => {
    const labels = new BoundedLabels(2)

    expect(labels.complete([['a', 1], ['b', 5], ['c', 3], ['d', 1]])).to.deep.equal({ b: 5, c: 3, other: 2 })
    expect(labels.complete([['a', 9], ['b', 1]])).to.deep.equal({ b: 1, c: 0, other: 9 })
    expect(labels.complete([['b', 1]])).to.deep.equal({ b: 1, c: 0, other: 0 })
  })

  it('knows names that are those of properties of objects', () => {
    const figures = new BoundedLabels(2).complete([['__proto__', 1], ['constructor', 2]])

    expect(Object.entries(figures)).to.deep.equal([['__proto__', 1], ['constructor', 2]])
  })

  it('loses nothing, and never has more labels than it may', () => {
    const rounds = fc.array(fc.uniqueArray(fc.tuple(fc.string({ maxLength: 3 }), fc.nat(100)), { selector: ([name]) => name, maxLength: 12 }), { maxLength: 8 })

    fc.assert(fc.property(rounds, fc.integer({ min: 0, max: 5 }), (rounds, max) => {
      const labels = new BoundedLabels(max)
      let before = 0

      for (const figures of rounds) {
        const told = Object.values(labels.complete(figures))

        expect(sum(told)).to.equal(sum(figures.map(([, figure]) => figure)))
        expect(told.length).to.be.within(before, max + 1)
        before = told.length
      }
    }))
  })
})

function sum (values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
