import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { resolveWatermarks, withMaxConnections } from '../../src/trimming/index.ts'
import type { WatermarkDefaults, WatermarkOptions } from '../../src/trimming/index.ts'

const defaults: WatermarkDefaults = { maxConnections: 300, lowWaterRatio: 0.8, highWaterRatio: 0.75 }

describe('trimming/watermarks', () => {
  describe('from the options', () => {
    const combinations: Array<{ given: WatermarkOptions, maxConnections: number, highWater: number, lowWater: number }> = [
      { given: {}, maxConnections: 300, highWater: 300, lowWater: 240 },
      { given: { maxConnections: 100 }, maxConnections: 100, highWater: 100, lowWater: 80 },
      { given: { highWater: 192 }, maxConnections: 256, highWater: 192, lowWater: 153 },
      { given: { lowWater: 160 }, maxConnections: 300, highWater: 300, lowWater: 160 },
      { given: { lowWater: 160, highWater: 192 }, maxConnections: 256, highWater: 192, lowWater: 160 },
      { given: { maxConnections: 200, highWater: 192 }, maxConnections: 200, highWater: 192, lowWater: 153 },
      { given: { maxConnections: 200, lowWater: 50 }, maxConnections: 200, highWater: 200, lowWater: 50 },
      { given: { maxConnections: 200, highWater: 150, lowWater: 100 }, maxConnections: 200, highWater: 150, lowWater: 100 },
      { given: { maxConnections: 10, highWater: 10, lowWater: 10 }, maxConnections: 10, highWater: 10, lowWater: 10 },
      { given: { lowWater: 0, highWater: 20 }, maxConnections: 27, highWater: 20, lowWater: 0 },
      { given: { maxConnections: 1 }, maxConnections: 1, highWater: 1, lowWater: 1 },
      { given: { highWater: Infinity }, maxConnections: Infinity, highWater: Infinity, lowWater: Infinity },
      { given: { maxConnections: 100, highWater: Infinity }, maxConnections: 100, highWater: Infinity, lowWater: Infinity },
      { given: { maxConnections: 100, highWater: Infinity, lowWater: 50 }, maxConnections: 100, highWater: Infinity, lowWater: 50 }
    ]

    for (const { given, ...expected } of combinations) {
      it(`${describeOptions(given)} gives ${describeOptions(expected)}`, () => {
        expect(resolveWatermarks(given, defaults)).to.deep.equal(expected)
      })
    }

    it('takes null for not given', () => {
      // @ts-expect-error not what the type says
      expect(resolveWatermarks({ maxConnections: 50, highWater: null, lowWater: null }, defaults)).to.deep.equal({ maxConnections: 50, highWater: 50, lowWater: 40 })
    })

    const contradictions: Array<{ given: WatermarkOptions, option: string, message: string }> = [
      { given: { lowWater: 20, highWater: 10 }, option: 'lowWater', message: 'at most highWater (10), got 20' },
      { given: { lowWater: 301 }, option: 'lowWater', message: 'at most highWater (300), got 301' },
      { given: { maxConnections: 100, lowWater: 101 }, option: 'lowWater', message: 'at most highWater (100), got 101' },
      { given: { maxConnections: 100, highWater: 101 }, option: 'highWater', message: 'at most maxConnections (100), got 101' }
    ]

    for (const { given, option, message } of contradictions) {
      it(`refuses ${describeOptions(given)}`, () => {
        expect(() => resolveWatermarks(given, defaults)).to.throw(`"${option}" must be ${message}`)
          .that.includes({ name: 'InvalidParametersError', option })
      })
    }
  })

  describe('after maxConnections was changed', () => {
    it('moves the watermarks that follow from it', () => {
      expect(withMaxConnections({}, 100, defaults)).to.deep.equal({ maxConnections: 100, highWater: 100, lowWater: 80 })
      expect(withMaxConnections({ maxConnections: 100 }, 500, defaults)).to.deep.equal({ maxConnections: 500, highWater: 500, lowWater: 400 })
    })

    it('keeps the watermarks that were given while there is room for them', () => {
      expect(withMaxConnections({ lowWater: 160, highWater: 192 }, 200, defaults)).to.deep.equal({ maxConnections: 200, highWater: 192, lowWater: 160 })
      expect(withMaxConnections({ lowWater: 160 }, 200, defaults)).to.deep.equal({ maxConnections: 200, highWater: 200, lowWater: 160 })
    })

    it('lowers the watermarks that were given in proportion', () => {
      expect(withMaxConnections({ lowWater: 160, highWater: 192 }, 96, defaults)).to.deep.equal({ maxConnections: 96, highWater: 96, lowWater: 80 })
    })

    it('does not lower a low watermark to nothing', () => {
      expect(withMaxConnections({ lowWater: 1, highWater: 100 }, 10, defaults).lowWater).to.equal(1)
      expect(withMaxConnections({ lowWater: 0, highWater: 100 }, 10, defaults).lowWater).to.equal(0)
    })

    for (const maxConnections of [0, 0.5, -1, NaN]) {
      it(`refuses ${maxConnections}`, () => {
        expect(() => withMaxConnections({}, maxConnections, defaults)).to.throw(`"maxConnections" must be a number of at least 1, got ${maxConnections}`)
          .that.includes({ name: 'InvalidParametersError', option: 'maxConnections' })
      })
    }

    it('does not begin to trim where nothing is to be trimmed', () => {
      expect(withMaxConnections({ highWater: Infinity, lowWater: 5 }, 10, defaults)).to.deep.equal({ maxConnections: 10, highWater: Infinity, lowWater: 5 })
    })
  })

  describe('in any case', () => {
    const amount = fc.integer({ min: 1, max: 1_000 })
    const options = fc.record({
      maxConnections: fc.option(amount, { nil: undefined }),
      highWater: fc.option(amount, { nil: undefined }),
      lowWater: fc.option(fc.integer({ min: 0, max: 1_000 }), { nil: undefined })
    }).filter(isConsistent)

    it('orders the three numbers', () => {
      fc.assert(fc.property(options, amount, (given, changed) => {
        for (const { lowWater, highWater, maxConnections } of [resolveWatermarks(given, defaults), withMaxConnections(given, changed, defaults)]) {
          expect(lowWater).to.be.at.most(highWater)
          expect(highWater).to.be.at.most(maxConnections)
          expect(lowWater === 0).to.equal(given.lowWater === 0)
        }
      }))
    })

    it('comes back to the same numbers when maxConnections does', () => {
      fc.assert(fc.property(options, given => {
        const watermarks = resolveWatermarks(given, defaults)

        expect(withMaxConnections(given, watermarks.maxConnections, defaults)).to.deep.equal(watermarks)
      }))
    })

    it('never raises a watermark when maxConnections is lowered', () => {
      fc.assert(fc.property(options, amount, amount, (given, a, b) => {
        const lower = withMaxConnections(given, Math.min(a, b), defaults)
        const higher = withMaxConnections(given, Math.max(a, b), defaults)

        expect(lower.highWater).to.be.at.most(higher.highWater)
        expect(lower.lowWater).to.be.at.most(higher.lowWater)
      }))
    })
  })
})

function isConsistent (options: WatermarkOptions): boolean {
  try {
    resolveWatermarks(options, defaults)
    return true
  } catch {
    return false
  }
}

function describeOptions (options: object): string {
  const entries = Object.entries(options).map(([name, value]) => `${name} ${value}`)

  return entries.length === 0 ? 'nothing' : entries.join(', ')
}
