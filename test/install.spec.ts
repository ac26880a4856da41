import { PeerMap } from '@libp2p/peer-collections'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { stubInterface } from 'sinon-ts'
import { connectionManager } from '../src/index.ts'
import { earlyService } from './fixtures/discarded.ts'
import { NodeGroup } from './fixtures/node-group.ts'
import { createPlainNode, memoryAddress, memoryNodeOptions } from './fixtures/nodes.ts'
import type { EarlyService } from './fixtures/discarded.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../src/index.ts'
import type { Libp2p, MultiaddrConnection } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'

/**
 * The whole interface: the type makes sure that none is missing here
 */
const METHODS: Record<keyof ConnectionManager, true> = {
  getConnections: true,
  getConnectionsMap: true,
  getMaxConnections: true,
  setMaxConnections: true,
  openConnection: true,
  openStream: true,
  closeConnections: true,
  acceptIncomingConnection: true,
  afterUpgradeInbound: true,
  getDialQueue: true,
  isDialable: true
}

/**
 * What libp2p's own manager has beside its interface, for its own use
 */
const INTERNAL = ['constructor', 'start', 'stop', 'onConnect', '_onConnect', 'onDisconnect']

describe('install', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  async function createNode (init: ConnectionManagerInit = {}): Promise<Libp2p<{ early: EarlyService, connectionManager: ConnectionManagerService }>> {
    return nodes.add(createLibp2p({
      ...memoryNodeOptions(),
      services: {
        early: earlyService(),
        connectionManager: connectionManager(init)
      }
    }))
  }

  describe('the component', () => {
    it('is replaced by a service of that name', async () => {
      const node = await createNode()
      const { early, connectionManager } = node.services

      expect(early.connectionManager).to.not.equal(connectionManager)
      expect(early.components.connectionManager).to.equal(connectionManager)
    })

    it('that was discarded is never started and tracks nothing', async () => {
      const node = await createNode()
      const remote = await nodes.add(createPlainNode())
      await node.dial(remote.getMultiaddrs())

      expect(node.services.early.field('started')).to.be.false()
      expect(node.services.early.field('connections')).to.have.property('size', 0)
      expect(node.services.early.field('reconnectQueue')).to.equal(node.services.connectionManager.reconnectQueue)
    })

    it('has to have that name, or the node does not start', async () => {
      const node = await createLibp2p({
        ...memoryNodeOptions(),
        start: false,
        services: {
          manager: connectionManager()
        }
      })

      await expect(node.start()).to.eventually.be.rejected()
        .with.property('message', '"services" must be a record in which this service is named "connectionManager", got "another name"')
      await expect(node.start()).to.eventually.be.rejected()
        .with.property('name', 'InvalidParametersError')
      expect(node).to.have.property('status', 'stopped')
    })

    it('is replaced in a node without what libp2p has beside it', async () => {
      const node = await nodes.add(createLibp2p({
        ...memoryNodeOptions(),
        connectionMonitor: { enabled: false },
        services: { connectionManager: connectionManager() }
      }))
      const remote = await nodes.add(createPlainNode())
      await node.dial(remote.getMultiaddrs())

      expect(node.services.connectionManager.getConnections()).to.have.lengthOf(1)
    })

    it('throws for bad options when the node is created', async () => {
      await expect(createNode({ lowWater: 20, highWater: 10 })).to.eventually.be.rejected()
        .with.property('name', 'InvalidParametersError')
    })
  })

  describe('the discarded connection manager', () => {
    it('hands on every method that it has', async () => {
      const { early } = (await createNode()).services
      const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(early.connectionManager))
        .filter(name => !INTERNAL.includes(name))

      expect(methods).to.have.members(Object.keys(METHODS))

      for (const name of methods) {
        expect(Object.hasOwn(early.connectionManager, name)).to.be.true(name)
      }
    })

    it('opens, lists and closes connections', async () => {
      const node = await createNode()
      const remote = await nodes.add(createPlainNode())
      const { early, connectionManager } = node.services
      const discarded = early.connectionManager

      const connection = await discarded.openConnection(remote.getMultiaddrs())
      expect(connectionManager.getConnections()).to.deep.equal([connection])
      expect(discarded.getConnections()).to.deep.equal([connection])
      expect(discarded.getConnections(remote.peerId)).to.deep.equal([connection])
      expect(discarded.getConnections(node.peerId)).to.deep.equal([])
      expect(discarded.getConnectionsMap()).to.be.an.instanceOf(PeerMap)
      expect(discarded.getConnectionsMap().get(remote.peerId)).to.deep.equal([connection])

      await discarded.closeConnections(remote.peerId)
      expect(connection.status).to.equal('closed')
      expect(discarded.getConnections()).to.be.empty()
      expect(connectionManager.getConnections()).to.be.empty()
    })

    it('opens streams', async () => {
      const { early } = (await createNode()).services
      const remote = await nodes.add(createPlainNode())
      await remote.handle('/test/1.0.0', async stream => { await stream.close() })

      const stream = await early.connectionManager.openStream(remote.getMultiaddrs(), '/test/1.0.0')
      expect(stream.protocol).to.equal('/test/1.0.0')
    })

    it('gets and sets the maximum', async () => {
      const { early, connectionManager } = (await createNode({ maxConnections: 40 })).services
      expect(early.connectionManager.getMaxConnections()).to.equal(40)

      early.connectionManager.setMaxConnections(30)
      expect(connectionManager.getMaxConnections()).to.equal(30)
      expect(early.connectionManager.getMaxConnections()).to.equal(30)
    })

    it('accepts connections and counts those that are being upgraded', async () => {
      const { early, connectionManager } = (await createNode({ maxIncomingPendingConnections: 1 })).services
      const discarded = early.connectionManager
      const maConn = stubInterface<MultiaddrConnection>({ remoteAddr: multiaddr('/ip4/192.0.2.1/tcp/4001') })

      expect(discarded.acceptIncomingConnection(maConn)).to.be.true()
      expect(connectionManager.acceptIncomingConnection(maConn)).to.be.false()

      discarded.afterUpgradeInbound()
      expect(connectionManager.acceptIncomingConnection(maConn)).to.be.true()
      expect(discarded.acceptIncomingConnection(maConn)).to.be.false()
    })

    it('shows the dial queue and what can be dialled', async () => {
      const { early, connectionManager } = (await createNode()).services
      const discarded = early.connectionManager
      const address = multiaddr(memoryAddress())

      expect(await discarded.isDialable(address)).to.be.true()
      expect(await discarded.isDialable(multiaddr('/ip4/192.0.2.1/tcp/4001'))).to.be.false()

      const dial = connectionManager.openConnection(address)
      expect(discarded.getDialQueue()).to.have.lengthOf(1)
      expect(discarded.getDialQueue()).to.deep.equal(connectionManager.getDialQueue())
      await expect(dial).to.eventually.be.rejected()
      expect(discarded.getDialQueue()).to.be.empty()
    })

    it('passes on what is put in the place of a method', async () => {
      const node = await createNode()
      const remote = await nodes.add(createPlainNode())
      const discarded = node.services.early.connectionManager
      const original = discarded.openConnection.bind(discarded)
      let calls = 0
      discarded.openConnection = async (...args) => {
        calls++

        return original(...args)
      }

      await node.dial(remote.getMultiaddrs())
      expect(calls).to.equal(1)
    })

    it('does not answer for a manager of another node', async () => {
      const [a, b] = await Promise.all([createNode(), createNode()])
      const remote = await nodes.add(createPlainNode())
      await a.dial(remote.getMultiaddrs())

      expect(a.services.early.connectionManager.getConnections()).to.have.lengthOf(1)
      expect(b.services.early.connectionManager.getConnections()).to.be.empty()
    })
  })
})
