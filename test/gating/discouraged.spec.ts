import { peerIdFromString } from '@libp2p/peer-id'
import { expect } from 'aegir/chai'
import { IpAddress, parseIp } from '../../src/addresses/index.ts'
import { DiscouragedList } from '../../src/gating/index.ts'

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

  it('takes the /56 of an IPv6 address for one host', () => {
    const list = new DiscouragedList()
    list.addIp(ip('2a01:4f8:0:1::1'))

    expect(list.hasIp(ip('2a01:4f8:0:ff:ffff::2'))).to.be.true()
    expect(list.hasIp(ip('2a01:4f8:0:100::1'))).to.be.false()
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
