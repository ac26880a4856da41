import { Circuit } from '@multiformats/multiaddr-matcher'
import { expect } from 'aegir/chai'
import { InteropGroup, connectionTo, until } from './interop-group.ts'
import type { GoPeer } from './go-peer.ts'
import type { OurNode } from './interop-group.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

describe('a go-libp2p node that relays', () => {
  const group = new InteropGroup()
  let relay: GoPeer
  let target: OurNode

  beforeEach(async () => {
    relay = await group.goPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], relay: true })
    target = await group.node({}, [`${relay.address('/tcp/')}/p2p-circuit`])
    await until(() => target.getMultiaddrs().length > 0)
  })

  afterEach(async () => group.stop())

  it('grants a reservation, which keeps the connection to it', async () => {
    const { connectionManager } = target.services
    const { remotePeer } = await connectionTo(target, relay)

    expect(relayedAddress().toString()).to.include(`/p2p/${relay.id}/p2p-circuit`)
    await until(() => connectionManager.getTagInfo(remotePeer)?.tags.get('keep-alive-circuit-relay') === 1)
  })

  it('connects two nodes of ours', async () => {
    const source = await group.node({}, [])
    const connection = await source.dial(relayedAddress())

    expect(connection.direct).to.be.false()
    expect(connection.limits).to.have.property('seconds')
    expect(Circuit.matches(connection.remoteAddr)).to.be.true()
    expect(await source.services.ping.ping(target.peerId)).to.be.at.least(0)
    await until(() => target.services.connectionManager.getConnections(source.peerId).length === 1)
    expect(target.services.connectionManager.getConnections(source.peerId)[0].limits).to.have.property('seconds')
  })

  it('connects another go-libp2p node with ours', async () => {
    const source = await group.goPeer({})
    await source.call('dial', { address: relayedAddress().toString() })
    const connection = await connectionTo(target, source)

    expect(connection.direct).to.be.false()
    expect(connection.direction).to.equal('inbound')
    await source.call('ping', { peer: target.peerId.toString() })
    expect(await source.call('connections', { peer: target.peerId.toString() })).to.have.nested.property('[0].limited', true)
  })

  function relayedAddress (): Multiaddr {
    const address = target.getMultiaddrs().find(address => Circuit.matches(address))

    if (address == null) {
      throw new Error('The node has no relayed address')
    }

    return address
  }
})
