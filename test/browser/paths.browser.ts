import { expect } from 'aegir/chai'
import pWaitFor from 'p-wait-for'
import { idsOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createBrowserNode, describeWithWebRTC } from './fixtures/browser-nodes.ts'
import { multiaddrsOf, nodePeer, peerIdOf, untilSeen } from './fixtures/control.ts'
import { ECHO, echo } from './fixtures/echo.ts'
import { nextEvent } from './fixtures/next-event.ts'
import type { BrowserNode } from './fixtures/browser-nodes.ts'
import type { Connection } from '@libp2p/interface'

const { target } = nodePeer
const LIMITED = { runOnLimitedConnection: true }

describeWithWebRTC('browser: a relayed connection to a peer that WebRTC reaches', () => {
  const nodes = new NodeGroup()
  const peerId = peerIdOf(target)
  let node: BrowserNode
  let relayed: Connection

  beforeEach(async () => {
    node = await createBrowserNode({ duplicateDelay: 100 })
    await nodes.add(Promise.resolve(node))
    relayed = await node.dial(multiaddrsOf(...target.relayed))
  })

  afterEach(async () => nodes.stop())

  it('has limits, so that only what allows them runs over it', async () => {
    expect(relayed).to.have.property('direct', false)
    expect(relayed.limits).to.not.be.undefined()
    await echo(await node.services.connectionManager.openStream(peerId, ECHO, LIMITED))
    await expect(relayed.newStream(ECHO)).to.eventually.be.rejected().with.property('name', 'LimitedConnectionError')
  })

  it('is left for WebRTC, and closed at both ends', async () => {
    const upgraded = nextEvent(node, 'connection:upgrade')
    const direct = await node.dial(multiaddrsOf(...target.webRTC))
    const { from, to } = await upgraded

    expect(idsOf(from, to)).to.deep.equal(idsOf(relayed, direct))
    expect(direct).to.include({ direct: true, limits: undefined })
    await pWaitFor(() => relayed.status === 'closed')
    expect(idsOf(...node.services.connectionManager.getConnections(peerId))).to.deep.equal(idsOf(direct))

    const [seen] = await untilSeen(node, 1, target)
    expect(seen).to.include({ direct: true, limited: false })
    await echo(await node.services.connectionManager.openStream(peerId, ECHO), 100_000)
  })

  it('stays until the streams on it have ended', async () => {
    const old = await node.services.connectionManager.openStream(peerId, ECHO, LIMITED)
    const direct = await node.dial(multiaddrsOf(...target.webRTC))
    const streams = await Promise.all([1, 2, 3].map(async () => node.services.connectionManager.openStream(peerId, ECHO)))

    expect(direct.streams.filter(stream => streams.includes(stream))).to.have.lengthOf(3)
    await Promise.all(streams.map(async stream => echo(stream)))
    expect(relayed.status).to.equal('open')

    await echo(old)
    await pWaitFor(() => relayed.status === 'closed')
  })

  it('is waited for by those who want none with limits', async () => {
    const waiting = node.services.connectionManager.openStream(peerId, ECHO, { waitForDirect: 30_000 })
    const direct = await node.dial(multiaddrsOf(...target.webRTC))
    const stream = await waiting

    expect(direct.streams).to.include(stream)
    await echo(stream)
  })
})
