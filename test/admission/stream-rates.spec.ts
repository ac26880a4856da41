import { expect } from 'aegir/chai'
import { StreamRates } from '../../src/admission/stream-rates.ts'
import { scaleLimits } from '../../src/resources/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { StreamRateLimits } from '../../src/resources/index.ts'

/**
 * How many of `count` streams are let through that are opened in `duration` ms
 */
async function open (rates: StreamRates, clock: VirtualClock, count: number, duration: number, peer = 'A', protocol = '/p'): Promise<number> {
  let allowed = 0

  for (let i = 0; i < count; i++) {
    if (rates.exceeded(peer) == null) {
      rates.take(peer)

      if (rates.exceeded(peer, protocol) == null) {
        rates.take(peer, protocol)
        allowed++
      }
    }

    await clock.advance(duration / count)
  }

  return allowed
}

describe('admission/stream-rates', () => {
  let clock: VirtualClock

  function create (limits: StreamRateLimits, maxBuckets?: number): StreamRates {
    return new StreamRates(clock, limits, maxBuckets)
  }

  beforeEach(() => {
    clock = new VirtualClock()
  })

  it('let a burst through, and after it so many in a second', async () => {
    const rates = create({ protocolPeer: { perSecond: 10, burst: 20 } })

    expect(await open(rates, clock, 50, 0)).to.equal(20)
    expect(await open(rates, clock, 100, 2_000)).to.be.within(19, 21)
    await clock.advance(60_000)
    expect(await open(rates, clock, 50, 0)).to.equal(20)
  })

  it('tell which of them is exceeded', async () => {
    const rates = create({ protocolPeer: { perSecond: 1, burst: 2 } })
    await open(rates, clock, 2, 0)

    expect(rates.exceeded('A', '/p')).to.include({ name: 'RateLimitError', scope: 'protocol:/p.peer:A', resource: 'rate', current: 0, requested: 1, limit: 2 })
  })

  it('are those of each peer and protocol for itself', async () => {
    const rates = create({ protocolPeer: { perSecond: 1, burst: 2 }, protocolPeers: { '/own': { perSecond: 1, burst: 5 }, '/free': { perSecond: 'unlimited', burst: 0 } } })

    expect(await open(rates, clock, 10, 0, 'A', '/p')).to.equal(2)
    expect(await open(rates, clock, 10, 0, 'B', '/p')).to.equal(2)
    expect(await open(rates, clock, 10, 0, 'A', '/own')).to.equal(5)
    expect(await open(rates, clock, 10, 0, 'A', '/free')).to.equal(10)
    expect(await open(rates, clock, 10, 0, 'A', '__proto__')).to.equal(2)
  })

  it('hold for a protocol over all peers, and for a peer over all protocols', async () => {
    const rates = create({ peer: { perSecond: 1, burst: 7 }, protocols: { '/p': { perSecond: 1, burst: 3 } } })

    expect(await open(rates, clock, 2, 0, 'A', '/p')).to.equal(2)
    expect(await open(rates, clock, 2, 0, 'B', '/p')).to.equal(1)
    expect(await open(rates, clock, 9, 0, 'A', '/q')).to.equal(5)
  })

  it('give nobody a new burst when they change', async () => {
    const rates = create({ protocolPeer: { perSecond: 1, burst: 2 } })
    await open(rates, clock, 2, 0)
    rates.setLimits({ protocolPeer: { perSecond: 2, burst: 2 } })

    expect(await open(rates, clock, 2, 0)).to.equal(0)
  })

  it('forget who has opened none for longest, when there are too many', async () => {
    const rates = create({ peer: { perSecond: 1e-3, burst: 1 } }, 2)
    await open(rates, clock, 1, 0, 'A')
    await open(rates, clock, 1, 0, 'B')
    await open(rates, clock, 1, 0, 'C')

    expect(['A', 'B', 'C'].map(peer => rates.exceeded(peer) == null)).to.deep.equal([true, false, false])
  })

  it('stop a flood, and nobody who opens a stream for each message, where none were given', async () => {
    const { streamRates } = scaleLimits(0, 0)

    // 1 000 in a second
    expect(await open(create(streamRates ?? {}), clock, 1_000, 1_000)).to.be.within(550, 650)
    // a busy DHT, and blocks one by one with 25 MB per second
    const rates = create(streamRates ?? {})
    expect(await open(rates, clock, 3_000, 60_000, 'A', '/ipfs/kad/1.0.0')).to.equal(3_000)
    expect(await open(rates, clock, 6_000, 60_000, 'A', '/ipfs/bitswap/1.2.0')).to.equal(6_000)
    // gossip opens one when it connects
    expect(await open(rates, clock, 1, 0, 'A', '/meshsub/1.2.0')).to.equal(1)
  })
})
