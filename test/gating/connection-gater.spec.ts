import { defaultLogger } from '@libp2p/logger'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { stubInterface } from 'sinon-ts'
import { systemClock } from '../../src/clock.ts'
import { banList, connectionGater, createGater } from '../../src/gating/index.ts'
import type { ConnectionGaterInit } from '../../src/gating/index.ts'
import type { ConnectionGater, MultiaddrConnection } from '@libp2p/interface'

const PEER = peerIdFromString('12D3KooWJRSrypvnpHgc6ZAgyCni4KcSmbV7uGRaMw5LgMKT18fq')
const OTHER_PEER = peerIdFromString('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')

/**
 * What the hooks of a gater say about a peer at an address
 */
function denials (gater: ConnectionGater, peer = PEER, address = '/ip4/203.0.113.7/tcp/4001'): string[] {
  const maConn = stubInterface<MultiaddrConnection>({ remoteAddr: multiaddr(address) })
  const answers: Record<string, unknown> = {
    denyDialPeer: gater.denyDialPeer?.(peer),
    denyDialMultiaddr: gater.denyDialMultiaddr?.(maConn.remoteAddr),
    denyInboundConnection: gater.denyInboundConnection?.(maConn),
    denyOutboundConnection: gater.denyOutboundConnection?.(peer, maConn),
    denyInboundEncryptedConnection: gater.denyInboundEncryptedConnection?.(peer, maConn),
    denyOutboundEncryptedConnection: gater.denyOutboundEncryptedConnection?.(peer, maConn),
    denyInboundUpgradedConnection: gater.denyInboundUpgradedConnection?.(peer, maConn),
    denyOutboundUpgradedConnection: gater.denyOutboundUpgradedConnection?.(peer, maConn),
    denyInboundRelayReservation: gater.denyInboundRelayReservation?.(peer),
    denyOutboundRelayedConnection: gater.denyOutboundRelayedConnection?.(peer, OTHER_PEER),
    denyInboundRelayedConnection: gater.denyInboundRelayedConnection?.(OTHER_PEER, peer)
  }

  return Object.keys(answers).filter(name => answers[name] !== false)
}

function deniesDial (init: ConnectionGaterInit, address: string): unknown {
  return connectionGater(init).denyDialMultiaddr?.(multiaddr(address))
}

describe('gating/connection-gater', () => {
  it('allows everything by default', () => {
    expect(denials(connectionGater())).to.be.empty()
  })

  it('denies a banned peer wherever its id is known', async () => {
    const bans = banList({ logger: defaultLogger() })
    const gater = connectionGater({ bans })
    await bans.ban(PEER)

    expect(denials(gater)).to.deep.equal([
      'denyDialPeer',
      'denyOutboundConnection',
      'denyInboundEncryptedConnection',
      'denyOutboundEncryptedConnection',
      'denyInboundUpgradedConnection',
      'denyOutboundUpgradedConnection',
      'denyInboundRelayReservation',
      'denyOutboundRelayedConnection',
      'denyInboundRelayedConnection'
    ])
    expect(denials(gater, OTHER_PEER)).to.deep.equal([])

    await bans.unban(PEER)
    expect(denials(gater)).to.be.empty()
  })

  it('denies dialling a banned peer, and dialling through it', async () => {
    const bans = banList({ logger: defaultLogger() })
    await bans.ban(PEER)

    expect(deniesDial({ bans }, `/ip4/203.0.113.7/tcp/4001/p2p/${PEER}`)).to.be.true()
    expect(deniesDial({ bans }, `/ip4/203.0.113.7/tcp/4001/p2p/${PEER}/p2p-circuit/p2p/${OTHER_PEER}`)).to.be.true()
    expect(deniesDial({ bans }, `/ip4/203.0.113.7/tcp/4001/p2p/${OTHER_PEER}`)).to.be.false()
  })

  it('denies a banned range wherever the address is known', async () => {
    const bans = banList({ logger: defaultLogger() })
    await bans.ban('203.0.113.0/24')
    const expected = [
      'denyDialMultiaddr',
      'denyInboundConnection',
      'denyOutboundConnection',
      'denyInboundEncryptedConnection',
      'denyOutboundEncryptedConnection',
      'denyInboundUpgradedConnection',
      'denyOutboundUpgradedConnection'
    ]

    expect(denials(connectionGater({ bans }))).to.deep.equal(expected)
    expect(denials(connectionGater({ deny: ['203.0.113.0/24'] }))).to.deep.equal(expected)
    expect(denials(connectionGater({ bans }), PEER, '/ip4/203.0.114.7/tcp/4001')).to.be.empty()
    expect(denials(connectionGater({ bans }), PEER, '/ip6/::ffff:203.0.113.7/tcp/4001')).to.deep.equal(expected)
  })

  it('with net-restrict only talks to these networks', () => {
    const netRestrict = ['10.0.0.0/8', '/ip6/2a01:4f8::/ipcidr/32']

    for (const address of ['/ip4/10.1.2.3/tcp/1', '/ip6/2a01:4f8::1/tcp/1', '/memory/1', '/unix/%2Ftmp%2Fsocket']) {
      expect(denials(connectionGater({ netRestrict }), PEER, address), address).to.be.empty()
    }

    for (const address of ['/ip4/11.1.2.3/tcp/1', '/ip6/2a01:4f9::1/tcp/1', `/ip4/10.1.2.3/tcp/1/p2p/${OTHER_PEER}/p2p-circuit`]) {
      expect(denials(connectionGater({ netRestrict }), PEER, address), address).to.include.members(['denyDialMultiaddr', 'denyInboundConnection'])
    }
  })

  it('denies what libp2p does not dial in browsers, when asked', async () => {
    const init = { denyPrivateDials: true }
    const lookUp = async (): Promise<string[]> => ['8.8.8.8']
    const denied = ['/ip4/192.168.1.1/tcp/1', '/ip4/127.0.0.1/tcp/1', '/ip6/fe80::1/tcp/1', '/dns4/localhost/tcp/1', '/ip4/8.8.8.8/tcp/1/ws', '/ip6/64:ff9b::c0a8:101/tcp/1']
    const allowed = ['/ip4/8.8.8.8/tcp/1', '/ip4/8.8.8.8/tcp/1/tls/ws', '/dns4/example.org/tcp/443/wss', '/ip6/2a01::1/tcp/1']

    expect(denied.filter(address => deniesDial(init, address) !== true)).to.be.empty()

    for (const address of allowed) {
      expect(await createGater(init, { clock: systemClock, lookUp }).denyDialMultiaddr?.(multiaddr(address)), address).to.be.false()
    }

    expect(denied.filter(address => deniesDial({}, address) !== false)).to.be.empty()
    expect(denials(connectionGater(init), PEER, '/ip4/192.168.1.1/tcp/1'), 'inbound is let in').to.deep.equal(['denyDialMultiaddr'])
  })

  it('does not keep addresses out of the peer store', () => {
    expect(connectionGater()).to.not.have.property('filterMultiaddrForPeer')
  })

  it('names the entry that is no range', () => {
    expect(() => connectionGater({ deny: ['10.0.0.0/8', 'nonsense'] })).to.throw('"deny[1]" must be')
    expect(() => connectionGater({ netRestrict: ['10.0.0.0/99'] })).to.throw('"netRestrict[0]" must be')
  })
})
