import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { IpAddress, parseIp } from '../../src/addresses/index.ts'
import { DiscouragedList } from '../../src/gating/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

const PEER = peerIdFromString('12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq')

function ip (text: string): IpAddress {
  return parseIp(text) ?? new IpAddress(4, [0])
}

describe('gating/discouraged', () => {
  it('remembers peers and addresses', () => {
    const list = new DiscouragedList()
    list.addPeer(PEER)
    list.addIp(ip('203.0.113.7'))

    expect(list.hasPeer(PEER)).to.be.true()
    expect(list.hasIp(ip('::ffff:203.0.113.7'))).to.be.true()
    expect(list.hasIp(ip('203.0.113.8'))).to.be.false()
    expect(list.size).to.equal(2)
  })

  it('takes addresses as text, and nothing else', () => {
    const list = new DiscouragedList()
    list.addIp('203.0.113.7')

    expect(list.hasIp(ip('203.0.113.7'))).to.be.true()
    expect(list.hasIp('::ffff:203.0.113.7')).to.be.true()
    expect(list.hasMultiaddr(multiaddr('/ip4/203.0.113.7/tcp/4001'))).to.be.true()
    expect(list.hasMultiaddr(multiaddr(`/ip4/203.0.113.7/tcp/4001/p2p/${PEER.toString()}/p2p-circuit`))).to.be.false()
    expect(list.deleteIp('203.0.113.7')).to.be.true()

    for (const bad of ['', 'example.com', '203.0.113.0/24']) {
      expect(() => { list.addIp(bad) }).to.throw().with.property('option', 'ip')
    }
  })

  it('forgets whom it has remembered for long enough', async () => {
    const clock = new VirtualClock()
    const list = new DiscouragedList({ duration: 1_000 }, clock)
    list.addPeer(PEER)
    await clock.advance(600)
    list.addIp('203.0.113.7')
    expect(list.size).to.equal(2)

    await clock.advance(400)
    expect([list.hasPeer(PEER), list.hasIp('203.0.113.7'), list.size]).to.deep.equal([false, true, 1])
    expect(list.deletePeer(PEER)).to.be.false()
    await clock.advance(600)
    expect([list.hasIp('203.0.113.7'), list.size]).to.deep.equal([false, 0])
  })

  it('takes the /64 of an IPv6 address for one host', () => {
    const list = new DiscouragedList()
    list.addIp(ip('2a01:4f8:0:1::1'))

    expect(list.hasIp(ip('2a01:4f8:0:1:ffff::2'))).to.be.true()
    expect(list.hasIp(ip('2a01:4f8:0:2::1'))).to.be.false()
  })

  it('forgives', () => {
    const list = new DiscouragedList()
    list.addPeer(PEER)
    list.addIp(ip('203.0.113.7'))

    expect(list.deletePeer(PEER)).to.be.true()
    expect(list.deleteIp(ip('203.0.113.7'))).to.be.true()
    expect(list.hasPeer(PEER) || list.hasIp(ip('203.0.113.7'))).to.be.false()
  })

  it('forgets the oldest when it is full', () => {
    const list = new DiscouragedList({ maxEntries: 2 })
    list.addIp(ip('10.0.0.1'))
    list.addIp(ip('10.0.0.2'))
    list.addIp(ip('10.0.0.1'))
    list.addIp(ip('10.0.0.3'))

    expect(['10.0.0.1', '10.0.0.2', '10.0.0.3'].map(text => list.hasIp(ip(text)))).to.deep.equal([true, false, true])
  })
})
