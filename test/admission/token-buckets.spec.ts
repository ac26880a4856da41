import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { IpAddress, parseIp } from '../../src/addresses/index.ts'
import { TokenBuckets } from '../../src/admission/token-buckets.ts'
import { defaultSubnetLimits } from '../../src/resources/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { RateLimits } from '../../src/resources/index.ts'

function ip (text: string): IpAddress {
  return parseIp(text) ?? new IpAddress(4, [0])
}

/**
 * Of how many networks buckets are kept
 */
function sizeOf (buckets: TokenBuckets): number {
  return Object.values(buckets['tables']).flat().reduce((sum, table) => sum + table['buckets'].size, 0)
}

describe('admission/token-buckets', () => {
  let clock: VirtualClock

  beforeEach(() => {
    clock = new VirtualClock()
  })

  function create (limits: RateLimits = defaultSubnetLimits().rates, maxBuckets?: number): TokenBuckets {
    return new TokenBuckets(clock, limits, maxBuckets)
  }

  /**
   * How many of `attempts` get a token
   */
  function taken (buckets: TokenBuckets, text: string, attempts = 200): number {
    return Array.from({ length: attempts }, () => buckets.take(ip(text))).filter(refusal => refusal == null).length
  }

  it('lets 16 connections of an IPv4 address come at once, and one every 5 s', async () => {
    const buckets = create()
    expect(taken(buckets, '203.0.113.7')).to.equal(16)
    expect(taken(buckets, '203.0.113.8'), 'another address').to.equal(16)

    await clock.advance(4_999)
    expect(buckets.take(ip('203.0.113.7'))).to.deep.equal({ scope: 'subnet:203.0.113.7/32', current: 16, limit: 16 })
    await clock.advance(1)
    expect(taken(buckets, '203.0.113.7')).to.equal(1)
    await clock.advance(1_000_000)
    expect(taken(buckets, '203.0.113.7')).to.equal(16)
  })

  it('lets 16 of an IPv6 /56 and 80 of a /48 come at once', () => {
    const buckets = create()
    const subnets = [1, 2, 3, 4, 5, 6].map(i => taken(buckets, `2a01:4f8:0:${i}00::${i}`))

    expect(subnets).to.deep.equal([16, 16, 16, 16, 16, 0])
    expect(buckets.take(ip('2a01:4f8:0:600::6'))).to.deep.equal({ scope: 'subnet:2a01:4f8::/48', current: 80, limit: 80 })
  })

  it('takes nothing when one of several buckets is empty', () => {
    const buckets = create({
      ipv6: [{ prefix: 48, perSecond: 0, burst: 1 }, { prefix: 56, perSecond: 0, burst: 2 }],
      global: { perSecond: 0, burst: 2 }
    })
    expect(taken(buckets, '2a01:4f8:0:100::1')).to.equal(1)
    expect(taken(buckets, '2a01:4f8:1:100::1'), 'the refusals have cost no global token').to.equal(1)
    expect(buckets.take(ip('2a01:4f8:2:100::1'))).to.deep.equal({ scope: 'system', current: 2, limit: 2 })
  })

  it('gives back what was taken, and no more', () => {
    const buckets = create({ ipv4: [{ prefix: 24, perSecond: 0, burst: 3 }], global: { perSecond: 0, burst: 3 } })
    buckets.take(ip('203.0.113.7'))
    buckets.refund(ip('203.0.113.7'))
    buckets.refund(ip('203.0.113.7'))

    expect(taken(buckets, '203.0.113.9')).to.equal(3)
  })

  it('a network with a rate of its own goes by that alone, the most specific one', async () => {
    const buckets = create({
      ipv4: [{ prefix: 32, perSecond: 1, burst: 1 }],
      networks: [{ cidr: '10.0.0.0/8', perSecond: 1, burst: 5 }, { cidr: '10.1.0.0/16', perSecond: 'unlimited', burst: 0 }],
      global: { perSecond: 1, burst: 1 }
    })

    expect(taken(buckets, '10.1.0.1')).to.equal(200)
    expect(taken(buckets, '10.2.0.1')).to.equal(5)
    expect(buckets.take(ip('10.3.0.1'))).to.deep.equal({ scope: 'network:10.0.0.0/8', current: 5, limit: 5 })
    buckets.refund(ip('10.3.0.1'))
    buckets.refund(ip('10.1.0.1'))
    expect(taken(buckets, '10.3.0.1')).to.equal(1)
    expect(taken(buckets, '11.0.0.1')).to.equal(1)
  })

  it('exempts loopback and private addresses by default', () => {
    const buckets = create()

    expect(['127.0.0.1', '192.168.1.1', '::1', 'fc00::1'].map(text => taken(buckets, text))).to.deep.equal([200, 200, 200, 200])
  })

  it('limits nothing without limits', () => {
    expect(taken(create({}), '203.0.113.7')).to.equal(200)
    expect(taken(create({ ipv4: [{ prefix: 32, perSecond: 'unlimited', burst: 0 }], global: { perSecond: 'unlimited', burst: 0 } }), '203.0.113.7')).to.equal(200)
  })

  it('forgets networks whose buckets are full', async () => {
    const buckets = create({ ipv4: [{ prefix: 32, perSecond: 1, burst: 10 }] })

    for (let i = 0; i < 1_000; i++) {
      buckets.take(new IpAddress(4, [i]))
    }

    expect(sizeOf(buckets)).to.equal(1_000)
    await clock.advance(10_000)
    buckets.take(ip('203.0.113.7'))
    await clock.advance(10_000)
    buckets.take(ip('203.0.113.8'))
    expect(sizeOf(buckets)).to.equal(1)
  })

  it('does not forget a network before its bucket is full', async () => {
    const buckets = create()
    buckets.take(ip('203.0.113.1'))
    await clock.advance(70_000)
    expect(taken(buckets, '203.0.113.7')).to.equal(16)

    // the bucket of the first one is full, so another generation begins
    await clock.advance(10_000)
    buckets.take(ip('203.0.113.1'))
    expect(taken(buckets, '203.0.113.7'), '10 s later').to.equal(2)
  })

  it('has a bounded size, whoever connects', () => {
    const buckets = create({ ipv4: [{ prefix: 32, perSecond: 0, burst: 1 }] }, 100)

    for (let i = 0; i < 10_000; i++) {
      buckets.take(new IpAddress(4, [i]))
      expect(sizeOf(buckets)).to.be.at.most(100)
    }
  })

  it('keeps the buckets that were used last when there are too many', () => {
    const buckets = create({ ipv4: [{ prefix: 32, perSecond: 0, burst: 1 }] }, 100)

    for (let i = 0; i < 400; i++) {
      buckets.take(new IpAddress(4, [i]))

      // half of them at least
      for (let j = Math.max(0, i - 49); j <= i; j++) {
        expect(buckets.take(new IpAddress(4, [j])), `${j} after ${i}`).to.not.equal(undefined)
      }
    }
  })

  it('does what buckets that are never forgotten do', () => {
    const step = fc.record({ address: fc.integer({ min: 1, max: 5 }), wait: fc.nat({ max: 4_000 }), isRefund: fc.boolean() })

    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), steps => {
      let now = 0
      const rate = { perSecond: 0.3, burst: 4 }
      const buckets = new TokenBuckets({ ...clock, now: () => now, setTimeout: () => ({ clear: () => {} }), nextTurn: async () => {} }, { ipv4: [{ prefix: 32, ...rate }] })
      const model = new Map<number, { tokens: number, at: number }>()

      for (const { address, wait, isRefund } of steps) {
        now += wait
        const bucket = model.get(address) ?? { tokens: rate.burst, at: now }
        const tokens = Math.min(rate.burst, bucket.tokens + (now - bucket.at) * rate.perSecond / 1_000)

        if (isRefund) {
          buckets.refund(new IpAddress(4, [address]))
          model.set(address, { tokens: Math.min(rate.burst, tokens + 1), at: now })
        } else {
          // at the border the two may round differently
          const isTaken = buckets.take(new IpAddress(4, [address])) == null

          if (Math.abs(tokens - 1) > 1e-6) {
            expect(isTaken).to.equal(tokens >= 1)
          }

          model.set(address, { tokens: isTaken ? tokens - 1 : tokens, at: now })
        }
      }
    }))
  })
})
