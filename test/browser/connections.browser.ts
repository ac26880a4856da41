import { expect } from 'aegir/chai'
import pWaitFor from 'p-wait-for'
import { idsOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createBrowserNode, describeWithWebRTC } from './fixtures/browser-nodes.ts'
import { hangUpThere, multiaddrsOf, nodePeer, peerIdOf, silenceUnsteady, untilSeen, untilSeenAs } from './fixtures/control.ts'
import { ECHO, echo } from './fixtures/echo.ts'
import { nextEvent } from './fixtures/next-event.ts'
import type { BrowserNode } from './fixtures/browser-nodes.ts'
import type { PeerAddresses } from './fixtures/messages.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { Connection } from '@libp2p/interface'

interface Way {
  readonly name: string
  readonly peer: PeerAddresses
  readonly addresses: string[]
  readonly needsWebRTC: boolean
}

const WAYS: Way[] = [
  { name: 'WebSockets', peer: nodePeer.relay, addresses: nodePeer.relay.ws, needsWebRTC: false },
  { name: 'WebRTC Direct', peer: nodePeer.relay, addresses: nodePeer.relay.webRTCDirect, needsWebRTC: true },
  { name: 'WebRTC that a relay has introduced', peer: nodePeer.target, addresses: nodePeer.target.webRTC, needsWebRTC: true },
  { name: 'a relay', peer: nodePeer.target, addresses: nodePeer.target.relayed, needsWebRTC: false }
]

for (const way of WAYS) {
  const describeWay = way.needsWebRTC ? describeWithWebRTC : describe

  describeWay(`browser: a connection to a Node.js peer over ${way.name}`, () => {
    const nodes = new NodeGroup()
    const peerId = peerIdOf(way.peer)
    let node: BrowserNode

    afterEach(async () => nodes.stop())

    async function connect (init: ConnectionManagerInit = {}): Promise<Connection> {
      node = await createBrowserNode(init)
      await nodes.add(Promise.resolve(node))

      return node.dial(multiaddrsOf(...way.addresses))
    }

    it('is the same at both ends', async () => {
      const connection = await connect()

      expect(way.addresses).to.include(connection.remoteAddr.toString())
      expect(idsOf(...node.services.connectionManager.getConnections(peerId))).to.include(connection.id)
      await untilSeenAs(node, { node: way.peer.id, direction: 'inbound', direct: connection.direct, limited: connection.limits != null })
      await echo(await connection.newStream(ECHO, { runOnLimitedConnection: true }))
    })

    it('that is closed here is closed there', async () => {
      const { direct } = await connect()
      await untilSeenAs(node, { node: way.peer.id, direct })
      await node.hangUp(peerId)

      expect(node.services.connectionManager.getConnections(peerId)).to.be.empty()
      await untilSeen(node, 0, way.peer)
    })

    it('that is closed there is closed here', async () => {
      const connection = await connect({ liveness: { interval: 300, maxMisses: 2, minSilence: 1_000 } })
      await nextEvent(node, 'connection:ping', ({ connection: { id } }) => id === connection.id)
      const closed = nextEvent(node, 'connection:close', ({ connection: { id } }) => id === connection.id)
      await untilSeenAs(node, { node: way.peer.id, direct: connection.direct })
      await hangUpThere(node)

      // the WebRTC transport of libp2p does not notice it, pings do
      await closed
      await pWaitFor(() => node.services.connectionManager.getConnections(peerId).length === 0)
      expect(node.services.connectionManager.getStats().connections).to.equal(node.getConnections().length)
    })

    it('is closed when the application has not used it for a while', async () => {
      const connection = await connect({ idleTimeout: 500 })
      const closed = nextEvent(node, 'connection:close', ({ connection: { id } }) => id === connection.id)

      expect(await closed).to.have.property('reason', 'idle')
      await untilSeen(node, 0, way.peer)
    })

    it('is asked whether it lives as soon as there is a network again', async () => {
      const connection = await connect({ liveness: { interval: 3_600_000, minSilence: 3_600_000 } })
      const pinged = nextEvent(node, 'connection:ping', ({ connection: { id } }) => id === connection.id)

      globalThis.dispatchEvent(new Event('online'))
      expect((await pinged).rtt).to.be.at.least(0)
      expect(connection.status).to.equal('open')
    })
  })
}

describe('browser: a connection over which nothing comes any more', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  async function connect (init: ConnectionManagerInit): Promise<BrowserNode> {
    const node = await createBrowserNode(init)
    await nodes.add(Promise.resolve(node))
    const pinged = nextEvent(node, 'connection:ping')
    await node.dial(multiaddrsOf(nodePeer.relay.unsteady ?? ''))
    node.services.connectionManager.networkChanged()
    await pinged
    await silenceUnsteady()

    return node
  }

  it('is given up after several pings', async () => {
    const node = await connect({ liveness: { interval: 200, maxMisses: 2, minSilence: 1_000 } })
    const dead = await nextEvent(node, 'connection:dead')

    expect(dead.peerId.toString()).to.equal(nodePeer.relay.id)
    expect(dead.misses).to.be.at.least(2)
    expect(node.services.connectionManager.getConnections()).to.be.empty()
  })

  it('is replaced when the network has changed', async () => {
    const node = await connect({ liveness: { interval: 1_000, maxMisses: 1, minSilence: 1_000 } })
    const [old] = node.getConnections()
    await node.dial(multiaddrsOf(...nodePeer.crowd[0].ws))
    globalThis.dispatchEvent(new Event('online'))

    await pWaitFor(() => {
      const [connection] = node.getConnections(peerIdOf(nodePeer.relay))

      return connection != null && connection.id !== old.id
    }, { timeout: 20_000 })
    expect(old.status).to.not.equal('open')
  })
})
