import { expect } from 'aegir/chai'
import { DEFAULT_PING_TIMEOUT, MAX_PING_TIMEOUT, MIN_PING_TIMEOUT, livenessAction, nextCheck, pingTimeout, smoothRTT } from '../../src/upkeep/liveness-policy.ts'
import type { LivenessRecord, LivenessTimes } from '../../src/upkeep/liveness-policy.ts'

const TIMES: LivenessTimes = { interval: 30_000, maxMisses: 3, minSilence: 60_000 }

function record (init: Partial<LivenessRecord> = {}): LivenessRecord {
  return { lastHeard: 0, silentSince: 0, misses: 0, ...init }
}

describe('connections/liveness-policy', () => {
  it('pings a connection that is silent for an interval', () => {
    expect(livenessAction(record(), TIMES, 29_999)).to.equal('wait')
    expect(livenessAction(record(), TIMES, 30_000)).to.equal('ping')
  })

  it('gives up only after several misses and a minimum of silence', () => {
    expect(livenessAction(record({ misses: 2 }), TIMES, 500_000), 'too few misses').to.equal('ping')
    expect(livenessAction(record({ misses: 9 }), TIMES, 59_999), 'too short a silence').to.equal('ping')
    expect(livenessAction(record({ misses: 3 }), TIMES, 60_000)).to.equal('abort')
  })

  it('goes on asking a connection that has left a ping unanswered', () => {
    expect(livenessAction(record({ misses: 1 }), TIMES, 5_000)).to.equal('ping')
  })

  it('does not count silence that nobody has listened to', () => {
    expect(livenessAction(record({ misses: 3, silentSince: 90_000 }), TIMES, 100_000)).to.equal('ping')
  })

  it('divides what is left of the minimum of silence among the pings that are left', () => {
    expect(nextCheck(record({ misses: 1 }), TIMES, 40_000)).to.equal(50_000)
    expect(nextCheck(record({ misses: 2 }), TIMES, 52_000)).to.equal(60_000)
    expect(nextCheck(record({ misses: 3 }), TIMES, 55_000), 'only the silence is too short').to.equal(60_000)
    expect(nextCheck(record({ misses: 3 }), TIMES, 62_000), 'all is over').to.equal(62_000)
    expect(nextCheck(record({ misses: 1 }), TIMES, 70_000), 'no sooner than after a second').to.equal(71_000)
    expect(nextCheck(record({ misses: 1 }), { ...TIMES, minSilence: 900_000 }, 40_000), 'no later than after an interval').to.equal(70_000)
  })

  it('gives a ping more time on a slow connection, within bounds', () => {
    expect(pingTimeout(record())).to.equal(DEFAULT_PING_TIMEOUT)
    expect(pingTimeout(record({ rtt: 10, rttVariation: 5 }))).to.equal(MIN_PING_TIMEOUT)
    expect(pingTimeout(record({ rtt: 1_000, rttVariation: 500 }))).to.equal(9_000)
    expect(pingTimeout(record({ rtt: 9_000, rttVariation: 9_000 }))).to.equal(MAX_PING_TIMEOUT)
  })

  it('gives a ping as much time as the bounds that were given allow', () => {
    const bounds = { minPingTimeout: 20, maxPingTimeout: 400 }

    expect(pingTimeout(record(), bounds)).to.equal(400)
    expect(pingTimeout(record({ rtt: 1, rttVariation: 0 }), bounds)).to.equal(20)
    expect(pingTimeout(record({ rtt: 20, rttVariation: 10 }), bounds)).to.equal(180)
  })

  it('smooths the round trip time as TCP does', () => {
    expect(smoothRTT(record(), 100)).to.deep.equal({ rtt: 100, rttVariation: 50 })
    expect(smoothRTT(record({ rtt: 100, rttVariation: 50 }), 180)).to.deep.equal({ rtt: 110, rttVariation: 57.5 })
  })
})
