import { PeerMap } from '@libp2p/peer-collections'
import { expect } from 'aegir/chai'
import { Arrivals } from '../fixtures/inbound.ts'
import { MANAGERS, OURS, UPSTREAM, idsOf, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Libp2p } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'

const PROTOCOL = '/echo/1.0.0'

describe('drop-in: the interface of a connection manager', () => {
  MANAGERS.forEach(specify)

  function specify ({ name, create }: ManagerUnderTest): void {
    describe(name, () => {
      const nodes = new NodeGroup()
      let network: ScriptedNetwork
      let node: Libp2p
      let remote: Libp2p
      let manager: ConnectionManager

      beforeEach(async () => {
        network = new ScriptedNetwork()
        node = await nodes.add(create({ maxConnections: 40, maxIncomingPendingConnections: 10 }, { transports: [network.transport()] }))
        remote = await nodes.add(createPlainNode())
        manager = managerOf(node)
        await remote.handle(PROTOCOL, () => {})
      })

      afterEach(async () => nodes.stop())

      it('openConnection opens a connection', async () => {
        const connection = await manager.openConnection(remote.getMultiaddrs())

        expect(connection).to.have.property('status', 'open')
        expect(connection).to.have.property('direction', 'outbound')
        expect(connection.remotePeer.equals(remote.peerId)).to.be.true()
      })

      it('openStream opens a connection and a stream', async () => {
        const stream = await manager.openStream(remote.getMultiaddrs(), [PROTOCOL])

        expect(stream).to.have.property('protocol', PROTOCOL)
        expect(manager.getConnections()).to.have.lengthOf(1)
      })

      it('openStream takes a single protocol', async () => {
        const stream = await manager.openStream(remote.getMultiaddrs(), PROTOCOL)

        expect(stream).to.have.property('protocol', PROTOCOL)
      })

      it('openStream uses the connection that is open', async () => {
        const connection = await manager.openConnection(remote.getMultiaddrs())
        const stream = await manager.openStream(remote.peerId, PROTOCOL)

        expect(connection.streams.includes(stream)).to.be.true()
        expect(manager.getConnections()).to.have.lengthOf(1)
      })

      it('getConnections returns all connections, or those of one peer', async () => {
        const other = await nodes.add(createPlainNode())
        const connection = await manager.openConnection(remote.getMultiaddrs())
        const second = await manager.openConnection(other.getMultiaddrs())

        expect(idsOf(...manager.getConnections())).to.have.members(idsOf(connection, second))
        expect(idsOf(...manager.getConnections(remote.peerId))).to.deep.equal(idsOf(connection))
        expect(idsOf(...manager.getConnections(node.peerId))).to.deep.equal(idsOf())
      })

      it('getConnectionsMap returns the live map of the connections of each peer', async () => {
        const map = manager.getConnectionsMap()
        expect(map).to.be.an.instanceOf(PeerMap)

        const connection = await manager.openConnection(remote.getMultiaddrs())
        expect(idsOf(...map.get(remote.peerId) ?? [])).to.deep.equal([connection.id])

        await manager.closeConnections(remote.peerId)
        expect(map.has(remote.peerId)).to.be.false()
      })

      it('getMaxConnections returns the option, setMaxConnections changes it', () => {
        expect(manager.getMaxConnections()).to.equal(40)

        manager.setMaxConnections(50)
        expect(manager.getMaxConnections()).to.equal(50)
      })

      it('setMaxConnections does not take less than one', () => {
        expect(() => { manager.setMaxConnections(0) }).to.throw().with.property('name', 'InvalidParametersError')
        expect(manager.getMaxConnections()).to.equal(40)
      })

      it('closeConnections closes all connections to the peer and to no other', async () => {
        const other = await nodes.add(createPlainNode())
        const connections = [
          await manager.openConnection(remote.getMultiaddrs()),
          await manager.openConnection(remote.getMultiaddrs(), { force: true })
        ]
        const kept = await manager.openConnection(other.getMultiaddrs())

        await manager.closeConnections(remote.peerId)

        expect(connections.map(({ status }) => status)).to.deep.equal(['closed', 'closed'])
        expect(idsOf(...manager.getConnections())).to.deep.equal(idsOf(kept))
      })

      it('closeConnections does nothing for a peer that is not connected', async () => {
        await manager.closeConnections(remote.peerId)
      })

      it('acceptIncomingConnection lets a connection in, afterUpgradeInbound ends its upgrade', () => {
        const arrivals = new Arrivals(manager)
        const [first] = Array.from({ length: 10 }, () => arrivals.accept('/memory/somebody'))

        expect(arrivals.accept('/memory/somebody')).to.be.undefined()
        expect(first).to.be.ok()

        if (first != null) {
          arrivals.fail(first)
        }

        expect(arrivals.accept('/memory/somebody')).to.be.ok()
      })

      it('getDialQueue lists the dials that run', async () => {
        const address = network.hold('/memory/held')
        network.route('/memory/held', remote)
        const target = address.encapsulate(`/p2p/${remote.peerId.toString()}`)
        const dial = manager.openConnection(target)
        await network.untilDialed('/memory/held')

        const [pending, ...others] = manager.getDialQueue()
        expect(others).to.be.empty()
        expect(pending).to.have.property('id').that.is.a('string')
        expect(pending).to.have.property('status', 'active')
        expect(pending.peerId?.equals(remote.peerId)).to.be.true()

        network.release('/memory/held')
        await dial
        expect(manager.getDialQueue()).to.be.empty()
      })

      it('isDialable tells whether there is a transport for the address', async () => {
        const [address] = remote.getMultiaddrs()

        await expect(manager.isDialable(address)).to.eventually.be.true()
        await expect(manager.isDialable([address])).to.eventually.be.true()
        expect(network.dialed).to.be.empty()
      })
    })
  }

  const LISTS = [
    { manager: OURS, remaining: 1 },
    // the list of a peer is the one that the manager works with
    { manager: UPSTREAM, remaining: 0 }
  ]

  LISTS.forEach(({ manager, remaining }) => {
    it(`after a caller has emptied its list of the connections of a peer, ${manager.name} has ${remaining}`, async () => {
      const nodes = new NodeGroup()

      try {
        const node = await nodes.add(manager.create())
        const remote = await nodes.add(createPlainNode())
        const connection = await node.dial(remote.getMultiaddrs())

        node.getConnections(remote.peerId).pop()

        expect(node.getConnections()).to.have.lengthOf(remaining)
        connection.abort(new Error('The test is over'))
      } finally {
        await nodes.stop()
      }
    })
  })
})
