import { expect } from 'aegir/chai'
import { autoScale, inspector, reachability } from '../../src/index.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode } from '../fixtures/nodes.ts'
import { createBrowserNode } from './fixtures/browser-nodes.ts'
import { multiaddrsOf, nodePeer, untilSeen } from './fixtures/control.ts'
import type { ConnectionManagerInit, ReachabilityService } from '../../src/index.ts'

describe('browser: what needs more than a browser has', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  it('reachability does nothing, and says that it does not know', async () => {
    const node = await createBrowserNode({}, { services: { reachability: reachability() } })
    await nodes.add(Promise.resolve(node))
    await node.dial(multiaddrsOf(...nodePeer.relay.ws))
    await untilSeen(node, 1)
    // the type of the node leaves out what a test adds
    const service = node.services.reachability as ReachabilityService

    expect(service.isStarted()).to.be.false()
    service.probe()
    service.refresh()
    expect(service.getReachability()).to.deep.equal({ state: 'unknown', ip4: 'unknown', ip6: 'unknown', reason: 'no-servers' })
    expect([...service.getMappings(), ...service.getGateways(), ...service.getAddressStates()]).to.be.empty()
    expect(node.getProtocols().filter(protocol => protocol.includes('autonat'))).to.be.empty()
  })

  it('the inspector has no page', async () => {
    const node = await createBrowserNode({}, { services: { inspector: inspector() } })
    await nodes.add(Promise.resolve(node))

    expect(node.services.inspector).to.have.property('url', undefined)
  })

  it('a page that is busy refuses nobody', async () => {
    const init: ConnectionManagerInit = { load: { maxEventLoopDelay: 1, interval: 10 } }
    const node = await createManagedNode(init)
    const remote = await createPlainNode()
    await Promise.all([nodes.add(Promise.resolve(node)), nodes.add(Promise.resolve(remote))])

    for (let i = 0; i < 5; i++) {
      block(100)
      await new Promise(resolve => { setTimeout(resolve, 20) })
    }

    await remote.dial(node.getMultiaddrs())
    expect(node.services.connectionManager.getStats().connections).to.equal(1)
  })

  it('limits are those of the smallest machine', () => {
    const { system } = autoScale()

    expect(autoScale()).to.deep.equal(autoScale({ memory: 0, fileDescriptors: 0 }))
    expect(system).to.include({ connections: 128, connectionsInbound: 64, connectionsOutbound: 128 })
  })

  it('the limits of connections and dials are those of libp2p in browsers', async () => {
    const node = await createBrowserNode()
    await nodes.add(Promise.resolve(node))

    expect(node.services.connectionManager.getMaxConnections()).to.equal(100)
  })
})

/**
 * Nothing else runs for this many ms
 */
function block (ms: number): void {
  const end = Date.now() + ms

  while (Date.now() < end) {
    // nothing else runs
  }
}
