import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createDialRanker, createSortedRanker, dialRanker, withoutDelays } from '../../src/dialing/ranker.ts'
import type { DialRanker } from '../../src/dialing/ranker.ts'

const relay = '12D3KooWHFKTMzwerBtsVmtz4ZZEQy2heafxzWw6wNn5PPYkBxJ5'
const hash = 'uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g'

const quic4 = '/ip4/1.2.3.4/udp/4001/quic-v1'
const quic4b = '/ip4/1.2.3.4/udp/4002/quic-v1'
const quic4c = '/ip4/1.2.3.4/udp/4003/quic-v1'
const quic6 = '/ip6/2606:4700::1/udp/4001/quic-v1'
const quic6b = '/ip6/2606:4700::1/udp/4002/quic-v1'
const webtransport6 = `/ip6/2606:4700::1/udp/4001/quic-v1/webtransport/certhash/${hash}`
const webrtcDirect4 = `/ip4/1.2.3.4/udp/4001/webrtc-direct/certhash/${hash}`
const webrtcDirect4b = `/ip4/1.2.3.4/udp/4002/webrtc-direct/certhash/${hash}`
const tcp4 = '/ip4/1.2.3.4/tcp/4001'
const tcp4b = '/ip4/1.2.3.4/tcp/4002'
const tcp4c = '/ip4/1.2.3.4/tcp/4003'
const tcp6 = '/ip6/2606:4700::1/tcp/4001'
const tcp6b = '/ip6/2606:4700::1/tcp/4002'
const privateTcp4 = '/ip4/192.168.1.5/tcp/4001'
const privateQuic4 = '/ip4/192.168.1.5/udp/4001/quic-v1'
const relayQuic4 = `/ip4/5.6.7.8/udp/4001/quic-v1/p2p/${relay}/p2p-circuit`
const relayTcp4 = `/ip4/5.6.7.8/tcp/4001/p2p/${relay}/p2p-circuit`
const webrtc = `${relayTcp4}/webrtc`
const memory = '/memory/1'
const onion = '/onion3/vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd:1234'

