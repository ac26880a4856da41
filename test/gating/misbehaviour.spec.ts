import { peerIdFromString } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import { hostRange, parseIp } from '../../src/addresses/index.ts'
import { Misbehaviour } from '../../src/gating/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { IpAddress } from '../../src/addresses/index.ts'
import type { Ban, BanOptions, MisbehaviourInit, Penalty } from '../../src/gating/index.ts'

const PEER = peerIdFromString('12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq')
const OTHER_PEER = peerIdFromString('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')

describe('gating/misbehaviour', () => {
  let clock: VirtualClock
  let banned: Array<BanOptions & { target: string }>
  let discouraged: string[]
  let exempt: string | undefined
  let hosts: string[]
  let addresses: Record<string, IpAddress[]>

  beforeEach(() => {
    clock = new VirtualClock()
    banned = []
    discouraged = []
    exempt = undefined
    hosts = []
    addresses = {}
  })

  function create (init?: MisbehaviourInit): Misbehaviour {
    return new Misbehaviour({
      clock,
      bans: {
        ban: async (target, options = {}): Promise<Ban> => {
          banned.push({ target: target.toString(), ...options })

          return { kind: 'peer', target: target.toString(), created: clock.now(), expires: Infinity }
        }
      },
      discouraged: {
        addPeer: peerId => { discouraged.push(peerId.toString()) },
        addIp: ip => { hosts.push(hostRange(ip)) }
      },
      addressesOf: peerId => addresses[peerId.toString()] ?? [],
      isExempt: peerId => peerId.toString() === exempt
    }, init)
  }

  it('bans above a score of 100, not at it', async () => {
    const misbehaviour = create()

    await expect(misbehaviour.report(PEER, { persistent: 100 })).to.eventually.include({ score: 100, outcome: 'discouraged' })
    expect(banned).to.be.empty()

    await expect(misbehaviour.report(PEER, { persistent: 1 }, 'bad block')).to.eventually.include({ score: 101, outcome: 'banned' })
    expect(banned).to.deep.equal([{ target: PEER.toString(), for: undefined, reason: 'bad block', automatic: true }])
    expect(misbehaviour.score(PEER), 'the ban settles the score').to.equal(0)
  })

  it('refuses to ban before it discourages, and names both thresholds', () => {
    expect(() => create({ discourageThreshold: 150 })).to.throw()
      .with.property('message', '"misbehaviour.discourageThreshold" must be at most misbehaviour.banThreshold (100), got 150')
    expect(() => create({ discourageThreshold: 20, banThreshold: 10 })).to.throw().with.property('name', 'InvalidParametersError')
  })

  it('discourages at half of a low threshold for bans', async () => {
    const misbehaviour = create({ banThreshold: 20 })

    await expect(misbehaviour.report(PEER, { persistent: 10 })).to.eventually.include({ outcome: 'noted' })
    await expect(misbehaviour.report(PEER, { persistent: 1 })).to.eventually.include({ outcome: 'discouraged' })
  })

  it('halves the transient part in a minute and drops it after half an hour', async () => {
    const misbehaviour = create()
    await misbehaviour.report(PEER, { transient: 80, persistent: 7 })
    await clock.advance(60_000)
    expect(misbehaviour.score(PEER)).to.equal(47)
    await clock.advance(60_000)
    expect(misbehaviour.score(PEER)).to.equal(27)
    await clock.advance(1_680_001)
    expect(misbehaviour.score(PEER)).to.equal(7)
  })

  it('adds to what is left of the transient part', async () => {
    const misbehaviour = create()
    await misbehaviour.report(PEER, { transient: 40 })
    await clock.advance(60_000)
    await expect(misbehaviour.report(PEER, { transient: 20 })).to.eventually.include({ score: 40, outcome: 'noted' })
    await clock.advance(60_000)
    await misbehaviour.report(PEER, { persistent: 5 })
    await clock.advance(60_000)
    expect(misbehaviour.score(PEER)).to.equal(15)
  })

  it('sums up small offences', async () => {
    const misbehaviour = create()

    for (let i = 0; i < 10; i++) {
      await misbehaviour.report(PEER, { transient: 0.5 })
    }

    expect(misbehaviour.score(PEER)).to.equal(5)
  })

  it('discourages before it bans', async () => {
    const misbehaviour = create()

    await expect(misbehaviour.report(PEER, { transient: 50 })).to.eventually.include({ outcome: 'noted' })
    await expect(misbehaviour.report(PEER, { transient: 1 })).to.eventually.include({ outcome: 'discouraged' })
    expect(discouraged).to.deep.equal([PEER.toString()])
  })

  it('does not ban who is exempt', async () => {
    exempt = PEER.toString()
    const misbehaviour = create()

    await expect(misbehaviour.report(PEER, { persistent: 500 })).to.eventually.deep.equal({ score: 500, outcome: 'exempt' })
    await expect(misbehaviour.report(OTHER_PEER, { persistent: 500 })).to.eventually.include({ outcome: 'banned' })
    expect(banned.map(({ target }) => target)).to.deep.equal([OTHER_PEER.toString()])
  })

  it('keeps the scores of a bounded number of peers', async () => {
    const misbehaviour = create({ maxPeers: 1 })
    await misbehaviour.report(PEER, { persistent: 5 })
    await misbehaviour.report(OTHER_PEER, { persistent: 5 })

    expect(misbehaviour.score(PEER)).to.equal(0)
    expect(misbehaviour.score(OTHER_PEER)).to.equal(5)
    expect(misbehaviour.reset(OTHER_PEER)).to.be.true()
    expect(misbehaviour.score(OTHER_PEER)).to.equal(0)
  })

  it('takes its numbers from the options', async () => {
    const misbehaviour = create({ banThreshold: 10, discourageThreshold: 5, halfLife: 1_000, banDuration: 7 })

    await expect(misbehaviour.report(PEER, { transient: 8 })).to.eventually.include({ outcome: 'discouraged' })
    await clock.advance(1_000)
    expect(misbehaviour.score(PEER)).to.equal(4)
    await misbehaviour.report(PEER, { transient: 8 })
    expect(banned[0].for).to.equal(7)
  })

  describe('of an address', () => {
    const ips = (...texts: string[]): IpAddress[] => texts.map(text => parseIp(text)).filter(ip => ip != null)

    it('is what all its peers have done, so that a new identity does not start clean', async () => {
      const misbehaviour = create()
      addresses = { [PEER.toString()]: ips('203.0.113.7'), [OTHER_PEER.toString()]: ips('203.0.113.7') }
      await misbehaviour.report(PEER, { persistent: 30 })
      expect(hosts).to.deep.equal([])

      await expect(misbehaviour.report(OTHER_PEER, { transient: 21 })).to.eventually.include({ outcome: 'noted' })
      expect(hosts).to.deep.equal(['203.0.113.7/32'])
    })

    it('is that of a host, once for all its connections, and of a /64 of IPv6', async () => {
      const misbehaviour = create()
      addresses = { [PEER.toString()]: ips('2a01:4f8:0:1::1', '2a01:4f8:0:1:2::3', '198.51.100.1') }
      await misbehaviour.report(PEER, { persistent: 50 })
      expect(hosts).to.deep.equal([])
      await misbehaviour.report(PEER, { persistent: 1 })
      expect(hosts).to.deep.equal(['2a01:4f8:0:1::/64', '198.51.100.1/32'])
    })

    it('decays, whatever it was for', async () => {
      const misbehaviour = create()
      addresses = { [PEER.toString()]: ips('203.0.113.7') }
      await misbehaviour.report(PEER, { persistent: 40 })
      await clock.advance(60_000)
      await misbehaviour.report(PEER, { persistent: 30 })
      expect(hosts).to.deep.equal([])
    })

    it('is charged to who has left meanwhile, too, and never for who is exempt', async () => {
      const misbehaviour = create()
      misbehaviour.onClose(PEER.toString(), ips('203.0.113.7')[0])
      exempt = PEER.toString()
      await misbehaviour.report(PEER, { persistent: 200 })
      expect(hosts).to.deep.equal([])

      exempt = undefined
      await misbehaviour.report(PEER, { persistent: 200 })
      expect(hosts).to.deep.equal(['203.0.113.7/32'])
    })
  })

  for (const penalty of [{ persistent: -1 }, { transient: NaN }, { transient: Infinity }, { persistent: '5' }, { transient: null }]) {
    it(`refuses a penalty of ${JSON.stringify(penalty)}`, async () => {
      const misbehaviour = create()

      await expect(misbehaviour.report(PEER, penalty as Penalty)).to.eventually.be.rejected
        .with.property('message').that.matches(/^"penalty\.(persistent|transient)" must be a number of 0 or more/)
      expect(misbehaviour.score(PEER)).to.equal(0)
    })
  }

  it('does not decay where half of it is never gone', async () => {
    const misbehaviour = create({ halfLife: Infinity })
    await misbehaviour.report(PEER, { transient: 40 })
    await clock.advance(30 * 86_400_000)
    expect(misbehaviour.score(PEER)).to.equal(40)
  })
})
