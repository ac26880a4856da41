import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { AUTOMATIC_DIALS_PER_HOST, AutomaticTargets } from '../../src/dialing/automatic-targets.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { AutomaticTargetsComponents } from '../../src/dialing/automatic-targets.ts'

const RELAY = stubPeerId().toString()

const NOT_PUBLIC = [
  '/unix/%2Frun%2Fdocker.sock',
  '/ip4/127.0.0.1/tcp/1', '/ip4/0.0.0.0/tcp/1', '/ip4/10.1.2.3/tcp/1', '/ip4/172.20.0.1/tcp/1', '/ip4/192.168.1.1/udp/1/quic-v1',
  '/ip4/169.254.169.254/tcp/80', '/ip4/100.64.0.1/tcp/1', '/ip4/224.0.0.251/udp/5353', '/ip4/255.255.255.255/udp/9/quic-v1',
  '/ip6/::/tcp/1', '/ip6/::1/tcp/1', '/ip6/fe80::1/tcp/1', '/ip6zone/eth0/ip6/fe80::1/tcp/1', '/ip6/fd00::1/tcp/1', '/ip6/ff02::1/udp/1/quic-v1',
  '/ip6/::ffff:10.0.0.1/tcp/1', '/ip6/64:ff9b::7f00:1/tcp/1', '/ip6/64:ff9b:1::808:808/tcp/1', '/ip6/2002:7f00:1::1/tcp/1',
  '/dns4/localhost/tcp/1/ws', '/dns/printer.local/tcp/1', '/dns4/127.1/tcp/1/ws', '/dns4/0x7f.1/tcp/1',
  `/ip4/127.0.0.1/tcp/1/p2p/${RELAY}/p2p-circuit`,
  '/ip4/1.2.3.4/tcp/1/tls/sni/localhost/ws'
]

