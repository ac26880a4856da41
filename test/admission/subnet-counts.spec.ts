import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { parseIp } from '../../src/addresses/index.ts'
import { SubnetCounts } from '../../src/admission/subnet-counts.ts'
import { defaultSubnetLimits } from '../../src/resources/index.ts'
import type { Origin } from '../../src/addresses/index.ts'

function from (text: string): Origin {
  return { ip: parseIp(text) }
}

/**
 * Counts as many as the limits allow, of at most 100
 */
function fill (counts: SubnetCounts, origin: Origin): number {
  let added = 0

  while (added < 100 && counts.check(origin) == null) {
    counts.add(origin)
    added++
  }

  return added
}

/**
 * How many subnets and relays have a count
 */
function sizeOf (counts: SubnetCounts): number {
  return Object.values(counts['tables']).flat().reduce((sum, { counts: { size } }) => sum + size, counts['relays'].size)
}

describe('admission/subnet-counts', () => {
  it('lets 8 connections of one IPv4 address in, and another one after one was closed', () => {
    const counts = new SubnetCounts(defaultSubnetLimits())
    expect(fill(counts, from('203.0.113.7'))).to.equal(8)
    expect(counts.check(from('203.0.113.7'))).to.deep.equal({ scope: 'subnet:203.0.113.7/32', current: 8, limit: 8 })
    expect(counts.check(from('203.0.113.8'))).to.be.undefined()

    counts.remove(from('203.0.113.7'))
    expect(counts.check(from('203.0.113.7'))).to.be.undefined()
  })

  it('lets 8 of an IPv6 /56 in and 64 of a /48', () => {
    const counts = new SubnetCounts(defaultSubnetLimits())
    const added = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(i => fill(counts, from(`2a01:4f8:0:${i}00::${i}`)))

    expect(added).to.deep.equal([8, 8, 8, 8, 8, 8, 8, 8, 0])
    expect(counts.check(from('2a01:4f8:0:900::1'))).to.deep.equal({ scope: 'subnet:2a01:4f8::/48', current: 64, limit: 64 })
  })

  it('takes an IPv4 address that is embedded in an IPv6 address for that', () => {
    const counts = new SubnetCounts(defaultSubnetLimits())
    fill(counts, from('203.0.113.7'))

    expect(counts.check(from('::ffff:203.0.113.7'))?.scope).to.equal('subnet:203.0.113.7/32')
    expect(counts.check(from('2002:cb00:7107::1'))?.scope).to.equal('subnet:203.0.113.7/32')
  })

  it('exempts loopback and private addresses by default', () => {
    const counts = new SubnetCounts(defaultSubnetLimits())

    expect(['127.0.0.1', '192.168.1.1', '10.0.0.1', '::1', 'fe80::1'].map(text => fill(counts, from(text)))).to.deep.equal([100, 100, 100, 100, 100])
  })

  it('goes by the most specific network alone', () => {
    const counts = new SubnetCounts({
      ipv4: [{ prefix: 32, connections: 1 }],
      networks: [{ cidr: '10.0.0.0/8', connections: 3 }, { cidr: '10.1.0.0/16', connections: 'unlimited' }, { cidr: '10.2.0.0/16', connections: 'blockAll' }]
    })

    expect(fill(counts, from('10.0.0.1'))).to.equal(3)
    expect(counts.check(from('10.0.0.2'))).to.deep.equal({ scope: 'network:10.0.0.0/8', current: 3, limit: 3 })
    expect(fill(counts, from('10.1.0.1'))).to.equal(100)
    expect(fill(counts, from('10.2.0.1'))).to.equal(0)
    expect(fill(counts, from('11.0.0.1'))).to.equal(1)
  })

  it('counts relayed connections by relay, and others without an address not at all', () => {
    const counts = new SubnetCounts({ relay: 2 })

    expect(fill(counts, { relay: 'one' })).to.equal(2)
    expect(counts.check({ relay: 'one' })).to.deep.equal({ scope: 'relay:one', current: 2, limit: 2 })
    expect(fill(counts, { relay: 'two' })).to.equal(2)
    expect(fill(counts, {})).to.equal(100)
    expect(fill(new SubnetCounts({}), { relay: 'one' })).to.equal(100)
  })

  it('keeps what is counted when the limits change', () => {
    const counts = new SubnetCounts({ ipv4: [{ prefix: 32, connections: 8 }] })
    const open = ['203.0.113.7', '203.0.113.7', '203.0.113.8'].map(from)
    open.forEach(origin => { counts.add(origin) })
    counts.setLimits({ ipv4: [{ prefix: 24, connections: 2 }] }, open)
    expect(counts.check(from('203.0.113.9'))).to.deep.equal({ scope: 'subnet:203.0.113.0/24', current: 3, limit: 2 })

    open.forEach(origin => { counts.remove(origin) })
    expect(sizeOf(counts)).to.equal(0)
    expect(counts.check(from('203.0.113.9'))).to.be.undefined()
  })

  it('tells how crowded the networks of an origin are, the smallest ones above all', () => {
    const connections = Infinity
    const counts = new SubnetCounts({
      ipv4: [{ prefix: 32, connections }, { prefix: 24, connections }, { prefix: 16, connections }],
      networks: [{ cidr: '10.0.0.0/8', connections: 'unlimited' }],
      relay: 100
    })
    const crowding = (origin: Origin): number => counts.crowding(origin, 2)
    ;['203.0.113.7', '203.0.113.7', '203.0.113.8', '203.0.113.9', '10.0.0.1', '10.0.0.1'].map(from).concat({ relay: 'one' }, { relay: 'one' }, {}, {}).forEach(origin => { counts.add(origin) })

    // the host has 2, its /24 and /16 have 4
    expect(['203.0.113.7', '203.0.113.8', '203.0.114.1', '203.1.0.1', '10.0.0.1'].map(from).map(crowding)).to.deep.equal([5, 4, 2, 0, 0])
    expect([{ relay: 'one' }, { relay: 'two' }, {}].map(crowding)).to.deep.equal([1, 0, 0])
    expect(counts.crowding(from('203.0.113.7'), Infinity)).to.equal(0)
    expect(new SubnetCounts({}).crowding(from('203.0.113.7'), 2)).to.equal(0)
  })

  it('has as many as are open, and no entry for what is not', () => {
    const origin = fc.constantFrom<Origin>(...['203.0.113.7', '203.0.113.8', '203.0.114.8', '10.0.0.1', '2a01:4f8::1', '2a01:4f8:0:100::1', '::1'].map(from), { relay: 'one' }, { relay: 'two' }, {})
    const limits = { ...defaultSubnetLimits(), ipv4: [{ prefix: 32, connections: 2 }, { prefix: 24, connections: 3 }], relay: 2 }

    fc.assert(fc.property(fc.array(fc.record({ origin, close: fc.option(fc.nat()) }), { maxLength: 100 }), steps => {
      const counts = new SubnetCounts(limits)
      const open: Origin[] = []

      for (const { origin, close } of steps) {
        if (close != null && open.length > 0) {
          const [closed] = open.splice(close % open.length, 1)
          counts.remove(closed)
        } else if (counts.check(origin) == null) {
          counts.add(origin)
          open.push(origin)
        }

        const sameHost = (text: string): number => open.filter(({ ip }) => ip?.text === text).length
        const sameSubnet = open.filter(({ ip }) => ip?.text.startsWith('203.0.113.')).length
        expect(sameHost('203.0.113.7')).to.be.at.most(2)
        expect(counts.check(from('203.0.113.7')) == null).to.equal(sameHost('203.0.113.7') < 2 && sameSubnet < 3)
        expect(sameSubnet).to.be.at.most(3)
        expect(counts.check(from('203.0.113.9')) == null).to.equal(sameSubnet < 3)
      }

      open.forEach(origin => { counts.remove(origin) })
      expect(sizeOf(counts)).to.equal(0)
    }))
  })
})
