import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { steadyClock, systemClock } from '../src/clock.ts'
import { happen, happenings, longest } from './fixtures/clock-happenings.ts'
import { VirtualClock } from './fixtures/virtual-clock.ts'
import type { SteadyClock } from '../src/clock.ts'

const START = 1_000_000_000
const HOUR = 3_600_000

describe('the clock of the system', () => {
  const { setTimeout } = globalThis

  afterEach(() => { globalThis.setTimeout = setTimeout })

  it('sets no timer that the system would complain of, and none that never fires', () => {
    const delays: unknown[] = []
    Reflect.set(globalThis, 'setTimeout', (callback: () => void, delay: number) => delays.push(delay))

    for (const delay of [-5_574, 0, 5, 2 ** 40, Infinity]) {
      systemClock.setTimeout(() => {}, delay).clear()
    }

    expect(delays).to.deep.equal([0, 0, 5, 2 ** 31 - 1])
  })

  it('waits as long as it should, also for longer than a timer of the system can', () => {
    const waits: number[] = []
    let fired = 0
    Reflect.set(globalThis, 'setTimeout', (callback: () => void, delay: number) => {
      waits.push(delay)
      callback()
    })
    systemClock.setTimeout(() => { fired++ }, 2 ** 32 + 5)

    expect(waits.reduce((sum, wait) => sum + wait)).to.equal(2 ** 32 + 5)
    expect(fired).to.equal(1)
  })
})

describe('a steady clock', () => {
  let wall: VirtualClock
  let clock: SteadyClock

  beforeEach(() => {
    wall = new VirtualClock(START)
    clock = steadyClock(wall)
  })

  it('tells the time of the clock behind it, and is made once', async () => {
    await wall.advance(17)
    expect(clock.now()).to.equal(START + 17)
    expect(clock.dateOf(clock.now())).to.equal(wall.now())
    expect(steadyClock(clock)).to.equal(clock)
  })

  it('never goes back, and never further than time can have passed', async () => {
    await fc.assert(fc.asyncProperty(happenings, async all => {
      wall = new VirtualClock(START)
      clock = steadyClock(wall)
      let last = clock.now()

      for (const [i, happening] of all.entries()) {
        await happen(wall, happening)
        const now = clock.now()
        expect(now).to.be.at.least(last)
        expect(now).to.be.at.most(START + longest(all.slice(0, i + 1)))
        expect(clock.dateOf(now)).to.equal(wall.now())
        last = now
      }
    }), { numRuns: 300 })
  })

  it('has advanced by what a timer was to wait when it fires, however far the clock was set back', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: HOUR }), fc.integer({ min: 0, max: HOUR }), fc.integer({ min: 0, max: 5 * HOUR }), async (delay, before, back) => {
      wall = new VirtualClock(START)
      clock = steadyClock(wall)
      let firedAt = 0
      clock.setTimeout(() => { firedAt = clock.now() }, delay)
      await wall.advance(Math.min(before, delay))
      wall.set(-back)
      await wall.advance(delay)

      // what was before it was set back is not known to less than the wait of a timer
      expect(firedAt).to.be.within(START + delay - 5, START + delay)
    }), { numRuns: 300 })
  })

  it('has advanced by no more when a timer was to wait for longer than there are any', async () => {
    const longestDelay = 2 ** 31 - 1
    clock = steadyClock({
      now: () => wall.now(),
      setTimeout: (callback, delay) => wall.setTimeout(callback, Math.min(delay, longestDelay)),
      nextTurn: async () => wall.nextTurn()
    })
    let fired = 0
    clock.setTimeout(() => { fired++ }, 2 ** 40)
    clock.setTimeout(() => { throw new Error('It should never fire') }, Infinity)
    await wall.advance(longestDelay)

    expect(fired).to.equal(1)
    expect(clock.now()).to.equal(START + longestDelay)
  })
})
