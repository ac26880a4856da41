import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { Circuit } from '@multiformats/multiaddr-matcher'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { newHome } from './fixtures/home.ts'
import { commonOptions } from './fixtures/nodes.ts'
import { until } from './fixtures/wait.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

describe('the connection manager of a node that nobody can dial', () => {
  const home = newHome()
  let relay: Libp2p

  beforeEach(async () => {
    relay = await home.add(createLibp2p({
      ...commonOptions,
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      services: { identify: identify(), relay: circuitRelayServer() }
    }))
  })

  /**
   * A node with a reservation on a relay, whose router does not forward what it says
   * it does. Two servers find that out.
   */
  async function privateNode (ownManager: ConnectionManagerInit): Promise<{ node: TestNode, manager: ConnectionManagerService, openPort(): void }> {
    const node = await home.node({
      ownManager,
      listen: ['/ip4/127.0.0.1/tcp/0', `${relay.getMultiaddrs()[0]}/p2p-circuit`],
      transports: [circuitRelayTransport()],
      init: { probe: { settleTime: 0 } }
    })
    await until(() => home.gateway.mappings.length === 1)
    const forwarded = home.gateway.mappings.splice(0)
    await home.servers(node, 2)
    await until(() => node.services.reachability.getReachability().state === 'private')

    return {
      node,
      manager: Reflect.get(node.services, 'connectionManager'),
      openPort: () => { home.gateway.mappings.push(...forwarded) }
    }
  }

  it('is to dial more peers and holds on to the relay, until others can dial it', async () => {
    const { node, manager, openPort } = await privateNode({ outbound: { target: 1, sources: [] } })
    expect(manager.getStats().reachability).to.equal('private')
    expect(manager.outbound.stat.target).to.equal(2)
    expect(await manager.explain(relay.peerId)).to.have.property('protectedBy').that.deep.equals(['relay'])
    expect(manager.decisions({ kind: 'reachability' }).at(-1)).to.deep.include({ reason: 'private', details: { because: 'unreachable', previous: 'unknown', isPrivate: true } })

    openPort()
    node.services.reachability.probe()
    await until(() => manager.getStats().reachability === 'public')
    expect(manager.outbound.stat.target).to.equal(1)
    expect(manager.isProtected(relay.peerId)).to.be.false()
    expect(node.getConnections(relay.peerId)).to.have.lengthOf(1)
  })

  it('trims others before those who come through the relay', async () => {
    const { node, manager } = await privateNode({ gracePeriod: 0 })
    const stranger = await home.add(createLibp2p({ ...commonOptions, transports: [...commonOptions.transports, circuitRelayTransport()], services: { identify: identify() } }))
    await stranger.dial(node.getMultiaddrs().filter(address => Circuit.matches(address)))
    await until(() => node.getConnections(stranger.peerId).length === 1)
    const { closed } = await manager.trimConnections(2)

    expect(closed.map(({ direction }) => direction)).to.deep.equal(['outbound', 'outbound'])
    expect(node.getConnections(stranger.peerId)).to.have.lengthOf(1)
    expect(node.getConnections(relay.peerId)).to.have.lengthOf(1)
  })

  it('does nothing of it where it shall not', async () => {
    const { manager } = await privateNode({ outbound: { target: 1, sources: [] }, whilePrivate: false })

    expect(manager.getStats().reachability).to.equal('private')
    expect(manager.outbound.stat.target).to.equal(1)
    expect(manager.isProtected(relay.peerId)).to.be.false()
  })
})
