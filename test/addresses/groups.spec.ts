import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { addressGroup } from '../../src/addresses/index.ts'

const RELAY = '12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq'
const OTHER = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'

function group (address: string): string | undefined {
  return addressGroup(multiaddr(address))
}

describe('addresses/groups', () => {
  it('groups IPv4 by /16 and IPv6 by /32', () => {
    expect(group('/ip4/83.12.4.5/tcp/4001')).to.equal('83.12.0.0/16')
    expect(group('/ip4/83.12.200.1/udp/1/quic-v1')).to.equal('83.12.0.0/16')
    expect(group('/ip6/2a01:4f8:1:2::3/tcp/4001')).to.equal('2a01:4f8::/32')
  })

  it('groups the customers of Hurricane Electric by /36', () => {
    expect(group('/ip6/2001:470:1fff::1/tcp/4001')).to.equal('2001:470:1000::/36')
  })

  it('groups what embeds an IPv4 address with that address', () => {
    for (const ip of ['::ffff:83.12.4.5', '2002:530c:405::1', '2001:0:1:2:3:4:acf3:fbfa', '64:ff9b::83.12.4.5']) {
      expect(group(`/ip6/${ip}/tcp/4001`), ip).to.equal('83.12.0.0/16')
    }
  })

  it('groups what is relayed by its relay', () => {
    expect(group(`/ip4/83.12.4.5/tcp/4001/p2p/${RELAY}/p2p-circuit/p2p/${OTHER}`)).to.equal(`relay:${RELAY}`)
    expect(group(`/dns4/example.org/tcp/4001/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${OTHER}`)).to.equal(`relay:${RELAY}`)
    expect(group('/dns4/example.org/tcp/4001/p2p-circuit')).to.equal('relay:dns:example.org')
  })

  it('groups names by their last two labels', () => {
    expect(group('/dns4/Boot-1.Example.ORG./tcp/4001')).to.equal('dns:example.org')
    expect(group('/dnsaddr/example.org')).to.equal('dns:example.org')
    expect(group('/dns/host/tcp/4001')).to.equal('dns:host')
  })

  it('groups WebRTC without an IP together', () => {
    expect(group(`/webrtc/p2p/${OTHER}`)).to.equal('webrtc')
  })

  it('leaves private addresses, memory and unix sockets alone', () => {
    for (const address of ['/ip4/127.0.0.1/tcp/1', '/ip4/192.168.1.1/tcp/1', '/ip6/fe80::1/tcp/1', '/dns4/localhost/tcp/1', '/memory/1', '/unix/%2Ftmp%2Fsocket']) {
      expect(group(address), address).to.be.undefined()
    }
  })

  it('groups private addresses when asked', () => {
    expect(addressGroup(multiaddr('/ip4/192.168.1.1/tcp/1'), { exemptPrivate: false })).to.equal('192.168.0.0/16')
    expect(addressGroup(multiaddr('/dns4/localhost/tcp/1'), { exemptPrivate: false })).to.equal('dns:localhost')
  })

  it('asks groupOf first', () => {
    const groupOf = (): string | undefined => 'AS24940'

    expect(addressGroup(multiaddr('/ip4/83.12.4.5/tcp/1'), { groupOf })).to.equal('AS24940')
    expect(addressGroup(multiaddr('/ip4/127.0.0.1/tcp/1'), { groupOf })).to.equal('AS24940')
    expect(addressGroup(multiaddr('/ip4/83.12.4.5/tcp/1'), { groupOf: () => undefined })).to.equal('83.12.0.0/16')
  })
})
