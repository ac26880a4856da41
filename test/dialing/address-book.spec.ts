import { defaultLogger } from '@libp2p/logger'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { AddressBook } from '../../src/dialing/address-book.ts'
import { AutomaticTargets } from '../../src/dialing/automatic-targets.ts'
import { dialReport } from '../../src/dialing/dial-failure.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { AddressBookComponents } from '../../src/dialing/address-book.ts'
import type { ConnectionGater, MultiaddrResolver, Peer, PeerId, PeerInfo, Transport } from '@libp2p/interface'

const ownPeerId = peerIdFromString('12D3KooWHFKTMzwerBtsVmtz4ZZEQy2heafxzWw6wNn5PPYkBxJ5')
const TCP = '/ip4/1.2.3.4/tcp/1'

describe('dialing/address-book', () => {
  let peerId: PeerId
  let known: string[]
  let routed: string[]
  let gater: ConnectionGater
  let resolvers: Record<string, MultiaddrResolver>

  beforeEach(() => {
    peerId = stubPeerId()
    known = []
    routed = []
    gater = {}
    resolvers = {}
  })

  function createBook (): AddressBook {
    const components: AddressBookComponents = {
      peerId: ownPeerId,
      peerStore: {
        get: async () => {
          if (known.length === 0) {
            throw Object.assign(new Error('not found'), { name: 'NotFoundError' })
          }

          return { addresses: known.map(text => ({ multiaddr: multiaddr(text), isCertified: true })) } as unknown as Peer
        }
      },
      peerRouting: {
        findPeer: async id => ({ id, multiaddrs: routed.map(text => multiaddr(text)) }) satisfies PeerInfo
      },
      transportManager: {
        getAddrs: () => [multiaddr('/ip4/127.0.0.1/tcp/4001')],
        // what the transport would do is of no interest
        dialTransportForMultiaddr: ma => ma.toString().includes('/tcp/') ? {} as unknown as Transport : undefined
      },
      connectionGater: gater
    }

    const targets = new AutomaticTargets({ clock: new VirtualClock(), isNearby: () => false, isNamed: () => false, relayAddress: () => undefined })

    return new AddressBook(components, { resolvers, targets }, defaultLogger().forComponent('test'))
  }

  async function find (...addresses: string[]): Promise<string[]> {
    const found = await createBook().find(peerId, addresses.map(text => multiaddr(text)))

    return found.addresses.map(({ multiaddr }) => multiaddr.toString().replace(`/p2p/${peerId.toString()}`, ''))
  }

  async function errorOf (...addresses: string[]): Promise<{ name: string, reasons: string[] }> {
    const error = await createBook().find(peerId, addresses.map(text => multiaddr(text))).catch(error => error)

    return { name: error.name, reasons: dialReport(error)?.failures.map(({ reason }) => reason) ?? [] }
  }

  it('finds what is given, else what is known, else what peer routing finds', async () => {
    routed = ['/ip4/1.2.3.4/tcp/3']
    expect(await find()).to.deep.equal(routed)

    known = ['/ip4/1.2.3.4/tcp/2']
    expect(await find()).to.deep.equal(known)
    expect(await find(TCP)).to.deep.equal([TCP])
  })

  it('finds nothing where nothing is known', async () => {
    expect(await errorOf()).to.deep.equal({ name: 'NoValidAddressesError', reasons: [] })
  })

  it('refuses ourselves', async () => {
    expect(await errorOf('/ip4/127.0.0.1/tcp/4001')).to.deep.equal({ name: 'DialError', reasons: ['self'] })
    peerId = ownPeerId
    expect(await errorOf(TCP)).to.deep.equal({ name: 'DialError', reasons: [] })
  })

  it('says of every address why it is refused', async () => {
    const cases: Array<[string, string]> = [
      ['/ip4/1.2.3.4/udp/1/quic-v1', 'no-transport'],
      [`${TCP}/p2p/${stubPeerId().toString()}`, 'wrong-peer'],
      ['/ip4/127.0.0.1/tcp/4001', 'self']
    ]

    for (const [address, reason] of cases) {
      expect(await errorOf(address), address).to.have.deep.property('reasons', [reason])
    }

    expect(await errorOf(...cases.map(([address]) => address))).to.have.deep.property('reasons', cases.map(([, reason]) => reason))
  })

  it('takes unspecified and link-local addresses from the user only, not from what peers tell of themselves', async () => {
    const addresses = ['/ip4/0.0.0.0/tcp/1', '/ip6/::/tcp/1', '/ip6/fe80::1/tcp/1']
    expect(await find(...addresses)).to.deep.equal(addresses)

    known = addresses
    expect(await errorOf()).to.have.deep.property('reasons', ['unspecified', 'unspecified', 'link-local'])

    const automatic = await createBook().find(peerId, addresses.map(text => multiaddr(text)), { automatic: true }).catch(error => error)
    expect(dialReport(automatic)?.failures).to.have.lengthOf(3)
  })

  it('tells of addresses that a name stands for and that are too many to be dialled', async () => {
    resolvers = { dnsaddr: { canResolve: ma => ma.toString().startsWith('/dnsaddr'), resolve: async () => Array.from({ length: 103 }, (_, i) => multiaddr(`/ip4/1.2.3.4/tcp/${i + 1}`)) } }
    const { addresses, report } = await createBook().find(peerId, [multiaddr('/dnsaddr/many.example')])

    expect(addresses).to.have.lengthOf(100)
    expect(report.failures.map(({ reason }) => reason)).to.deep.equal(['too-many', 'too-many', 'too-many'])
  })

  it('asks the gater about the peer and about every address', async () => {
    gater = { denyDialMultiaddr: async ma => ma.toString().startsWith(TCP) }
    expect(await find(TCP, '/ip4/1.2.3.4/tcp/2')).to.deep.equal(['/ip4/1.2.3.4/tcp/2'])
    expect(await errorOf(TCP)).to.deep.equal({ name: 'DialDeniedError', reasons: ['gated'] })

    gater = { denyDialPeer: async () => true }
    expect(await errorOf(TCP)).to.deep.equal({ name: 'DialDeniedError', reasons: [] })
  })

  it('fails as the resolver does where there is nothing else', async () => {
    resolvers = { dns: { canResolve: ma => ma.toString().startsWith('/dns'), resolve: async ma => [ma] } }
    expect(await errorOf('/dnsaddr/loop.org')).to.deep.equal({ name: 'RecursionLimitError', reasons: ['unresolved'] })
    expect(await find('/dnsaddr/loop.org', TCP)).to.deep.equal([TCP])
  })

  it('keeps certified what needed no resolving', async () => {
    known = [TCP]
    const { addresses } = await createBook().find(peerId, [])
    expect(addresses[0].isCertified).to.equal(true)
  })

  it('looks at 1 000 of 10 000 addresses, and reports no more than 100', async () => {
    let asked = 0
    gater = { denyDialMultiaddr: async () => { asked++; return true } }
    const addresses = Array.from({ length: 10_000 }, (_, i) => multiaddr(`/ip4/1.2.3.4/tcp/${i + 1}`))
    const error = await createBook().find(peerId, addresses).catch(error => error)
    const report = dialReport(error)

    expect(asked).to.equal(1_000)
    expect(report?.failures).to.have.lengthOf(100)
    expect(report?.omitted).to.equal(9_900)
  })
})
