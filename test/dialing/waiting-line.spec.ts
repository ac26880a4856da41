import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { WaitingLine } from '../../src/dialing/waiting-line.ts'
import type { Place } from '../../src/dialing/waiting-line.ts'

describe('dialing/waiting-line', () => {
  it('is first come first served within a priority, higher priorities first', () => {
    const line = new WaitingLine<string>()
    line.join('a', 50, 0)
    line.join('b', 75, 1)
    line.join('c', 50, 2)
    line.join('d', 75, 3)

    expect(line.toArray()).to.deep.equal(['b', 'd', 'a', 'c'])
    expect([line.shift(), line.shift(), line.shift(), line.shift(), line.shift()]).to.deep.equal(['b', 'd', 'a', 'c', undefined])
  })

  it('can be left from any place, and twice', () => {
    const line = new WaitingLine<string>()
    const places = ['a', 'b', 'c'].map((item, order) => line.join(item, 0, order))

    line.leave(places[1])
    line.leave(places[1])
    expect(line.toArray()).to.deep.equal(['a', 'c'])

    expect(line.shift()).to.equal('a')
    line.leave(places[0])
    expect(line.size).to.equal(1)
    expect(line.peek()).to.equal('c')
  })

  const byTurn = (a: Place<number>, b: Place<number>): number => b.priority - a.priority || a.order - b.order

  it('agrees with a sorted array over any sequence of joining, leaving and taking', () => {
    fc.assert(fc.property(fc.array(fc.record({
      action: fc.constantFrom('join', 'join', 'leave', 'shift'),
      priority: fc.integer({ min: 0, max: 3 }),
      pick: fc.nat()
    }), { maxLength: 60 }), steps => {
      const line = new WaitingLine<number>()
      const model: Array<Place<number>> = []

      steps.forEach(({ action, priority, pick }, order) => {
        model.sort(byTurn)

        if (action === 'join') {
          model.push(line.join(order, priority, order))
        } else if (action === 'shift') {
          expect(line.shift()).to.equal(model.shift()?.item)
        } else if (model.length > 0) {
          const [place] = model.splice(pick % model.length, 1)
          line.leave(place)
        }
      })

      model.sort(byTurn)
      expect(line.toArray()).to.deep.equal(model.map(({ item }) => item))
    }))
  })
})
