import { expect } from 'aegir/chai'
import { InteropGroup, connectionsTo, dialledBy, lostBy, until } from './interop-group.ts'
import type { OurNode } from './interop-group.ts'
import type { Refusal } from '../../src/index.ts'

describe('what the connection manager does to go-libp2p nodes', () => {
  const group = new InteropGroup()

  afterEach(async () => group.stop())

  it('trims the one whose tags are worth less, and that sees the close', async () => {
    const node = await group.node({ gracePeriod: 0 })
    const { connectionManager } = node.services
    const better = await group.goPeer({})
    const worse = await group.goPeer({})
    const { remotePeer } = await dialledBy(node, better)
    await dialledBy(node, worse)

    connectionManager.tag(remotePeer, 'useful', 10)
    expect(connectionManager.getTagInfo(remotePeer)?.value).to.equal(10)
    const { closed } = await connectionManager.trimConnections(1)

    expect(closed.map(({ peerId }) => peerId.toString())).to.deep.equal([worse.id])
    await lostBy(worse, node)
    await better.call('ping', { peer: node.peerId.toString() })
  })

  it('never trims one that is protected', async () => {
    const node = await group.node({ gracePeriod: 0 })
    const { connectionManager } = node.services
    const protectedPeer = await group.goPeer({})
    const other = await group.goPeer({})
    const { remotePeer } = await dialledBy(node, protectedPeer)
    const { remotePeer: otherPeer } = await dialledBy(node, other)

    connectionManager.protect(remotePeer, 'friend')
    connectionManager.tag(otherPeer, 'useful', 100)
    const { closed, complete } = await connectionManager.trimConnections(2)

    expect(closed.map(({ peerId }) => peerId.toString())).to.deep.equal([other.id])
    expect(complete).to.be.false()
    await lostBy(other, node)
    await protectedPeer.call('ping', { peer: node.peerId.toString() })
  })

  it('trims when they have crossed the high watermark, down to the low one', async () => {
    const node = await group.node({ gracePeriod: 0, lowWater: 1, highWater: 2 })
    const { connectionManager } = node.services
    const trimmed: string[] = []
    connectionManager.addEventListener('connection:trim', ({ detail }) => { trimmed.push(...detail.closed.map(({ peerId }) => peerId.toString())) })
    const peers = await Promise.all([group.goPeer({}), group.goPeer({}), group.goPeer({})])

    await dialledBy(node, peers[0])
    await dialledBy(node, peers[1])
    expect(trimmed).to.be.empty()
    await peers[2].call('dial', { address: node.getMultiaddrs()[0].toString() })

    await until(() => trimmed.length === 2)
    expect(connectionManager.connectionCount()).to.equal(1)
    await Promise.all(peers.filter(({ id }) => trimmed.includes(id)).map(async peer => lostBy(peer, node)))
  })

  it('closes the connection of one that is banned, and refuses its next one until the ban ends', async () => {
    const node = await group.node()
    const { connectionManager } = node.services
    const refusals = recordRefusals(node)
    const peer = await group.goPeer({})
    const { remotePeer } = await dialledBy(node, peer)

    await connectionManager.bans.ban(remotePeer, { reason: 'spam' })
    await lostBy(peer, node)
    expect(refusals).to.be.empty()

    // go-libp2p takes its dial for done when the handshake is, and is refused then
    await peer.call('dial', { address: node.getMultiaddrs()[0].toString() }).catch(() => {})
    await until(() => refusals.length > 0)
    expect(refusals[0]).to.include({ reason: 'banned', peer: peer.id })
    await expect(peer.call('ping', { peer: node.peerId.toString() })).to.eventually.be.rejected()
    await lostBy(peer, node)
    expect(connectionsTo(node, peer)).to.be.empty()

    await connectionManager.bans.unban(remotePeer)
    await dialledBy(node, peer)
    await peer.call('ping', { peer: node.peerId.toString() })
  })

  it('does not dial one that is banned', async () => {
    const node = await group.node()
    const peer = await group.goPeer()
    const { remotePeer } = await dialledBy(node, peer)

    await node.services.connectionManager.bans.ban(remotePeer)
    await lostBy(peer, node)
    await expect(node.dial(remotePeer)).to.eventually.be.rejected()
    expect(await peer.call('connections', { peer: node.peerId.toString() })).to.be.empty()
  })
})

function recordRefusals (node: OurNode): Refusal[] {
  const refusals: Refusal[] = []
  node.services.connectionManager.addEventListener('connection:refuse', ({ detail }) => { refusals.push(detail) })

  return refusals
}
