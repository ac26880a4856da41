import { expect } from 'aegir/chai'
import { IpAddress, parseIp } from '../../src/addresses/index.ts'
import { AllowList } from '../../src/admission/index.ts'

const PEER = '12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq'
const OTHER_PEER = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'

function ip (text: string): IpAddress {
  return parseIp(text) ?? new IpAddress(4, [0])
}

describe('admission/allow-list', () => {
  it('lists addresses and ranges for every peer', () => {
    const list = new AllowList(['/ip4/203.0.113.0/ipcidr/24', '/ip6/2a01:4f8::1', '10.0.0.0/8'])

    for (const text of ['203.0.113.7', '2a01:4f8::1', '10.1.2.3']) {
      expect(list.has(ip(text))).to.be.true()
      expect(list.allows(ip(text), PEER)).to.be.true()
    }

    expect(list.has(ip('203.0.114.7'))).to.be.false()
  })

  it('lists a range for one peer, which is allowed before the peer is known', () => {
    const list = new AllowList([`/ip4/203.0.113.0/ipcidr/24/p2p/${PEER}`])

    expect(list.has(ip('203.0.113.7'))).to.be.true()
    expect(list.allows(ip('203.0.113.7'), PEER)).to.be.true()
    expect(list.allows(ip('203.0.113.7'), OTHER_PEER)).to.be.false()
    expect(list.allows(ip('203.0.114.7'), PEER)).to.be.false()
  })

  it('a wide range allows a peer that a narrow one within it does not name', () => {
    const list = new AllowList([`/ip4/203.0.113.7/p2p/${OTHER_PEER}`, '/ip4/203.0.113.0/ipcidr/24'])

    expect(list.allows(ip('203.0.113.7'), PEER)).to.be.true()
  })

  it('lists a range for one peer and for every peer', () => {
    const forOne = [`/ip4/203.0.113.0/ipcidr/24/p2p/${PEER}`]
    const list = new AllowList([...forOne, '/ip4/203.0.113.0/ipcidr/24'])

    expect(list.allows(ip('203.0.113.7'), OTHER_PEER)).to.be.true()
    expect(new AllowList(forOne).allows(ip('203.0.113.7'), OTHER_PEER)).to.be.false()
  })

  it('names the entry that can not be one', () => {
    expect(() => new AllowList(['/ip4/203.0.113.7', `/p2p/${PEER}`])).to.throw('"allow[1]" must be')
    expect(() => new AllowList(['/ip4/203.0.113.0/ipcidr/33'])).to.throw('"allow[0]" must be')
    expect(() => new AllowList(['/ip4/203.0.113.0/ipcidr/24/p2p/nobody'])).to.throw('"allow[0]" must be')
    expect(() => new AllowList(['example.org'])).to.throw('"allow[0]" must be')
  })
})
