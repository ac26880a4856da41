import { defaultLogger } from '@libp2p/logger'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { MemoryDatastore } from 'datastore-core'
import fc from 'fast-check'
import { Key } from 'interface-datastore'
import { parseIp } from '../../src/addresses/index.ts'
import { BanList } from '../../src/gating/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { BanListInit, BanOptions, BanTarget } from '../../src/gating/index.ts'

const PEER = peerIdFromString('12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq')
const OTHER_PEER = peerIdFromString('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')
const DAY = 86_400_000

/**
 * A datastore that fails when it is told to
 */
class FailingDatastore extends MemoryDatastore {
  isFailing = false

  put (...args: Parameters<MemoryDatastore['put']>): ReturnType<MemoryDatastore['put']> {
    this.check()
    return super.put(...args)
  }

  delete (...args: Parameters<MemoryDatastore['delete']>): ReturnType<MemoryDatastore['delete']> {
    this.check()
    return super.delete(...args)
  }

  query (...args: Parameters<MemoryDatastore['query']>): ReturnType<MemoryDatastore['query']> {
    this.check()
    return super.query(...args)
  }

  private check (): void {
    if (this.isFailing) {
      throw new Error('disk full')
    }
  }
}

describe('gating/ban-list', () => {
  let clock: VirtualClock
  let datastore: FailingDatastore
  let lists: BanList[]

  beforeEach(() => {
    clock = new VirtualClock()
    datastore = new FailingDatastore()
    lists = []
  })

  afterEach(async () => {
    await Promise.all(lists.map(async list => { await list.stop() }))
    expect(clock.timers, 'timers that are left').to.equal(0)
  })

  async function startList (init?: BanListInit): Promise<BanList> {
    const list = new BanList({ clock, datastore, logger: defaultLogger() }, init)
    lists.push(list)
    await list.start()

    return list
  }

  function targets (list: BanList): string[] {
    return list.list().map(ban => ban.target).sort()
  }

  async function storedKeys (): Promise<string[]> {
    const keys: string[] = []

    for await (const key of datastore.queryKeys({ prefix: '/libp2p-connmgr/bans' })) {
      keys.push(key.toString())
    }

    return keys
  }

  it('bans a peer for a day', async () => {
    const list = await startList()
    const ban = await list.ban(PEER, { reason: 'spam' })

    expect(ban).to.deep.equal({ kind: 'peer', target: PEER.toString(), created: clock.now(), expires: clock.now() + DAY, reason: 'spam' })
    expect(list.ofPeer(PEER)).to.deep.equal(ban)
    expect(list.ofPeer(OTHER_PEER)).to.be.undefined()

    await clock.advance(DAY)
    expect(list.ofPeer(PEER)).to.be.undefined()
  })

  it('bans addresses and ranges', async () => {
    const list = await startList()
    await list.ban('203.0.113.7')
    await list.ban('10.0.0.0/8')
    await list.ban('/ip6/2a01:4f8::/ipcidr/32')
    await list.ban(multiaddr('/ip4/198.51.100.1/tcp/4001'))

    const banned = ['203.0.113.7', '10.1.2.3', '2a01:4f8:1::1', '198.51.100.1', '::ffff:10.1.2.3']
    const free = ['203.0.113.8', '11.1.2.3', '2a01:4f9::1', '198.51.100.2']

    expect(banned.filter(text => banOf(list, text) == null)).to.be.empty()
    expect(free.filter(text => banOf(list, text) != null)).to.be.empty()
    expect(targets(list)).to.deep.equal(['10.0.0.0/8', '198.51.100.1', '203.0.113.7', '2a01:4f8::/32'])
  })

  it('finds the ban of a multiaddr by its IP address, or by its relay', async () => {
    const list = await startList()
    await list.ban('203.0.113.7')
    await list.ban(PEER)

    expect(list.ofMultiaddr(multiaddr('/ip4/203.0.113.7/tcp/4001'))?.target).to.equal('203.0.113.7')
    expect(list.ofMultiaddr(multiaddr(`/ip4/203.0.113.8/tcp/4001/p2p/${PEER}/p2p-circuit`))?.target).to.equal(PEER.toString())
    expect(list.ofMultiaddr(multiaddr(`/ip4/203.0.113.7/tcp/4001/p2p/${OTHER_PEER}/p2p-circuit`)), 'the address is the relay\'s').to.be.undefined()
  })

  it('makes a ban longer, not shorter', async () => {
    const list = await startList()
    await list.ban(PEER, { for: 1_000, reason: 'first' })
    await list.ban(PEER, { for: 500, reason: 'shorter' })
    expect(list.ofPeer(PEER)).to.include({ expires: clock.now() + 1_000, reason: 'first' })

    await list.ban(PEER, { until: clock.now() + 2_000, reason: 'longer' })
    expect(list.ofPeer(PEER)).to.include({ expires: clock.now() + 2_000, reason: 'longer' })
    expect(list.size).to.equal(1)
  })

  it('unbans', async () => {
    const list = await startList()
    await list.ban(PEER)
    await list.ban('10.0.0.0/8')

    await expect(list.unban('/ip4/10.0.0.0/ipcidr/8')).to.eventually.be.true()
    await expect(list.unban(`/p2p/${PEER}`)).to.eventually.be.true()
    await expect(list.unban(PEER)).to.eventually.be.false()
    expect(list.list()).to.be.empty()
    await expect(storedKeys()).to.eventually.be.empty()
  })

  it('a wide ban goes on when a narrow one within it expires', async () => {
    const list = await startList()
    await list.ban('10.0.0.0/8')
    await list.ban('10.1.2.3', { for: 1_000 })
    await clock.advance(1_000)

    expect(banOf(list, '10.1.2.3')).to.equal('10.0.0.0/8')
  })

  it('survives a restart, permanent bans included', async () => {
    const before = await startList()
    await before.ban(PEER, { for: Infinity, reason: 'spam' })
    await before.ban('2a01:4f8::/32', { for: 5_000 })
    await before.ban('2a01:4f8::1', { for: 5_000 })
    await before.ban('10.0.0.0/8', { for: 1_000 })
    await before.stop()
    await clock.advance(2_000)

    const after = await startList()
    expect(targets(after)).to.deep.equal([PEER.toString(), '2a01:4f8::/32', '2a01:4f8::1'].sort())
    expect(after.ofPeer(PEER)).to.include({ expires: Infinity, reason: 'spam' })
    expect(await storedKeys(), 'the expired one is deleted').to.have.lengthOf(3)
  })

  it('works without a datastore', async () => {
    const list = new BanList({ clock, logger: defaultLogger() })
    lists.push(list)
    await list.start()
    await list.ban(PEER, { for: 100_000 })
    await list.ban('10.0.0.0/8', { for: 1_000 })
    await clock.advance(60_000)

    expect(list.size, 'what has expired is forgotten').to.equal(1)
    await expect(list.unban(PEER)).to.eventually.be.true()
  })

  it('changes nothing when the datastore fails', async () => {
    const list = await startList()
    await list.ban('10.0.0.0/8')
    datastore.isFailing = true

    await expect(list.ban(PEER)).to.eventually.be.rejectedWith('disk full')
    await expect(list.ban('10.0.0.0/8', { for: Infinity })).to.eventually.be.rejectedWith('disk full')
    await expect(list.unban('10.0.0.0/8')).to.eventually.be.rejectedWith('disk full')
    expect(list.ofPeer(PEER)).to.be.undefined()
    expect(list.list()).to.have.lengthOf(1)
    expect(list.list()[0].expires).to.equal(clock.now() + DAY)

    await clock.advance(60_000)
    expect(targets(list), 'a refresh that fails').to.deep.equal(['10.0.0.0/8'])

    datastore.isFailing = false
    await list.ban(PEER)
    await clock.advance(60_000)
    expect(list.list()).to.have.lengthOf(2)
  })

  it('does not start when it can not read its bans', async () => {
    datastore.isFailing = true
    const list = new BanList({ clock, datastore, logger: defaultLogger() })

    await expect(list.start()).to.eventually.be.rejectedWith('disk full')

    datastore.isFailing = false
    await list.start()
    lists.push(list)
  })

  it('learns the bans and unbans of other nodes with the same datastore', async () => {
    const one = await startList({ refreshInterval: 10_000 })
    const two = await startList({ refreshInterval: 10_000 })
    const learned: string[] = []
    two.addEventListener('ban', event => { learned.push(`ban ${event.detail.target}`) })
    two.addEventListener('unban', event => { learned.push(`${event.detail.cause} ${event.detail.ban.target}`) })

    await one.ban('10.0.0.0/8')
    await clock.advance(10_000)
    expect(banOf(two, '10.1.2.3')).to.equal('10.0.0.0/8')

    await one.unban('10.0.0.0/8')
    await clock.advance(10_000)
    expect(banOf(two, '10.1.2.3')).to.be.undefined()
    expect(learned).to.deep.equal(['ban 10.0.0.0/8', 'removed 10.0.0.0/8'])
  })

  it('does not make the longer ban of another node shorter', async () => {
    const one = await startList()
    const two = await startList()
    await one.ban(PEER, { for: 5_000, reason: 'theirs' })

    await expect(two.ban(PEER, { for: 1_000 })).to.eventually.include({ expires: clock.now() + 5_000, reason: 'theirs' })
    expect(two.ofPeer(PEER)).to.include({ reason: 'theirs' })
  })

  it('passes over records that are not bans', async () => {
    const encode = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
    const ban = { kind: 'network', target: '10.0.0.0/8', created: 1, expires: null }
    const malformed: unknown[] = [
      '', 'null', '[]', '{', '1', {}, { ...ban, kind: 'peer' }, { ...ban, target: 1 }, { ...ban, target: '10.0.0.0/99' }, { ...ban, expires: 'never' },
      { ...ban, created: null }, { ...ban, target: '11.0.0.0/8' }, { kind: 'peer', target: 'nobody', created: 1, expires: null }
    ]

    for (const [i, value] of malformed.entries()) {
      await datastore.put(new Key(`/libp2p-connmgr/bans/network/${i === 9 ? '10.0.0.0_8' : i}`), encode(value))
    }

    await datastore.put(new Key('/libp2p-connmgr/bans/network/12.0.0.0_8'), encode({ ...ban, target: '12.0.0.0/8', reason: 5 }))

    expect(targets(await startList())).to.deep.equal(['12.0.0.0/8'])
  })

  it('drops the automatic ban that ends first when there are too many of them', async () => {
    const list = await startList({ maxEntries: 2 })
    const ended: string[] = []
    list.addEventListener('unban', event => { ended.push(`${event.detail.cause} ${event.detail.ban.target}`) })

    await list.ban('10.0.0.1', { for: Infinity, automatic: true })
    await list.ban('10.0.0.2', { for: 2_000, automatic: true })
    await list.ban('10.0.0.3', { for: 1_000, automatic: true })
    expect(targets(list)).to.deep.equal(['10.0.0.1', '10.0.0.3'])
    expect(ended).to.deep.equal(['displaced 10.0.0.2'])
    expect(await storedKeys()).to.have.lengthOf(2)

    await list.ban('10.0.0.3', { for: Infinity, automatic: true })
    await expect(list.ban('10.0.0.4', { automatic: true })).to.eventually.be.rejected.with.property('name', 'BanListFullError')
    expect(list.size).to.equal(2)
  })

  it('keeps what an operator bans, however many others are banned by a program', async () => {
    const list = await startList({ maxEntries: 2 })
    await list.ban('203.0.113.0/24', { for: 1_000, reason: 'operator' })
    await list.ban('10.0.0.1', { for: 5_000, automatic: true })
    // what was automatic is taken over, and stays one's own when a program bans it again
    await list.ban('10.0.0.1', { for: 1_000 })
    await list.ban('10.0.0.1', { for: 6_000, automatic: true })

    for (let i = 2; i < 20; i++) {
      await list.ban(`10.0.0.${i}`, { for: 10_000 + i, automatic: true })
    }

    const expected = ['10.0.0.1', '10.0.0.18', '10.0.0.19', '203.0.113.0/24']
    expect(targets(list)).to.have.members(expected).and.have.lengthOf(4)
    // also where they are read again
    expect(targets(await startList({ maxEntries: 2 }))).to.have.members(expected)
    expect(targets(await startList({ maxEntries: 0 }))).to.have.members(['10.0.0.1', '203.0.113.0/24'])
  })

  it('tells who is banned and whose ban has ended', async () => {
    const list = await startList()
    const events: string[] = []
    list.addEventListener('ban', event => { events.push(`${event.detail.target} until ${event.detail.expires - 1_000_000}`) })
    list.addEventListener('unban', event => { events.push(`${event.detail.cause} ${event.detail.ban.target}`) })

    await list.ban('10.0.0.1', { for: 2_000 })
    await list.ban('10.0.0.1', { for: 1_000 })
    await list.ban('10.0.0.1', { for: 3_000 })
    await clock.advance(60_000)

    expect(events).to.deep.equal(['10.0.0.1 until 2000', '10.0.0.1 until 3000', 'expired 10.0.0.1'])
  })

  const badTargets: unknown[] = ['', '/', 'nobody', '10.0.0.0/33', 'example.org', '/p2p/nobody', '/dns4/example.org', undefined, null, 5, {}, `/ip4/10.0.0.1/tcp/1/p2p/${PEER}/p2p-circuit`, `/p2p/${PEER}/p2p-circuit`]

  for (const target of badTargets) {
    it(`refuses to ban ${JSON.stringify(target)}`, async () => {
      const list = await startList()

      await expect(list.ban(target as BanTarget)).to.eventually.be.rejected
        .with.property('message').that.matches(/^"ban\.target" must be/)
      expect(list.size).to.equal(0)
      await expect(storedKeys()).to.eventually.be.empty()
    })
  }

  for (const options of [{ for: 0 }, { for: -1 }, { for: NaN }, { for: '5' }, { until: 1_000_000 }, { until: 5 }, { until: '2090' }, { for: 5, until: 2_000_000 }]) {
    it(`refuses a ban with ${JSON.stringify(options)}`, async () => {
      const list = await startList()

      await expect(list.ban(PEER, options as BanOptions)).to.eventually.be.rejected
        .with.property('message').that.matches(/^"ban\.(for|until)" must be/)
      await expect(storedKeys()).to.eventually.be.empty()
    })
  }

  it('keeps memory and store the same, whatever happens at the same time', async () => {
    const step = fc.record({
      target: fc.constantFrom<BanTarget>(PEER, OTHER_PEER, '10.0.0.0/8', '10.0.0.1', '2a01::/16'),
      action: fc.constantFrom('ban', 'unban', 'refresh', 'fail', 'recover'),
      duration: fc.integer({ min: 1, max: 10_000 })
    })

    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 20 }), async steps => {
      const datastore = new FailingDatastore()
      const list = new BanList({ clock, datastore, logger: defaultLogger() })

      await Promise.allSettled(steps.map(async ({ target, action, duration }) => {
        switch (action) {
          case 'ban': await list.ban(target, { for: duration }); break
          case 'unban': await list.unban(target); break
          case 'refresh': await list.refresh(); break
          default: datastore.isFailing = action === 'fail'
        }
      }))

      datastore.isFailing = false
      const other = new BanList({ clock, datastore, logger: defaultLogger() })
      await other.refresh()

      expect(targets(list)).to.deep.equal(targets(other))
    }))
  })
})

function banOf (list: BanList, text: string): string | undefined {
  const ip = parseIp(text)

  return ip == null ? undefined : list.ofIp(ip)?.target
}
