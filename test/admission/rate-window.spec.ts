import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { RateWindow } from '../../src/admission/rate-window.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

describe('admission: counts within one second', () => {
  let clock: VirtualClock
  let window: RateWindow

  beforeEach(() => {
    clock = new VirtualClock()
    window = new RateWindow(clock)
  })

  function hit (key: string): number {
    const count = window.count(key)
    window.increment(key, count)

    return count + 1
  }

  it('counts every key on its own', () => {
    expect([hit('a'), hit('a'), hit('b'), hit('a')]).to.deep.equal([1, 2, 1, 3])
    expect(window.count('c')).to.equal(0)
  })

  it('counting alone changes nothing', () => {
    hit('a')
    expect([window.count('a'), window.count('a')]).to.deep.equal([1, 1])
  })

  it('forgets when the second is over, not before', async () => {
    hit('a')
    await clock.advance(999)
    expect(window.count('a')).to.equal(1)

    await clock.advance(1)
    expect(window.count('a')).to.equal(0)
  })

  it('the second begins with the first arrival after the last one', async () => {
    hit('a')
    await clock.advance(10_500)
    hit('a')
    await clock.advance(999)
    expect(hit('a')).to.equal(2)
  })

  it('does not stand still when the clock is set back', () => {
    let now = 1_000_000
    window = new RateWindow(Object.assign(new VirtualClock(), { now: () => now }))
    hit('a')
    now -= 500_000
    expect(window.count('a')).to.equal(0)
    hit('a')
    now += 1_000
    expect(window.count('a')).to.equal(0)
  })

  it('in no second that it counts are there more than were let in', () => {
    fc.assert(fc.property(
      fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), wait: fc.nat(600) }), { maxLength: 100 }),
      fc.integer({ min: 1, max: 5 }),
      (arrivals, limit) => {
        let now = 0
        const counted = new RateWindow(Object.assign(new VirtualClock(), { now: () => now }))
        const accepted: Array<{ key: string, at: number }> = []

        for (const { key, wait } of arrivals) {
          now += wait
          const count = counted.count(key)

          if (count < limit) {
            counted.increment(key, count)
            accepted.push({ key, at: now })
          }
        }

        // any second touches two of those that are counted
        for (const { key, at } of accepted) {
          const within = accepted.filter(other => other.key === key && other.at >= at && other.at < at + 1_000)
          expect(within.length).to.be.at.most(2 * limit)
        }
      }
    ))
  })
})
