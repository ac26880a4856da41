import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { BlackHoleDetector } from '../../src/dialing/black-hole.ts'
import type { BlackHoleAddress } from '../../src/dialing/black-hole.ts'

const udp: BlackHoleAddress = { scope: 'public', isUDP: true, family: 4 }
const tcp6: BlackHoleAddress = { scope: 'public', isUDP: false, family: 6 }
const udp6: BlackHoleAddress = { scope: 'public', isUDP: true, family: 6 }
const tcp: BlackHoleAddress = { scope: 'public', isUDP: false, family: 4 }

describe('dialing/black-hole', () => {
  let detector: BlackHoleDetector

  beforeEach(() => {
    detector = new BlackHoleDetector()
  })

  function record (address: BlackHoleAddress, successes: number, failures: number, now = 0): void {
    for (let i = 0; i < successes + failures; i++) {
      detector.recordResult(address, i < successes, now)
    }
  }

  it('knows nothing and refuses nothing until it has seen 100 results', () => {
    record(udp, 0, 99)
    expect(detector.states.udp).to.equal('probing')
    expect(detector.isBlocked(udp, 0)).to.equal(false)
  })

  it('blocks after 100 results with 4 successes and allows with 5', () => {
    record(udp, 4, 96)
    record(tcp6, 5, 95)

    expect(detector.states).to.deep.equal({ udp: 'blocked', ipv6: 'allowed' })
    expect(detector.isBlocked(udp, 1)).to.equal(true)
    expect(detector.isBlocked(tcp6, 1)).to.equal(false)
    expect(detector.isBlocked(tcp, 1)).to.equal(false)
  })

  it('looks at the last 100 results only', () => {
    record(udp, 20, 80)
    record(udp, 0, 20)

    expect(detector.states.udp).to.equal('blocked')
  })

  it('lets one dial through per probe interval', () => {
    record(udp, 0, 100, 1_000)

    expect(detector.isBlocked(udp, 60_999)).to.equal(true)
    expect(detector.isBlocked(udp, 61_000)).to.equal(false)

    detector.recordStart(udp, 61_500)
    detector.recordResult(udp, false, 62_000)
    expect(detector.isBlocked(udp, 121_499)).to.equal(true)
    expect(detector.isBlocked(udp, 121_500)).to.equal(false)
  })

  it('starts over after one success of a blocked way', () => {
    record(udp, 0, 100)
    detector.recordStart(udp, 60_000)
    detector.recordResult(udp, true, 60_100)

    expect(detector.states.udp).to.equal('probing')
    record(udp, 4, 95)
    expect(detector.states.udp).to.equal('probing')
    record(udp, 0, 1)
    expect(detector.states.udp).to.equal('blocked')
  })

  it('is not changed by being asked', () => {
    record(udp, 0, 100)

    for (let i = 0; i < 1_000; i++) {
      expect(detector.isBlocked(udp, 59_999)).to.equal(true)
      expect(detector.isBlocked(udp, 60_000)).to.equal(false)
    }

    expect(detector.states.udp).to.equal('blocked')
  })

  it('is not concerned with private addresses', () => {
    record({ ...udp6, scope: 'private' }, 0, 200)
    expect(detector.states).to.deep.equal({ udp: 'probing', ipv6: 'probing' })

    record(udp6, 0, 100)
    expect(detector.isBlocked({ ...udp6, scope: 'private' }, 1)).to.equal(false)
  })

  it('lets a way that is not known yet through a blocked one, else any blocked way refuses', () => {
    record(tcp6, 0, 100)
    expect(detector.isBlocked(udp6, 1)).to.equal(false)

    record(udp, 50, 50)
    expect(detector.isBlocked(udp6, 1)).to.equal(true)
    expect(detector.isBlocked(udp, 1)).to.equal(false)
  })

  it('has the state that counting the last results gives, for any results', () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.boolean(), { maxLength: 40 }),
      (window, minSuccesses, results) => {
        detector = new BlackHoleDetector({ window, minSuccesses })
        let seen: boolean[] = []
        const state = (): string => {
          if (seen.length < window) {
            return 'probing'
          }

          return seen.slice(-window).filter(Boolean).length >= minSuccesses ? 'allowed' : 'blocked'
        }

        for (const success of results) {
          detector.recordResult(udp, success, 0)
          seen = state() === 'blocked' && success ? [] : [...seen, success]
          expect(detector.states.udp).to.equal(state())
        }
      }
    ))
  })

  it('never blocks anything with an endless window, and does not collect results for it', () => {
    detector = new BlackHoleDetector({ window: Infinity })
    record(udp, 0, 10_000)
    expect(detector.states.udp).to.equal('probing')
    expect(detector.isBlocked(udp, 1)).to.equal(false)
  })

  it('knows nothing any more when the network has changed', () => {
    record(udp6, 0, 100)
    expect(detector.isBlocked(udp6, 1)).to.equal(true)
    detector.clear()
    expect(detector.states).to.deep.equal({ udp: 'probing', ipv6: 'probing' })
    expect(detector.isBlocked(udp6, 1)).to.equal(false)
  })
})
