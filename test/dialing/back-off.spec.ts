import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { DialBackOff, backOffTime } from '../../src/dialing/back-off.ts'

// the middle of the jitter
const noJitter = { next: () => 0.5 }

describe('dialing/back-off', () => {
  let backOff: DialBackOff

  beforeEach(() => {
    backOff = new DialBackOff({ random: noJitter })
  })

  it('leaves an address alone for 5, 6, 9, 14, 21, 30, 41 … 294, 300 seconds', () => {
    const seconds = Array.from({ length: 20 }, (_, i) => backOffTime(i + 1) / 1_000)

    expect(seconds.slice(0, 7)).to.deep.equal([5, 6, 9, 14, 21, 30, 41])
    expect(seconds.slice(-3)).to.deep.equal([294, 300, 300])
  })

  it('counts the failures of an address that is dialled again when its time is over', () => {
    let now = 0

    for (const time of [5_000, 6_000, 9_000, 14_000]) {
      backOff.recordFailure('peer', 'a', now)
      expect(backOff.isBackedOff('peer', 'a', now + time - 1)).to.equal(true)
      expect(backOff.isBackedOff('peer', 'a', now + time)).to.equal(false)
      now += time
    }
  })

  it('forgets failures that were not repeated for as long as they held', () => {
    backOff.recordFailure('peer', 'a', 0)
    backOff.recordFailure('peer', 'a', 5_000)
    expect(backOff.get('peer', 'a', 16_999)).to.have.property('failures', 2)
    expect(backOff.get('peer', 'a', 17_000)).to.equal(undefined)

    backOff.recordFailure('peer', 'a', 17_000)
    expect(backOff.get('peer', 'a', 17_000)).to.have.property('failures', 1)
  })

  it('starts all addresses of a peer anew when there is a connection to it', () => {
    backOff.recordFailure('peer', 'a', 0)
    backOff.recordFailure('peer', 'b', 0)
    backOff.recordFailure('other', 'a', 0)
    backOff.clear('peer')

    expect(backOff.isBackedOff('peer', 'a', 1)).to.equal(false)
    expect(backOff.isBackedOff('peer', 'b', 1)).to.equal(false)
    expect(backOff.isBackedOff('other', 'a', 1)).to.equal(true)
    expect(backOff.size).to.equal(1)
  })

  it('varies the time by a tenth', () => {
    const until = (random: number): number | undefined => {
      const backOff = new DialBackOff({ random: { next: () => random } })
      backOff.recordFailure('peer', 'a', 0)

      return backOff.get('peer', 'a', 0)?.until
    }

    expect(until(0)).to.equal(4_500)
    expect(until(0.5)).to.equal(5_000)
    expect(until(0.999_999)).to.equal(5_500)
  })

  it('forgets the peer whose address failed longest ago when there are too many', () => {
    backOff = new DialBackOff({ maxEntries: 3, random: noJitter })
    backOff.recordFailure('a', '1', 0)
    backOff.recordFailure('a', '2', 0)
    backOff.recordFailure('b', '1', 0)
    backOff.recordFailure('a', '1', 1)
    backOff.recordFailure('c', '1', 2)

    expect(backOff.entries(3).map(({ peer, address }) => peer + address)).to.deep.equal(['a2', 'a1', 'c1'])
  })

  it('remembers no more than 100 addresses of one peer', () => {
    backOff.recordFailure('other', 'a', 0)

    for (let i = 0; i < 10_000; i++) {
      backOff.recordFailure('hostile', `${i}`, 0)
    }

    expect(backOff.size).to.equal(101)
    expect(backOff.isBackedOff('other', 'a', 1)).to.equal(true)
    expect(backOff.isBackedOff('hostile', '9999', 1)).to.equal(true)
  })

  it('takes over what an earlier run remembered, but nothing from the far future', () => {
    backOff.recordFailure('peer', 'a', 0)
    const entries = backOff.entries(1)
    const later = new DialBackOff()
    later.restore([...entries, { peer: 'b', address: 'b', failures: 3, until: 1e15, expires: 1e15 }], 1_000)

    expect(later.isBackedOff('peer', 'a', 4_999)).to.equal(true)
    expect(later.isBackedOff('peer', 'a', 5_000)).to.equal(false)
    expect(later.isBackedOff('b', 'b', 331_000)).to.equal(false)
    expect(later.size).to.equal(2)
  })

  it('leaves an address alone for five seconds at least, for longer with each failure, and for five minutes at most, give or take a tenth', () => {
    fc.assert(fc.property(fc.array(fc.record({ late: fc.double({ min: 0, max: 0.99, noNaN: true }), random: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }) }), { minLength: 1, maxLength: 40, size: 'max' }), failures => {
      let now = 0
      let drawn = 0
      const jittery = new DialBackOff({ random: { next: () => drawn } })

      failures.forEach(({ late, random }, i) => {
        drawn = random
        jittery.recordFailure('peer', 'address', now)
        const wait = (jittery.get('peer', 'address', now)?.until ?? 0) - now

        expect(wait).to.be.within(Math.floor(backOffTime(i + 1) * 0.9), Math.ceil(backOffTime(i + 1) * 1.1))
        expect(wait).to.be.within(4_500, 330_000)
        expect(jittery.isBackedOff('peer', 'address', now + wait - 1)).to.be.true()
        expect(jittery.isBackedOff('peer', 'address', now + wait)).to.be.false()

        // it fails again when its time is over, and before it is forgotten
        now += wait + Math.floor(late * wait)
      })
    }))
  })

  it('counts what it remembers, whatever happens', () => {
    fc.assert(fc.property(fc.array(fc.record({
      clear: fc.boolean(),
      peer: fc.constantFrom('a', 'b', 'c', 'd'),
      address: fc.constantFrom('1', '2', '3'),
      now: fc.nat({ max: 1_000 })
    }), { maxLength: 60 }), steps => {
      backOff = new DialBackOff({ maxEntries: 5 })

      for (const { clear, peer, address, now } of steps) {
        if (clear) {
          backOff.clear(peer)
        } else {
          backOff.recordFailure(peer, address, now)
        }

        expect(backOff.size).to.equal(backOff.entries(0).length)
        expect(backOff.size).to.be.at.most(5)
      }
    }))
  })

  it('leaves an address alone for ever where the time has no end, whatever the jitter is', () => {
    fc.assert(fc.property(fc.constantFrom(1_000, Infinity), fc.constantFrom(0, 1_000, Infinity), fc.constantFrom(0, 300_000, Infinity), fc.constantFrom(0, 0.5, 1), fc.constantFrom(0.25, 0.5), (base, coefficient, max, jitter, chance) => {
      const forever = new DialBackOff({ base, coefficient, max, jitter, random: { next: () => chance } })

      for (let failures = 1; failures <= 3; failures++) {
        forever.recordFailure('peer', 'a', 1_000)
        const until = forever.get('peer', 'a', 1_000)?.until ?? 1_000
        expect(until).to.be.at.least(1_000)
        expect(until === Infinity).to.equal(max === Infinity && (base === Infinity || (failures > 1 && coefficient === Infinity)))
      }
    }))
  })
})
