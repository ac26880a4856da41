import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { prepareAddresses } from '../../src/dialing/address-preparation.ts'
import type { AddressPreparation } from '../../src/dialing/address-preparation.ts'
import type { DialReport } from '../../src/dialing/dial-failure.ts'
import type { Address } from '@libp2p/interface'

const ownPeerId = peerIdFromString('12D3KooWHFKTMzwerBtsVmtz4ZZEQy2heafxzWw6wNn5PPYkBxJ5')
const peerId = peerIdFromString('12D3KooWBUC8S8zbSx6HT2VhBq5Rt8GUuDShBUSuM5FDuf68Y8kD')
const relay = '12D3KooWGjMCwuvLFa8AxAwhrQHuLGaWCtMbkTBUMBkuEHzMgXmJ'
const hash = 'uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g'

interface Prepared {
  addresses: Address[]
  report: DialReport
}

describe('dialing/address-preparation', () => {
  function prepareAll (addresses: Address[], options: Partial<AddressPreparation> = {}): Prepared {
    const report: DialReport = { failures: [], omitted: 0 }

    return { report, addresses: prepareAddresses(addresses, { ownPeerId, ownAddresses: [], canDial: () => true, ...options }, report) }
  }

  function prepare (addresses: string[], options: Partial<AddressPreparation> = {}): Prepared {
    return prepareAll(addresses.map(text => ({ multiaddr: multiaddr(text), isCertified: false })), options)
  }

  function kept ({ addresses }: Prepared): string[] {
    return addresses.map(({ multiaddr }) => multiaddr.toString())
  }

  function reasons ({ report }: Prepared): string[] {
    return report.failures.map(({ multiaddr, reason }) => `${reason} ${multiaddr.toString()}`)
  }

  it('keeps what can be dialled', () => {
    const addresses = ['/ip4/127.0.0.1/tcp/1', '/ip4/1.2.3.4/udp/1/quic-v1', '/dns4/a.org/tcp/443/wss', '/memory/1', '/ip6zone/eth0/ip6/fe80::1/tcp/1']
    const prepared = prepare(addresses)

    expect(kept(prepared)).to.deep.equal(addresses)
    expect(reasons(prepared)).to.be.empty()
  })

  it('appends the peer id where it is missing', () => {
    expect(kept(prepare(['/ip4/1.2.3.4/tcp/1', `/ip4/1.2.3.4/tcp/2/p2p/${peerId}`, `/ip4/1.2.3.4/tcp/3/p2p/${relay}/p2p-circuit`], { peerId }))).to.deep.equal([
      `/ip4/1.2.3.4/tcp/1/p2p/${peerId}`,
      `/ip4/1.2.3.4/tcp/2/p2p/${peerId}`,
      `/ip4/1.2.3.4/tcp/3/p2p/${relay}/p2p-circuit/p2p/${peerId}`
    ])
  })

  it('keeps every address once, certified if either is', () => {
    const { addresses } = prepareAll([
      { multiaddr: multiaddr('/ip4/1.2.3.4/tcp/1'), isCertified: false },
      { multiaddr: multiaddr(`/ip4/1.2.3.4/tcp/1/p2p/${peerId}`), isCertified: true }
    ], { peerId })

    expect(addresses).to.have.lengthOf(1)
    expect(addresses[0]).to.have.property('isCertified', true)
  })

  it('refuses addresses of other peers', () => {
    const prepared = prepare([`/ip4/1.2.3.4/tcp/1/p2p/${relay}`, '/ip4/1.2.3.4/tcp/2'], { peerId })

    expect(reasons(prepared)).to.deep.equal([`wrong-peer /ip4/1.2.3.4/tcp/1/p2p/${relay}`])
    expect(kept(prepared)).to.have.lengthOf(1)
  })

  it('refuses ourselves, by peer id and by listen address', () => {
    const ownAddresses = [multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${ownPeerId}`), multiaddr('/memory/1')]

    expect(reasons(prepare([
      `/ip4/1.2.3.4/tcp/1/p2p/${ownPeerId}`,
      '/ip4/127.0.0.1/tcp/1',
      '/memory/1'
    ], { ownAddresses }))).to.deep.equal([
      `self /ip4/1.2.3.4/tcp/1/p2p/${ownPeerId}`,
      'self /ip4/127.0.0.1/tcp/1',
      'self /memory/1'
    ])
  })

  it('does not take other peers at our relay for ourselves', () => {
    const ownAddress = `/ip4/1.2.3.4/tcp/1/p2p/${relay}/p2p-circuit`
    const ownAddresses = [multiaddr(ownAddress), multiaddr(`${ownAddress}/p2p/${ownPeerId}`)]

    expect(kept(prepare([`/ip4/1.2.3.4/tcp/1/p2p/${relay}/p2p-circuit/p2p/${peerId}`], { ownAddresses, peerId }))).to.have.lengthOf(1)
  })

  it('refuses unspecified and IPv6 link-local addresses, and those without a transport', () => {
    const prepared = prepare([
      '/ip4/0.0.0.0/tcp/1',
      '/ip6/::/udp/1/quic-v1',
      '/ip6/fe80::1/tcp/1',
      '/ip4/1.2.3.4/udp/1/quic'
    ], { canDial: ma => !ma.toString().endsWith('/quic') })

    expect(reasons(prepared)).to.deep.equal([
      'unspecified /ip4/0.0.0.0/tcp/1',
      'unspecified /ip6/::/udp/1/quic-v1',
      'link-local /ip6/fe80::1/tcp/1',
      'no-transport /ip4/1.2.3.4/udp/1/quic'
    ])
  })

  it('leaves no address out because the same port can be reached over another transport', () => {
    const addresses = [
      `/ip4/1.2.3.4/udp/1/quic-v1/webtransport/certhash/${hash}`,
      '/ip4/1.2.3.4/udp/1/quic',
      '/ip4/1.2.3.4/udp/1/quic-v1',
      '/ip4/1.2.3.4/tcp/1/ws',
      '/ip4/1.2.3.4/tcp/1',
      '/ip4/1.2.3.4/tcp/1/tls/ws'
    ]

    expect(kept(prepare(addresses))).to.deep.equal(addresses)
  })

  it('leaves out no unspecified or link-local address that the user gave', () => {
    const addresses = ['/ip4/0.0.0.0/tcp/1', '/ip6/::/tcp/1', '/ip6/fe80::1/tcp/1']

    expect(kept(prepare(addresses, { isAskedFor: true }))).to.deep.equal(addresses)
  })

  it('takes an address whose peer id is written as a CID for one of the peer', () => {
    const addresses = [`/ip4/1.2.3.4/tcp/1/p2p/${peerId.toCID().toString()}`]

    expect(kept(prepare(addresses, { peerId }))).to.deep.equal(addresses)
  })

  it('looks at 1 000 of 10 000 addresses, certified ones first', () => {
    let asked = 0
    const addresses = Array.from({ length: 10_000 }, (_, i) => ({
      multiaddr: multiaddr(`/ip4/1.2.3.4/tcp/${i + 1}`),
      isCertified: i === 9_999
    }))
    const prepared = prepareAll(addresses, { canDial: () => { asked++; return true } })

    expect(asked).to.equal(1_000)
    expect(prepared.addresses).to.have.lengthOf(1_000)
    expect(prepared.addresses[0].multiaddr.toString()).to.equal('/ip4/1.2.3.4/tcp/10000')
    expect(prepared.report.failures.map(({ reason }) => reason)).to.deep.equal(Array.from({ length: 100 }, () => 'too-many'))
    expect(prepared.report.omitted).to.equal(8_900)
  })

  it('keeps or refuses every address, whatever the mixture', () => {
    const all = ['/ip4/0.0.0.0/tcp/1', '/ip4/1.2.3.4/tcp/1', '/ip4/1.2.3.4/tcp/1/ws', '/ip6/fe80::1/tcp/1', `/ip4/1.2.3.4/tcp/2/p2p/${relay}`, '/memory/1', '/dns/a.org/udp/1/quic-v1']

    fc.assert(fc.property(fc.shuffledSubarray(all), fc.boolean(), (addresses, withPeerId) => {
      const prepared = prepare(addresses, withPeerId ? { peerId } : {})

      expect(prepared.addresses.length + prepared.report.failures.length).to.equal(addresses.length)
    }))
  })
})
