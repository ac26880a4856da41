import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { bounded, expire, fixed, linear, noDecay, overwrite, sum } from '../../src/trimming/index.ts'
import type { Decay } from '../../src/trimming/index.ts'

/**
 * The values after each of the first steps
 */
function course (decay: Decay, value: number, steps: number): number[] {
  return Array.from({ length: steps }, (_, i) => decay(value, { steps: i + 1, idle: (i + 1) * 60_000 }))
}

describe('trimming/decay', () => {
  describe('noDecay', () => {
    it('keeps the value', () => {
      expect(course(noDecay(), 25, 3)).to.deep.equal([25, 25, 25])
    })
  })

  describe('fixed', () => {
    it('takes the amount off in each step, down to nothing', () => {
      expect(course(fixed(10), 25, 4)).to.deep.equal([15, 5, 0, 0])
    })

    it('brings a penalty closer to nothing', () => {
      expect(course(fixed(10), -25, 2)).to.deep.equal([-15, -5])
      expect(course(fixed(10), -25, 4)[3]).to.be.closeTo(0, 0)
    })

    for (const amount of [0, -1, NaN, Infinity, '1']) {
      it(`refuses ${typeof amount} ${amount}`, () => {
        // @ts-expect-error not what the type says
        expect(() => fixed(amount)).to.throw('"decay.fixed" must be a positive number').with.property('name', 'InvalidParametersError')
      })
    }
  })

  describe('linear', () => {
    it('multiplies and rounds down in each step, down to nothing', () => {
      expect(course(linear(0.5), 5, 4)).to.deep.equal([2, 1, 0, 0])
      expect(course(linear(0.9), 100, 5)).to.deep.equal([90, 81, 72, 64, 57])
    })

    it('leaves nothing after one step with a factor of 0', () => {
      expect(course(linear(0), 1_000, 2)).to.deep.equal([0, 0])
    })

    it('rounds a penalty towards nothing', () => {
      expect(course(linear(0.5), -5, 2)).to.deep.equal([-2, -1])
    })

    it('gives the same for many steps at once as for one after the other', () => {
      fc.assert(fc.property(fc.double({ min: 0, max: 0.99, noNaN: true }), fc.integer({ min: -10_000, max: 10_000 }), fc.nat(40), fc.nat(40), (factor, value, a, b) => {
        const decay = linear(factor)
        const inTwo = decay(decay(value, { steps: a, idle: 0 }), { steps: b, idle: 0 })

        expect(decay(value, { steps: a + b, idle: 0 }) + 0).to.equal(inTwo + 0)
      }))
    })

    it('takes a bounded time after any number of steps, and never grows', () => {
      const decay = linear(1 - Number.EPSILON)
      const before = decay(1e15, { steps: 10_000, idle: 0 })

      expect(decay(1e15, { steps: 10_001, idle: 0 })).to.be.at.most(before)
      expect(decay(1e15, { steps: Number.MAX_SAFE_INTEGER, idle: 0 })).to.be.at.most(before)
    })

    for (const factor of [1, 1.5, -0.1, NaN, '0.5']) {
      it(`refuses ${typeof factor} ${factor}`, () => {
        // @ts-expect-error not what the type says
        expect(() => linear(factor)).to.throw('"decay.linear" must be a number from 0 to below 1').with.property('name', 'InvalidParametersError')
      })
    }
  })

  describe('expire', () => {
    it('keeps the value until the time is over', () => {
      const decay = expire(300_000)

      expect(decay(7, { steps: 4, idle: 299_999 })).to.equal(7)
      expect(decay(7, { steps: 5, idle: 300_000 })).to.equal(0)
    })

    it('expires at its time, not at the next full minute', () => {
      expect(expire(1_000).interval).to.equal(1_000)
    })

    for (const idle of [0, -1, NaN, Infinity, '1']) {
      it(`refuses ${typeof idle} ${idle}`, () => {
        // @ts-expect-error not what the type says
        expect(() => expire(idle)).to.throw('"decay.expire" must be a positive number of ms').with.property('name', 'InvalidParametersError')
      })
    }
  })

  describe('bumps', () => {
    it('sum adds up', () => {
      expect(sum()(5, 3)).to.equal(8)
    })

    it('overwrite replaces', () => {
      expect(overwrite()(5, 3)).to.equal(3)
    })

    it('bounded adds up between its bounds', () => {
      const bump = bounded(-10, 10)

      expect(bump(5, 3)).to.equal(8)
      expect(bump(5, 30)).to.equal(10)
      expect(bump(5, -30)).to.equal(-10)
    })

    it('bounded may leave one value only', () => {
      expect(bounded(5, 5)(5, 3)).to.equal(5)
    })

    it('bounded may be open at one end', () => {
      expect(bounded(-Infinity, 10)(5, -1_000)).to.equal(-995)
      expect(bounded(0, Infinity)(5, 1_000)).to.equal(1_005)
    })

    for (const [min, max, told] of [[NaN, 1, 'min" must be a number'], ['0', 1, 'min" must be a number'], [0, NaN, 'max" must be a number of at least 0'], [5, 4, 'max" must be a number of at least 5'], [0, '1', 'max" must be a number of at least 0']] as const) {
      it(`bounded refuses ${typeof min} ${min} to ${typeof max} ${max}`, () => {
        // @ts-expect-error not what the type says
        expect(() => bounded(min, max)).to.throw(`bump.bounded.${told}`).with.property('name', 'InvalidParametersError')
      })
    }
  })
})
