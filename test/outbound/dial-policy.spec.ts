import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { DialRate } from '../../src/outbound/dial-rate.ts'
import { DIAL_HISTORY, DialRecords } from '../../src/outbound/dial-records.ts'
import { freeDialSlots, isPeerToBlame, outboundTarget } from '../../src/outbound/dial-slots.ts'
import { BRAKE_PAUSE, FailureBrake, MAX_CONSECUTIVE_FAILURES } from '../../src/outbound/failure-brake.ts'
import { coreRetryChance, satoshiRetryChance } from '../../src/outbound/retry-chance.ts'
import { STATIC_RETRY, retryDelay } from '../../src/outbound/retry-delay.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const NOW = 1_000 * DAY

describe('outbound: how many dials may be started', () => {
  const table = [
    { target: 8, connected: 0, dialling: 0, maxDialling: 50, free: 16 },
    { target: 8, connected: 6, dialling: 0, maxDialling: 50, free: 4 },
    { target: 8, connected: 6, dialling: 3, maxDialling: 50, free: 1 },
    { target: 8, connected: 8, dialling: 0, maxDialling: 50, free: 0 },
    { target: 50, connected: 0, dialling: 0, maxDialling: 50, free: 50 },
    { target: 50, connected: 0, dialling: 50, maxDialling: 50, free: 0 },
    // lowered while dials run: none is started, none is aborted for it
    { target: 2, connected: 5, dialling: 4, maxDialling: 50, free: 0 },
    { target: 0, connected: 0, dialling: 0, maxDialling: 50, free: 0 }
  ]

  for (const { free, ...input } of table) {
    it(`is ${free} with ${input.connected} of ${input.target} connected and ${input.dialling} of ${input.maxDialling} dials running`, () => {
      expect(freeDialSlots(input)).to.equal(free)
    })
  }

  it('follows the number of connections if a ratio is asked for', () => {
    expect(outboundTarget(8, 0, 1_000)).to.equal(8)
    expect(outboundTarget(8, 0.1, 50)).to.equal(8)
    expect(outboundTarget(8, 0.1, 100)).to.equal(10)
    expect(outboundTarget(0, 0.1, 1)).to.equal(1)
    expect(outboundTarget(0, 0.1, 0)).to.equal(0)
  })

  it('blames peers for failed dials only while two groups are connected', () => {
    expect(isPeerToBlame(0, 8)).to.be.false()
    expect(isPeerToBlame(1, 8)).to.be.false()
    expect(isPeerToBlame(2, 8)).to.be.true()
    // who wants a single connection has none while dialling for it
    expect(isPeerToBlame(0, 1)).to.be.true()
    expect(isPeerToBlame(1, 2)).to.be.true()
  })
})

describe('outbound: the rate of dials', () => {
  it('never waits for a rate without a limit, even if no time passes', () => {
    const rate = new DialRate(new VirtualClock(), { perSecond: Infinity, burst: 2 })

    for (let i = 0; i < 5; i++) {
      expect(rate.wait).to.equal(0)
      rate.take()
    }

    expect(rate.wait).to.equal(0)
  })

  it('lets a burst through, then one per interval', () => {
    const clock = new VirtualClock()
    const rate = new DialRate(clock, { perSecond: 10, burst: 3 })

    for (let i = 0; i < 3; i++) {
      expect(rate.wait).to.equal(0)
      rate.take()
    }

    expect(rate.wait).to.equal(100)
  })

  it('saves no more than a burst', async () => {
    const clock = new VirtualClock()
    const rate = new DialRate(clock, { perSecond: 10, burst: 2 })
    await clock.advance(HOUR)
    rate.take()
    rate.take()

    expect(rate.wait).to.equal(100)
    await clock.advance(100)
    expect(rate.wait).to.equal(0)
  })

  it('never lets more through than the burst and what has been filled', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 50 }), fc.integer({ min: 1, max: 5 }), async (gaps, burst) => {
      const clock = new VirtualClock(0)
      const rate = new DialRate(clock, { perSecond: 10, burst })
      let taken = 0

      for (const gap of gaps) {
        await clock.advance(gap)

        if (rate.wait === 0) {
          rate.take()
          taken++
        }

        expect(taken).to.be.at.most(burst + clock.now() / 100)
      }
    }), { numRuns: 50 })
  })
})

describe('outbound: the brake', () => {
  function failTimes (brake: FailureBrake, count: number): void {
    for (let i = 0; i < count; i++) {
      brake.onFailure()
    }
  }

  it('pauses after the 25th failure in a row, not after the 24th', () => {
    const brake = new FailureBrake(new VirtualClock())
    failTimes(brake, MAX_CONSECUTIVE_FAILURES - 1)
    expect(brake.remaining).to.equal(0)
    failTimes(brake, 1)
    expect(brake.remaining).to.equal(BRAKE_PAUSE)
  })

  it('counts from the beginning after a success', () => {
    const brake = new FailureBrake(new VirtualClock())
    failTimes(brake, MAX_CONSECUTIVE_FAILURES)
    brake.onSuccess()
    expect(brake.remaining).to.equal(0)
    failTimes(brake, MAX_CONSECUTIVE_FAILURES - 1)
    expect(brake.remaining).to.equal(0)
  })

  it('is released after a while, and pulled again by the next failure', async () => {
    const clock = new VirtualClock()
    const brake = new FailureBrake(clock)
    failTimes(brake, MAX_CONSECUTIVE_FAILURES)
    await clock.advance(BRAKE_PAUSE)
    expect(brake.remaining).to.equal(0)
    failTimes(brake, 1)
    expect(brake.remaining).to.equal(BRAKE_PAUSE)
  })
})