describe('dialing: what may be dialled without being asked for', () => {
  const peerId = stubPeerId()
  let clock: VirtualClock
  let names: Record<string, string[]>
  let lookUps: string[]

  beforeEach(() => {
    clock = new VirtualClock()
    names = {}
    lookUps = []
  })

  function create (components: Partial<AutomaticTargetsComponents> = {}): AutomaticTargets {
    return new AutomaticTargets({
      clock,
      lookUp: async name => {
        lookUps.push(name)

        return names[name] ?? []
      },
      isNearby: () => false,
      isNamed: () => false,
      relayAddress: () => undefined,
      ...components
    })
  }

  async function ask (targets: AutomaticTargets, ...addresses: string[]): Promise<string[]> {
    const { allowed, denied } = await targets.dialable(peerId, addresses.map(text => ({ multiaddr: multiaddr(text), isCertified: false })))

    return [...allowed.map(({ multiaddr }) => multiaddr.toString()), ...denied.map(({ reason }) => reason)]
  }

  for (const address of NOT_PUBLIC) {
    it(`is not ${address}, unless the user has named the peer`, async () => {
      expect(await ask(create(), address)).to.deep.equal(['private'])
      expect(await ask(create({ isNamed: () => true }), address)).to.have.lengthOf(1).that.does.not.include('private')
    })
  }

  it('is what is on the internet, in whatever way it is written', async () => {
    const addresses = ['/ip4/77.1.0.1/tcp/1', '/ip6/2a00::1/udp/1/quic-v1', '/ip6/64:ff9b::808:808/tcp/1', '/memory/a', `/p2p/${RELAY}/p2p-circuit`, `/ip4/77.1.0.1/tcp/1/p2p/${RELAY}/p2p-circuit`]
    expect(await ask(create(), ...addresses)).to.deep.equal(addresses)
  })

  it('is what is near where the peer itself was seen there', async () => {
    const seen = create({ isNearby: (peer, ip) => peer.equals(peerId) && ip.text === '10.1.2.3' })
    expect(await ask(seen, '/ip4/10.1.2.3/tcp/1', '/ip4/10.1.2.4/tcp/1')).to.deep.equal(['/ip4/10.1.2.3/tcp/1', 'private'])
  })

  it('is what names lead to, so that they lead nowhere else a moment later', async () => {
    names = { 'a.example': ['77.1.0.1', '2a00::1'], 'b.example': ['77.1.0.1'] }
    expect(await ask(create(), '/dns4/a.example/tcp/1', '/dns4/b.example/tcp/1', '/dns6/a.example/tcp/2/ws', '/dns4/77.1.0.01/tcp/3')).to.deep.equal([
      '/ip4/77.1.0.1/tcp/1', '/ip6/2a00::1/tcp/2/ws', '/ip4/77.1.0.1/tcp/3'
    ])
  })

  it('keeps the name where the remote has to know it', async () => {
    names = { 'a.example': ['77.1.0.1'] }
    expect(await ask(create(), '/dns4/a.example/tcp/443/wss')).to.deep.equal(['/dns4/a.example/tcp/443/wss'])
  })

  it('is no name with one address that is not public, nor one that leads nowhere', async () => {
    names = { 'a.example': ['77.1.0.1', '10.0.0.1'], 'c.example': ['not an address'] }
    expect(await ask(create(), '/dns4/a.example/tcp/1', '/dns4/a.example/tcp/443/wss', '/dns4/b.example/tcp/1', '/dns4/c.example/tcp/1')).to.deep.equal(['private', 'private', 'unresolved', 'private'])
  })

  it('costs few look-ups, however many names there are and however often they come', async () => {
    const targets = create()
    const addresses = Array.from({ length: 20 }, (_, i) => `/dns4/n${i}.example/tcp/1`)
    expect((await ask(targets, ...addresses)).filter(reason => reason === 'too-many')).to.have.lengthOf(12)
    await ask(targets, ...addresses)
    expect(lookUps).to.have.lengthOf(8)

    await clock.advance(60_000)
    await ask(targets, addresses[0])
    expect(lookUps).to.have.lengthOf(9)
  })

  it('is a host a few times, over all of its ports and names, and after that now and then', async () => {
    names = { 'a.example': ['77.1.0.1'] }
    const targets = create()
    await ask(targets, '/dns4/a.example/tcp/443/wss')
    const { burst, perMinute } = AUTOMATIC_DIALS_PER_HOST
    const taken = (): number => Array.from({ length: 50 }, (_, i) => i % 2 === 0 ? `/ip4/77.1.0.1/tcp/${i}` : '/dns4/a.example/tcp/443/wss').filter(text => targets.take(peerId, multiaddr(text))).length
    expect(taken()).to.equal(burst)

    await clock.advance(60_000)
    expect(taken()).to.equal(perMinute)
    expect(targets.take(peerId, multiaddr('/ip4/77.1.0.2/tcp/1'))).to.be.true()

    targets.forget()
    expect(taken()).to.equal(burst)
  })

  it('counts a /64 of IPv6 as one host, and nothing that is near', () => {
    const targets = create()
    const count = (addressOf: (i: number) => string): number => Array.from({ length: 50 }, (_, i) => multiaddr(addressOf(i + 1))).filter(address => targets.take(peerId, address)).length
    expect(count(i => `/ip6/2a00:1:2:3::${i}/tcp/1`)).to.equal(AUTOMATIC_DIALS_PER_HOST.burst)
    expect(count(() => '/ip4/127.0.0.1/tcp/1')).to.equal(50)
    expect(count(() => '/memory/a')).to.equal(50)
  })

  it('is a host as often as needed for a peer that the user has named, as others claim to be there, too', () => {
    const targets = create({ isNamed: peer => peer.equals(peerId) })
    const address = multiaddr('/ip4/77.1.0.1/tcp/1')
    Array.from({ length: 50 }, () => targets.take(stubPeerId(), address))
    expect(targets.take(stubPeerId(), address)).to.be.false()
    expect(targets.take(peerId, address)).to.be.true()
  })

  describe('the network of an address', () => {
    it('is that of the IP address that a name leads to', async () => {
      names = { 'a.example': ['77.1.0.1'] }
      const targets = create()
      await ask(targets, '/dns4/a.example/tcp/443/wss')
      expect(targets.groupOf(multiaddr('/dns4/a.example/tcp/443/wss'))).to.equal('77.1.0.0/16')
    })

    it('is one and the same for all names and relays of which nobody knows where they are', () => {
      const addresses = ['/dns4/a.example/tcp/1', '/dnsaddr/b.example', `/p2p/${RELAY}/p2p-circuit`, `/p2p/${stubPeerId().toString()}/p2p-circuit/webrtc`, `/dns4/c.example/tcp/1/p2p/${RELAY}/p2p-circuit`]
      expect(new Set(addresses.map(text => create().groupOf(multiaddr(text))))).to.have.lengthOf(1).that.does.not.include(undefined)
    })

    it('is that of the relay, by where it is connected, or else by its address', () => {
      const relayed = multiaddr(`/ip4/77.1.0.1/tcp/1/p2p/${RELAY}/p2p-circuit`)
      expect(create().groupOf(relayed)).to.equal('77.1.0.0/16')
      expect(create({ relayAddress: peer => peer === RELAY ? multiaddr('/ip4/93.1.0.1/tcp/1') : undefined }).groupOf(relayed)).to.equal('93.1.0.0/16')
    })

    it('is what the user says of what is really dialled', async () => {
      names = { 'a.example': ['77.1.0.1'] }
      const targets = create({ groupOf: address => address.toString().startsWith('/ip4/77.1.0.1') ? 'AS77' : undefined })
      await ask(targets, '/dns4/a.example/tcp/443/wss')
      const addresses = ['/dns4/a.example/tcp/443/wss', `/ip4/77.1.0.1/tcp/1/p2p/${RELAY}/p2p-circuit`, '/ip4/77.1.0.1/tcp/1']
      expect(addresses.map(text => targets.groupOf(multiaddr(text)))).to.deep.equal(['AS77', 'AS77', 'AS77'])
    })

    it('is none for what does not leave this host or the local network', () => {
      for (const address of ['/memory/a', '/unix/%2Ftmp%2Fa', '/ip4/127.0.0.1/tcp/1', '/dns4/localhost/tcp/1']) {
        expect(create().groupOf(multiaddr(address)), address).to.be.undefined()
      }
    })
  })
})
