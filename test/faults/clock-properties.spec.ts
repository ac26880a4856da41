import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { parseIp } from '../../src/addresses/index.ts'
import { TokenBuckets } from '../../src/admission/token-buckets.ts'
import { steadyClock } from '../../src/clock.ts'
import { ConnectionTable } from '../../src/core/index.ts'
import { DialRate } from '../../src/outbound/dial-rate.ts'
import { BRAKE_PAUSE, FailureBrake, MAX_CONSECUTIVE_FAILURES } from '../../src/outbound/failure-brake.ts'
import { RealmAssignments } from '../../src/resources/realm-assignments.ts'
import { fixed, linear } from '../../src/trimming/index.ts'
import { TagStore } from '../../src/trimming/tag-store.ts'
import { happen, happenings, longest, shortest } from '../fixtures/clock-happenings.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { SteadyClock } from '../../src/clock.ts'
import type { Happening } from '../fixtures/clock-happenings.ts'

const START = 1_000_000_000
const MINUTE = 60_000
const RUNS = { numRuns: 200 }

/**
 * Whatever happens to the clock: what holds after each thing that has
 */
async function always (prepare: (clock: SteadyClock) => (happened: readonly Happening[]) => void): Promise<void> {
  await fc.assert(fc.asyncProperty(happenings, async all => {
    const wall = new VirtualClock(START)
    const clock = steadyClock(wall)
    const check = prepare(clock)
    check([])

    for (const [i, happening] of all.entries()) {
      await happen(wall, happening)
      // a clock that was not looked at since is set back by an unknown time
      clock.now()
      check(all.slice(0, i + 1))
    }
  }), RUNS)
}

describe('faults: whatever the clock does', () => {
  const ip = parseIp('198.51.100.1') ?? expect.fail('no address')

  it('a bucket of tokens is never more than full, fills at its rate, and gives no more', async () => {
    const [perSecond, burst] = [0.01, 20]

    await always(clock => {
      const buckets = new TokenBuckets(clock, { ipv4: [{ prefix: 32, perSecond, burst }], ipv6: [] })
      let total = 0

      return happened => {
        let taken = 0

        while (buckets.take(ip) == null) {
          taken++
        }

        total += taken
        expect(taken).to.be.at.most(burst)
        expect(taken).to.be.at.least(Math.min(burst, Math.floor(shortest(happened.slice(-1)) * perSecond / 1_000)))
        expect(total).to.be.at.most(burst + longest(happened) * perSecond / 1_000)
      }
    })
  })

  it('automatic dials are never more than their rate', async () => {
    await always(clock => {
      const rate = new DialRate(clock, { perSecond: 0.01, burst: 5 })
      let total = 0

      return happened => {
        let taken = 0

        while (rate.wait === 0) {
          rate.take()
          taken++
        }

        total += taken
        expect(taken).to.be.at.most(5)
        expect(total).to.be.at.most(5 + longest(happened) * 0.01 / 1_000)
        expect(rate.wait).to.be.at.most(100_000)
      }
    })
  })

  it('dialling pauses for no longer than it should', async () => {
    await always(clock => {
      const brake = new FailureBrake(clock)

      for (let failure = 0; failure < MAX_CONSECUTIVE_FAILURES; failure++) {
        brake.onFailure()
      }

      return happened => {
        expect(brake.remaining).to.be.at.most(Math.max(0, BRAKE_PAUSE - shortest(happened)))
        expect(brake.remaining).to.be.at.least(Math.max(0, BRAKE_PAUSE - longest(happened)))
      }
    })
  })

  it('a tag never grows by itself, and decays', async () => {
    await always(clock => {
      const store = new TagStore(new ConnectionTable(), clock, { maxAbsentPeers: 1, absentTTL: Infinity })
      store.tag('a', 'fixed', 1_000, { decay: fixed(10), interval: MINUTE })
      let last = store.value('a')

      return happened => {
        const value = store.value('a')
        expect(value).to.be.at.most(last)
        expect(value).to.be.at.most(Math.max(0, 1_000 - 10 * Math.floor(shortest(happened) / MINUTE)))
        expect(value).to.be.at.least(Math.max(0, 1_000 - 10 * Math.ceil(longest(happened) / MINUTE)))
        last = value
      }
    })
  })

  it('a penalty is never worse than it was', async () => {
    await always(clock => {
      const store = new TagStore(new ConnectionTable(), clock, { maxAbsentPeers: 1, absentTTL: Infinity })
      store.tag('a', 'linear', -1_000, { decay: linear(0.9), interval: MINUTE })
      let last = store.value('a')

      return () => {
        const value = store.value('a')
        expect(value).to.be.within(last, 0)
        last = value
      }
    })
  })

  it('a peer is in a realm for as long as it was to be, and who ends it is told once', async () => {
    await always(clock => {
      let ended = 0
      const duration = 100 * MINUTE
      const peerId = stubPeerId()
      const assignments = new RealmAssignments(clock, () => { ended++ })
      assignments.start()
      assignments.set(peerId, 'chain', duration)

      return happened => {
        if (shortest(happened) >= duration) {
          expect(assignments.get(peerId)).to.be.undefined()
        }

        if (longest(happened) < duration) {
          expect(assignments.get(peerId)).to.equal('chain')
          expect(ended).to.equal(0)
        }

        expect(ended).to.be.at.most(1)
      }
    })
  })
})
