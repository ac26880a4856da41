import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { bounded, expire, fixed, linear, noDecay, overwrite, sum } from '../../src/trimming/index.ts'
import { bumpTag, evaluateTag, hasDecayed } from '../../src/trimming/tag.ts'
import type { Decay, TagOptions } from '../../src/trimming/index.ts'
import type { Tag } from '../../src/trimming/tag.ts'

const MINUTE = 60_000
const START = 1_000_000

/**
 * A tag that is set to a value at the start
 */
function newTag (value: number, options: TagOptions = {}): Tag {
  return bumpTag(undefined, value, options, START)
}

/**
 * The value of a tag some ms after the start
 */
function valueAfter (tag: Tag, ms: number): number {
  return evaluateTag(tag, START + ms)
}

const notANumber = (): number => NaN
const infinite = (): number => Infinity
const aString = (): string => '5'

function throwing (): number {
  throw new Error('Urk!')
}

describe('trimming/tag', () => {
  it('keeps its value without a decay', () => {
    expect(valueAfter(newTag(5), 1_000 * MINUTE)).to.equal(5)
  })

  it('gets another value when it is set again', () => {
    const tag = bumpTag(newTag(5), -3, {}, START)

    expect(tag.value).to.equal(-3)
  })

  it('may have a negative value', () => {
    expect(valueAfter(newTag(-5), MINUTE)).to.equal(-5)
    expect(valueAfter(newTag(-25, { decay: fixed(10) }), 2 * MINUTE)).to.equal(-5)
  })

  it('may have the value 0', () => {
    expect(newTag(0).value).to.equal(0)
  })

  it('is gone when it has decayed to 0, but not when it was set to 0 for good', () => {
    expect(hasDecayed(newTag(0), START)).to.be.false()
    expect(hasDecayed(newTag(1, { decay: fixed(1) }), START)).to.be.false()
    expect(hasDecayed(newTag(1, { decay: fixed(1) }), START + MINUTE)).to.be.true()
  })

  describe('decay', () => {
    it('takes place once per minute unless said otherwise', () => {
      const tag = newTag(25, { decay: fixed(10) })

      expect(valueAfter(tag, MINUTE - 1)).to.equal(25)
      expect(valueAfter(tag, MINUTE)).to.equal(15)
      expect(valueAfter(tag, 2 * MINUTE)).to.equal(5)
      expect(valueAfter(tag, 3 * MINUTE)).to.equal(0)
    })

    it('is not called before the first step, and told of all steps since the value was written', () => {
      const calls: unknown[] = []
      const decay: Decay = (value, context) => { calls.push(context); return value }
      const tag = bumpTag(newTag(25, { decay }), 1, {}, START + 1.5 * MINUTE)
      calls.length = 0
      valueAfter(tag, 2 * MINUTE - 1)
      expect(calls).to.be.empty()

      valueAfter(tag, 2 * MINUTE)
      valueAfter(tag, 4.5 * MINUTE)
      expect(calls).to.deep.equal([{ steps: 1, idle: 0.5 * MINUTE }, { steps: 3, idle: 3 * MINUTE }])
    })

    it('is tried out with one step of the tag when it is given', () => {
      const calls: unknown[] = []
      newTag(25, { decay: (value, context) => { calls.push([value, context]); return value }, interval: 5_000 })

      expect(calls).to.deep.equal([[25, { steps: 1, idle: 5_000 }]])
    })

    it('halves 5 to 2, 1 and nothing', () => {
      const tag = newTag(5, { decay: linear(0.5) })

      expect([1, 2, 3].map(minutes => valueAfter(tag, minutes * MINUTE))).to.deep.equal([2, 1, 0])
    })

    it('with an interval of 1.5 minutes shows at minutes 2, 3, 5 and 6', () => {
      const tag = newTag(100, { decay: fixed(1), interval: 1.5 * MINUTE })

      expect([1, 2, 3, 4, 5, 6].map(minutes => valueAfter(tag, minutes * MINUTE))).to.deep.equal([100, 99, 98, 98, 97, 96])
    })

    it('none keeps the value, but lets bumps add up', () => {
      const tag = bumpTag(newTag(5, { decay: noDecay() }), 3, {}, START + MINUTE)

      expect(valueAfter(tag, 100 * MINUTE)).to.equal(8)
    })

    it('expire keeps the value until it was not bumped for the time', () => {
      const tag = newTag(7, { decay: expire(5 * MINUTE) })

      expect(valueAfter(tag, 5 * MINUTE - 1)).to.equal(7)
      expect(valueAfter(tag, 5 * MINUTE)).to.equal(0)

      const bumped = bumpTag(tag, 1, {}, START + 4 * MINUTE)

      expect(valueAfter(bumped, 9 * MINUTE - 1)).to.equal(8)
      expect(valueAfter(bumped, 9 * MINUTE)).to.equal(0)
    })

    it('expire is as exact for times that are no full minutes', () => {
      const tag = newTag(7, { decay: expire(1_000) })

      expect(valueAfter(tag, 999)).to.equal(7)
      expect(valueAfter(tag, 1_000)).to.equal(0)
    })

    it('that returns no number, or throws, once it is used removes the tag', () => {
      const returnsNaN = newTag(1, { decay: (value, { steps }) => steps > 1 ? NaN : value })
      const throws = newTag(1, {
        decay: (value, { steps }) => {
          if (steps > 1) {
            throw new Error('Urk!')
          }

          return value
        }
      })

      expect(valueAfter(returnsNaN, 2 * MINUTE)).to.equal(0)
      expect(valueAfter(throws, 2 * MINUTE)).to.equal(0)
    })
  })

  describe('bump', () => {
    it('adds to what is left of a value that decays', () => {
      const tag = bumpTag(newTag(25, { decay: fixed(10) }), 3, {}, START + MINUTE)

      expect(tag.value).to.equal(18)
    })

    it('replaces, or adds within bounds, if told so', () => {
      expect(bumpTag(newTag(25, { decay: fixed(10), bump: overwrite() }), 3, {}, START).value).to.equal(3)
      expect(bumpTag(newTag(25, { bump: bounded(0, 30) }), 10, {}, START).value).to.equal(30)
      expect(bumpTag(newTag(25, { bump: sum() }), 10, {}, START).value).to.equal(35)
    })

    it('uses the bounds for the first value as well', () => {
      expect(newTag(100, { bump: bounded(0, 30) }).value).to.equal(30)
    })

    it('keeps the options that are not given again', () => {
      const tag = bumpTag(newTag(25, { decay: fixed(10), interval: 1_000, bump: overwrite() }), 20, {}, START)

      expect(valueAfter(tag, 1_000)).to.equal(10)
      expect(bumpTag(tag, 7, {}, START).value).to.equal(7)
    })

    it('changes the options that are given again', () => {
      const tag = bumpTag(newTag(25), 5, { decay: fixed(10), bump: sum() }, START)

      expect(tag.value).to.equal(30)
      expect(valueAfter(tag, MINUTE)).to.equal(20)
    })

    it('in the middle of a step does not put the next step off', () => {
      const tag = bumpTag(newTag(25, { decay: fixed(10) }), 10, {}, START + 1.5 * MINUTE)

      expect(valueAfter(tag, 2 * MINUTE - 1)).to.equal(25)
      expect(valueAfter(tag, 2 * MINUTE)).to.equal(15)
    })

    it('begins a new step when the value had decayed to nothing', () => {
      const tag = bumpTag(newTag(5, { decay: fixed(10) }), 10, {}, START + 1.5 * MINUTE)

      expect(valueAfter(tag, 2.5 * MINUTE - 1)).to.equal(10)
      expect(valueAfter(tag, 2.5 * MINUTE)).to.equal(0)
    })

    it('begins a new step when the tag did not decay before, or had another interval', () => {
      const began = bumpTag(newTag(25), 10, { decay: fixed(10) }, START + 1.5 * MINUTE)
      const changed = bumpTag(newTag(25, { decay: fixed(10) }), 0, { interval: 2 * MINUTE }, START + 0.5 * MINUTE)

      expect(valueAfter(began, 2.5 * MINUTE - 1) - valueAfter(began, 2.5 * MINUTE)).to.equal(10)
      expect(valueAfter(changed, 2.5 * MINUTE - 1) - valueAfter(changed, 2.5 * MINUTE)).to.equal(10)
    })

    it('takes the interval of a new decay rather than that of the tag', () => {
      const tag = bumpTag(newTag(25, { decay: fixed(10), interval: 5 * MINUTE }), 7, { decay: expire(1_000), bump: overwrite() }, START)

      expect([valueAfter(tag, 999), valueAfter(tag, 1_000)]).to.deep.equal([7, 0])
    })

    it('leaves the same, whenever a value was read or bumped by nothing in between', () => {
      fc.assert(fc.property(fc.integer({ min: 0, max: 500 }), fc.array(fc.integer({ min: 0, max: 5 * MINUTE }), { maxLength: 20 }), (value, waits) => {
        const untouched = newTag(value, { decay: fixed(3) })
        let touched = untouched
        let time = 0

        for (const wait of waits) {
          time += wait
          evaluateTag(touched, START + time)

          // what has decayed to nothing begins again
          if (valueAfter(untouched, time) !== 0) {
            touched = bumpTag(touched, 0, {}, START + time)
          }

          expect(valueAfter(touched, time)).to.equal(valueAfter(untouched, time))
        }
      }))
    })
  })

  describe('bad input', () => {
    for (const value of [NaN, Infinity, -Infinity, '5', null, undefined]) {
      it(`refuses the value ${typeof value} ${value}`, () => {
        // @ts-expect-error not what the type says
        expect(() => newTag(value)).to.throw(`"value" must be a finite number, got ${typeof value === 'string' ? '"5"' : value}`)
          .with.property('name', 'InvalidParametersError')
      })
    }

    const options: Array<{ option: string, given: Record<string, unknown>, message: string }> = [
      { option: 'decay', given: { decay: 0.9 }, message: 'a function, got 0.9' },
      { option: 'decay', given: { decay: notANumber }, message: 'a function that returns a finite number, got NaN' },
      { option: 'decay', given: { decay: aString }, message: 'a function that returns a finite number, got "5"' },
      { option: 'decay', given: { decay: throwing }, message: 'a function that returns a finite number, got Error: Urk!' },
      { option: 'bump', given: { bump: 'sum' }, message: 'a function, got "sum"' },
      { option: 'bump', given: { bump: infinite }, message: 'a function that returns a finite number, got Infinity' },
      { option: 'bump', given: { bump: aString }, message: 'a function that returns a finite number, got "5"' },
      { option: 'interval', given: { interval: 0 }, message: 'a positive number of ms, got 0' },
      { option: 'interval', given: { interval: NaN }, message: 'a positive number of ms, got NaN' },
      { option: 'interval', given: { interval: -1 }, message: 'a positive number of ms, got -1' },
      { option: 'interval', given: { interval: '5' }, message: 'a positive number of ms, got "5"' }
    ]

    for (const { option, given, message } of options) {
      it(`refuses for the option ${option}: ${Object.values(given).map(value => typeof value === 'function' ? value.name : value).join()}`, () => {
        expect(() => newTag(1, given)).to.throw(`"${option}" must be ${message}`).that.includes({ name: 'InvalidParametersError', option })
      })
    }
  })
})
