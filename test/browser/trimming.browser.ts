import { expect } from 'aegir/chai'
import { NodeGroup } from '../fixtures/node-group.ts'
import { HAS_WEBRTC, createBrowserNode } from './fixtures/browser-nodes.ts'
import { multiaddrsOf, nodePeer, peerIdOf, seenOf, untilSeen } from './fixtures/control.ts'
import { nextEvent } from './fixtures/next-event.ts'
import type { BrowserNode } from './fixtures/browser-nodes.ts'
import type { PeerAddresses } from './fixtures/messages.ts'

const { crowd } = nodePeer

describe('browser: above the high watermark', () => {
  const nodes = new NodeGroup()
  let node: BrowserNode

  beforeEach(async () => {
    node = await createBrowserNode({ lowWater: 3, highWater: 5, gracePeriod: 0, silencePeriod: 0 })
    await nodes.add(Promise.resolve(node))
  })

  afterEach(async () => nodes.stop())

  // every second one over WebRTC, where there is any
  async function connectTo (peers: PeerAddresses[]): Promise<void> {
    await Promise.all(peers.map(async ({ ws, webRTCDirect }, i) => node.dial(multiaddrsOf(...(HAS_WEBRTC && i % 2 === 0 ? webRTCDirect : ws)))))
  }

  it('the least valuable are closed at both ends, and protected ones are not', async () => {
    const manager = node.services.connectionManager
    const [isProtected, ...tagged] = crowd
    manager.protect(peerIdOf(isProtected), 'mine')
    tagged.forEach((peer, i) => { manager.tag(peerIdOf(peer), 'useful', (i + 1) * 10) })

    const trimmed = nextEvent(node, 'connection:trim')
    await connectTo(crowd)
    const { before, closed, complete } = await trimmed

    const gone = crowd.slice(1, 4).map(({ id }) => id)
    expect({ before, complete }).to.deep.equal({ before: 6, complete: true })
    expect(closed.map(({ peerId }) => peerId.toString())).to.have.members(gone)

    const seen = await untilSeen(node, 3)
    expect(seen.map(connection => connection.node)).to.have.members(crowd.map(({ id }) => id).filter(id => !gone.includes(id)))
    expect((await manager.explain(peerIdOf(isProtected))).summary).to.match(/protected/i)
  })

  it('nothing is closed below it', async () => {
    await connectTo(crowd.slice(0, 5))
    await untilSeen(node, 5)

    expect(await node.services.connectionManager.trimConnections(0)).to.have.property('closed').that.is.empty()
    expect(await seenOf(node)).to.have.lengthOf(5)
  })
})