describe('outbound: the chance of a peer to be dialled again', () => {
  const core = [
    { record: { failures: 0 }, chance: 1 },
    { record: { failures: 1 }, chance: 0.66 },
    { record: { failures: 8 }, chance: 0.66 ** 8 },
    { record: { failures: 80 }, chance: 0.66 ** 8 },
    { record: { failures: 0, lastTry: NOW - 1 }, chance: 0.01 },
    { record: { failures: 0, lastTry: NOW - 10 * MINUTE + 1 }, chance: 0.01 },
    { record: { failures: 0, lastTry: NOW - 10 * MINUTE }, chance: 1 },
    { record: { failures: 2, lastTry: NOW - MINUTE }, chance: 0.01 * 0.66 ** 2 }
  ]

  for (const { record, chance } of core) {
    it(`is ${chance.toPrecision(2)} for ${JSON.stringify(record)} by Bitcoin Core's rule`, () => {
      expect(coreRetryChance(record, NOW)).to.be.closeTo(chance, 1e-9)
    })
  }

  // the table of the Satoshi client: seen so long ago, dialled again after so long
  const satoshi = [
    { seen: 59 * MINUTE, wait: 10 * MINUTE },
    { seen: HOUR, wait: HOUR },
    { seen: 4 * HOUR, wait: 2 * HOUR },
    { seen: 25 * HOUR, wait: 5 * HOUR },
    { seen: 49 * HOUR, wait: 7 * HOUR },
    { seen: 169 * HOUR, wait: 13 * HOUR },
    { seen: 729 * HOUR, wait: 27 * HOUR }
  ]

  for (const { seen, wait } of satoshi) {
    it(`begins after ${wait / MINUTE} min for a peer seen ${seen / MINUTE} min ago by the Satoshi client's rule`, () => {
      expect(satoshiRetryChance({ lastSeen: NOW - seen, lastTry: NOW - wait + 1, failures: 0 }, NOW)).to.equal(0)
      expect(satoshiRetryChance({ lastSeen: NOW - seen, lastTry: NOW - wait, failures: 0 }, NOW)).to.equal(1)
    })
  }

  it('does not mind times that lie ahead', () => {
    expect(satoshiRetryChance({ lastSeen: NOW + 4 * HOUR, lastTry: NOW - 2 * HOUR, failures: 0 }, NOW)).to.equal(1)
    expect(satoshiRetryChance({ lastSeen: NOW + 4 * HOUR, lastTry: NOW - HOUR, failures: 0 }, NOW)).to.equal(0)
  })

  it('comes back for a peer that was never seen', () => {
    expect(satoshiRetryChance({ lastTry: NOW - 99 * HOUR, failures: 9 }, NOW)).to.equal(0)
    expect(satoshiRetryChance({ lastTry: NOW - 100 * HOUR, failures: 9 }, NOW)).to.equal(1)
    expect(satoshiRetryChance({ failures: 0 }, NOW)).to.equal(1)
  })
})

describe('outbound: the wait after failures', () => {
  const delays = [
    { failures: 1, delay: 1_000 },
    { failures: 2, delay: 2_000 },
    { failures: 9, delay: 256_000 },
    { failures: 10, delay: 300_000 },
    { failures: 1_000_000, delay: 300_000 }
  ]

  for (const { failures, delay } of delays) {
    it(`is ${delay} ms after ${failures}, less up to a fifth by chance`, () => {
      expect(retryDelay(failures, STATIC_RETRY, { next: () => 0 })).to.equal(delay)
      expect(retryDelay(failures, STATIC_RETRY, { next: () => 0.5 })).to.equal(delay * 0.9)
    })
  }
})

describe('outbound: the records of dials', () => {
  it('note a dial when it begins, so that one which fails at once is not repeated at once', async () => {
    const clock = new VirtualClock()
    const records = new DialRecords(clock)
    records.onTry('a')
    expect(records.isFresh('a')).to.be.true()
    await clock.advance(DIAL_HISTORY - 1)
    expect(records.isFresh('a')).to.be.true()
    await clock.advance(1)
    expect(records.isFresh('a')).to.be.false()
    expect(records.isFresh('b')).to.be.false()
  })

  it('forget failures when the peer connects', () => {
    const clock = new VirtualClock(7)
    const records = new DialRecords(clock)
    records.onTry('a')
    records.onFailure('a')
    records.onFailure('a')
    expect(records.get('a')).to.deep.equal({ lastTry: 7, failures: 2 })
    records.onConnected('a')
    expect(records.get('a')).to.deep.equal({ lastTry: 7, lastSeen: 7, failures: 0 })
  })

  it('are bounded, the oldest go first', () => {
    const records = new DialRecords(new VirtualClock(), 2)
    records.onTry('a')
    records.onTry('b')
    records.onTry('a')
    records.onTry('c')

    expect(records.size).to.equal(2)
    expect(records.get('b')).to.deep.equal({ failures: 0 })
    expect(records.get('a').lastTry).to.not.equal(undefined)
  })
})
