import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { parseIp } from '../../src/addresses/index.ts'
import { NearbyPeers } from '../../src/dialing/nearby-peers.ts'
import { stubPeerId } from '../fixtures/connections.ts'

describe('dialing: who is near', () => {
  const peerId = stubPeerId()

  function create (...own: string[]): NearbyPeers {
    return new NearbyPeers({ ownAddresses: () => own.map(text => multiaddr(text)) })
  }

  function isNear (nearby: NearbyPeers, text: string, peer = peerId): boolean {
    const ip = parseIp(text)

    return ip != null && nearby.has(peer, ip)
  }

  it('is who was seen at an address, if this node is on that network, too', () => {
    const nearby = create('/ip4/192.168.1.2/tcp/1', '/ip4/127.0.0.1/tcp/1')
    expect(isNear(nearby, '192.168.1.7')).to.be.false()

    nearby.observe(peerId, multiaddr('/ip4/192.168.1.7/tcp/50000'))
    nearby.observe(peerId, multiaddr('/ip4/10.0.0.7/tcp/50000'))
    expect(isNear(nearby, '192.168.1.7')).to.be.true()
    expect(isNear(nearby, '192.168.1.1')).to.be.false()
    expect(isNear(nearby, '10.0.0.7')).to.be.false()
    expect(isNear(nearby, '192.168.1.7', stubPeerId())).to.be.false()
  })

  it('is known however many come from the internet', () => {
    const nearby = create('/ip4/192.168.1.2/tcp/1')
    nearby.observe(peerId, multiaddr('/ip4/192.168.1.7/tcp/50000'))

    for (let i = 0; i < 5_000; i++) {
      nearby.observe(stubPeerId(), multiaddr(`/ip4/77.1.${i >> 8}.${i & 255}/tcp/50000`))
    }

    expect(isNear(nearby, '192.168.1.7')).to.be.true()
  })

  it('is everybody where there is nothing but loopback', () => {
    const nearby = create('/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1', '/memory/a', '/ip4/127.0.0.1/tcp/2/p2p/12D3KooWHFKTMzwerBtsVmtz4ZZEQy2heafxzWw6wNn5PPYkBxJ5/p2p-circuit')
    nearby.observe(stubPeerId(), multiaddr('/ip4/127.0.0.1/tcp/50000'))
    expect(isNear(nearby, '127.0.0.1')).to.be.true()

    nearby.observe(stubPeerId(), multiaddr('/ip4/77.1.0.1/tcp/50000'))
    expect(isNear(nearby, '127.0.0.1')).to.be.false()
  })

  it('is nobody on loopback where there is more, as a proxy may be there', () => {
    for (const own of [[], ['/ip4/127.0.0.1/tcp/1', '/ip4/62.1.1.1/tcp/1'], ['/ip4/127.0.0.1/tcp/1', '/dns4/node.example/tcp/443/wss']]) {
      const nearby = create(...own)
      nearby.observe(peerId, multiaddr('/ip4/127.0.0.1/tcp/50000'))
      expect(isNear(nearby, '127.0.0.1'), own.join()).to.be.false()
    }
  })
})
