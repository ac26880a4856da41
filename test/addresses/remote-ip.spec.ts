import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { relayPeer, remoteIp, transportKind } from '../../src/addresses/index.ts'

const RELAY = '12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq'
const OTHER = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const CERTHASH = 'uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g'

describe('addresses/remote-ip', () => {
  it('is the IP of the remote', () => {
    expect(remoteIp(multiaddr('/ip4/83.12.4.5/tcp/4001'))?.text).to.equal('83.12.4.5')
    expect(remoteIp(multiaddr('/ip6/2a01:4f8::1/udp/4001/quic-v1'))?.text).to.equal('2a01:4f8::1')
    expect(remoteIp(multiaddr('/ip6/::ffff:83.12.4.5/tcp/4001'))?.text).to.equal('83.12.4.5')
    expect(remoteIp(multiaddr('/ip6zone/eth0/ip6/fe80::1/tcp/4001'))?.text).to.equal('fe80::1')
    expect(remoteIp(multiaddr(multiaddr('/ip6/2a01:4f8::1/tcp/4001').bytes))?.text).to.equal('2a01:4f8::1')
    expect(remoteIp(multiaddr(`/ip4/83.12.4.5/udp/4001/webrtc-direct/certhash/${CERTHASH}`))?.text).to.equal('83.12.4.5')
  })

  it('is nothing where the address has no IP of the remote itself', () => {
    const addresses = [
      `/ip4/83.12.4.5/tcp/4001/p2p/${RELAY}/p2p-circuit`,
      `/ip4/83.12.4.5/tcp/4001/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${OTHER}`,
      `/webrtc/p2p/${OTHER}`,
      '/dns4/example.org/tcp/4001',
      '/dnsaddr/example.org',
      '/memory/1',
      '/unix/%2Ftmp%2Fsocket',
      `/p2p/${OTHER}`
    ]

    for (const address of addresses) {
      expect(remoteIp(multiaddr(address)), address).to.be.undefined()
    }
  })

  it('knows the relay of a relayed address', () => {
    expect(relayPeer(multiaddr(`/ip4/83.12.4.5/tcp/4001/p2p/${RELAY}/p2p-circuit/p2p/${OTHER}`))).to.equal(RELAY)
    expect(relayPeer(multiaddr(`/ip4/83.12.4.5/tcp/4001/p2p/${OTHER}`))).to.be.undefined()
    expect(relayPeer(multiaddr('/ip4/83.12.4.5/tcp/4001/p2p-circuit'))).to.be.undefined()
  })
})

describe('addresses/transport-kind', () => {
  const kinds = {
    '/ip4/83.12.4.5/tcp/4001': 'tcp',
    '/ip4/83.12.4.5/tcp/4001/tls': 'tcp',
    '/ip4/83.12.4.5/tcp/4001/ws': 'ws',
    '/ip4/83.12.4.5/tcp/4001/wss': 'wss',
    '/dns4/example.org/tcp/443/tls/ws': 'wss',
    '/ip4/83.12.4.5/tcp/443/tls/sni/example.org/ws': 'wss',
    '/ip4/83.12.4.5/udp/4001/quic-v1': 'quic-v1',
    [`/ip4/83.12.4.5/udp/4001/quic-v1/webtransport/certhash/${CERTHASH}`]: 'webtransport',
    [`/ip4/83.12.4.5/udp/4001/webrtc-direct/certhash/${CERTHASH}`]: 'webrtc-direct',
    [`/ip4/83.12.4.5/tcp/4001/p2p/${RELAY}/p2p-circuit/p2p/${OTHER}`]: 'circuit',
    [`/ip4/83.12.4.5/tcp/4001/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${OTHER}`]: 'webrtc',
    [`/webrtc/p2p/${OTHER}`]: 'webrtc',
    '/memory/1': 'memory',
    '/ip4/83.12.4.5/udp/4001': 'other',
    '/unix/%2Ftmp%2Fsocket': 'other'
  }

  for (const [address, kind] of Object.entries(kinds)) {
    it(`${address} is ${kind}`, () => {
      expect(transportKind(multiaddr(address))).to.equal(kind)
    })
  }
})