describe('dialing/ranker', () => {
  function rank (addresses: string[], ranker: DialRanker = dialRanker): Array<[string, number]> {
    return ranker(addresses.map(text => ({ multiaddr: multiaddr(text), isCertified: false })))
      .map(({ address, delay }) => [address.multiaddr.toString(), delay])
  }

  it('dials the first QUIC address, and all others 250 ms later', () => {
    expect(rank([quic4c, quic4, quic4b])).to.deep.equal([[quic4, 0], [quic4b, 250], [quic4c, 250]])
  })

  it('races IPv6 against IPv4, first over QUIC and then over TCP', () => {
    expect(rank([tcp4b, tcp4, tcp6b, tcp6, webtransport6, quic4b, quic6b, quic4, quic6])).to.deep.equal([
      [quic6, 0],
      [quic4, 250],
      [quic6b, 500],
      [quic4b, 500],
      [tcp6, 750],
      [tcp4, 1_000],
      [tcp6b, 1_250],
      [tcp4b, 1_250],
      [webtransport6, 1_500]
    ])
  })

  it('dials the worse of two transports at one port after all that are better, and before relays', () => {
    const ws4 = `${tcp4}/ws`
    const wss4 = `${tcp4}/tls/ws`
    const webtransport4 = `${quic4}/webtransport/certhash/${hash}`

    expect(rank([ws4, wss4, tcp4b, tcp4, relayTcp4])).to.deep.equal([[tcp4, 0], [tcp4b, 250], [ws4, 500], [relayTcp4, 500], [wss4, 750]])
    expect(rank([webtransport4, ws4, tcp4, quic4])).to.deep.equal([[quic4, 0], [tcp4, 250], [webtransport4, 500], [ws4, 750]])
    expect(rank([`${tcp4b}/ws`, tcp4])).to.deep.equal([[tcp4, 0], [`${tcp4b}/ws`, 250]])
    expect(rank([`${relayTcp4.replace('/p2p/', '/ws/p2p/')}`, relayTcp4])).to.deep.equal([[relayTcp4, 0], [relayTcp4.replace('/p2p/', '/ws/p2p/'), 250]])
  })

  it('leaves no address out', () => {
    const kinds = ['/ip4/1.2.3.4/tcp/1', '/ip4/1.2.3.4/udp/1/quic-v1', '/ip6/2606:4700::1/tcp/1', '/dns/a.example/tcp/1', '/ip4/10.0.0.1/tcp/1', relayTcp4]
    const ways = ['', '/ws', '/tls/ws', '/webtransport']
    const address = fc.tuple(fc.constantFrom(...kinds), fc.constantFrom(...ways)).map(parts => parts.join(''))

    fc.assert(fc.property(fc.uniqueArray(address, { maxLength: 24 }), addresses => {
      expect(rank(addresses).map(([text]) => text)).to.have.members(addresses)
    }))
  })

  it('dials TCP after QUIC', () => {
    expect(rank([tcp4b, tcp4, tcp6, quic4])).to.deep.equal([[quic4, 0], [tcp6, 250], [tcp4, 500], [tcp4b, 750]])
  })

  it('dials TCP at once when there is nothing else', () => {
    expect(rank([tcp4, tcp4b, tcp4c])).to.deep.equal([[tcp4, 0], [tcp4b, 250], [tcp4c, 250]])
    expect(rank([tcp6, tcp6b, tcp4])).to.deep.equal([[tcp6, 0], [tcp4, 250], [tcp6b, 500]])
  })

  it('treats WebSockets like TCP', () => {
    const ws = '/ip4/1.2.3.4/tcp/80/ws'
    expect(rank([quic4, ws])).to.deep.equal([[quic4, 0], [ws, 250]])
  })

  it('dials WebRTC a second after what is more reliable, and at once when there is nothing else', () => {
    expect(rank([webrtcDirect4, tcp4])).to.deep.equal([[tcp4, 0], [webrtcDirect4, 1_000]])
    expect(rank([webrtcDirect4])).to.deep.equal([[webrtcDirect4, 0]])
    expect(rank([webrtcDirect4, webrtcDirect4b])).to.deep.equal([[webrtcDirect4, 0], [webrtcDirect4b, 250]])
  })

  it('dials private addresses beside public ones, at shorter distances', () => {
    expect(rank([quic4, privateTcp4])).to.deep.equal([[quic4, 0], [privateTcp4, 0]])
    expect(rank([privateTcp4, privateQuic4])).to.deep.equal([[privateQuic4, 0], [privateTcp4, 30]])
  })

  it('dials relayed addresses at once when there is no direct one', () => {
    expect(rank([relayQuic4])).to.deep.equal([[relayQuic4, 0]])
    expect(rank([relayTcp4, relayQuic4])).to.deep.equal([[relayQuic4, 0], [relayTcp4, 250]])
  })

  it('dials relayed addresses 500 ms after public ones', () => {
    expect(rank([relayQuic4, quic4])).to.deep.equal([[quic4, 0], [relayQuic4, 500]])
  })

  it('dials relayed addresses 100 ms after private ones, where go-libp2p does not wait', () => {
    expect(rank([relayQuic4, privateTcp4])).to.deep.equal([[privateTcp4, 0], [relayQuic4, 100]])
    expect(rank([relayQuic4, privateTcp4], createDialRanker({ privateRelayDelay: 0 })).map(([, delay]) => delay)).to.deep.equal([0, 0])
  })

  it('gives WebRTC through a relay two seconds before it sends the bytes through the relay', () => {
    expect(rank([relayTcp4, webrtc])).to.deep.equal([[webrtc, 0], [relayTcp4, 2_000]])
    expect(rank([relayTcp4, webrtc, quic4])).to.deep.equal([[quic4, 0], [webrtc, 500], [relayTcp4, 2_500]])
  })

  it('treats names as public addresses, but those of this host or network as private', () => {
    expect(rank(['/dns4/a.org/tcp/443/wss', '/dns6/a.org/tcp/443/wss', relayTcp4])).to.deep.equal([
      ['/dns6/a.org/tcp/443/wss', 0],
      ['/dns4/a.org/tcp/443/wss', 250],
      [relayTcp4, 500]
    ])
    expect(rank(['/dns/localhost/tcp/80/ws', '/dns/printer.local/tcp/80/ws'])).to.deep.equal([
      ['/dns/localhost/tcp/80/ws', 0],
      ['/dns/printer.local/tcp/80/ws', 30]
    ])
  })

  it('dials loopback addresses after those of the local network', () => {
    const loopback = '/ip4/127.0.0.1/tcp/1'
    expect(rank([loopback, privateTcp4])).to.deep.equal([[privateTcp4, 0], [loopback, 30]])
  })

  it('dials what never leaves the host at once', () => {
    expect(rank([memory, tcp4])).to.deep.equal([[tcp4, 0], [memory, 0]])
  })

  it('dials unknown kinds a second after the last of the others', () => {
    expect(rank([onion, quic4, tcp4, relayQuic4])).to.deep.equal([[quic4, 0], [tcp4, 250], [relayQuic4, 500], [onion, 1_500]])
    expect(rank([onion, quic4, tcp4, webrtcDirect4, relayQuic4])).to.deep.equal([[quic4, 0], [tcp4, 250], [relayQuic4, 500], [webrtcDirect4, 1_250], [onion, 2_250]])
    expect(rank([onion])).to.deep.equal([[onion, 0]])
  })

  it('keeps the order of addresses that are equally good', () => {
    expect(rank(['/ip4/9.9.9.9/tcp/1', '/ip4/1.1.1.1/tcp/1', '/ip4/5.5.5.5/tcp/1']).map(([address]) => address)).to.deep.equal([
      '/ip4/9.9.9.9/tcp/1',
      '/ip4/1.1.1.1/tcp/1',
      '/ip4/5.5.5.5/tcp/1'
    ])
  })

  it('can do without delays', () => {
    expect(rank([relayQuic4, quic4, tcp4], withoutDelays(dialRanker))).to.deep.equal([[quic4, 0], [tcp4, 0], [relayQuic4, 0]])
  })

  it('follows a sorter of the user, one address after the other', () => {
    const byText = createSortedRanker((a, b) => a.multiaddr.toString() < b.multiaddr.toString() ? -1 : 1)

    expect(rank([tcp4b, privateTcp4, tcp4, quic6], byText)).to.deep.equal([[tcp4, 0], [tcp4b, 250], [privateTcp4, 500], [quic6, 530]])
  })

  it('ranks every address once, the first one at once, without touching the list', () => {
    const all = [quic4, quic6, webtransport6, webrtcDirect4, tcp4, tcp6, privateTcp4, privateQuic4, relayQuic4, relayTcp4, webrtc, memory, onion]

    fc.assert(fc.property(fc.shuffledSubarray(all, { minLength: 1 }), addresses => {
      const before = [...addresses]
      const ranked = rank(addresses)

      expect(addresses).to.deep.equal(before)
      expect(ranked.map(([address]) => address)).to.have.members(addresses)
      expect(ranked[0][1]).to.equal(0)
      expect(ranked.map(([, delay]) => delay)).to.deep.equal(ranked.map(([, delay]) => delay).sort((a, b) => a - b))
    }))
  })
})
