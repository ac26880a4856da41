import { PeerMap } from '@libp2p/peer-collections'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { connectionManager } from '../../src/index.ts'
import { earlyService } from '../fixtures/discarded.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode, memoryNodeOptions } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ConnectionManagerService } from '../../src/index.ts'
import type { EarlyService } from '../fixtures/discarded.ts'
import type { Connection, DialTarget, Libp2p, Libp2pEvents, PeerId } from '@libp2p/interface'

const ADDRESS = '/ip4/192.0.2.1/tcp/4001'

/**
 * The fields of libp2p's own manager that other projects reach for, as they see
 * them
 */
type Fields = Pick<ConnectionManagerService, 'getConnectionsMap' | 'dialQueue' | 'reconnectQueue'>

interface Services extends Record<string, unknown> {
  early: EarlyService
  connectionManager: ConnectionManagerService
}

/**
 * Who looks for the fields
 */
const HOLDERS: Record<string, (node: Libp2p<Services>) => Fields> = {
  'our connection manager': node => node.services.connectionManager,
  // its own type has other classes in these fields
  'the discarded connection manager': node => node.services.early.connectionManager as unknown as Fields
}

for (const [holder, fieldsOf] of Object.entries(HOLDERS)) {
  describe(`private fields of ${holder}`, function () {
    // less than any time-out that would end a dial as well
    this.timeout(5_000)

    const nodes = new NodeGroup()
    let network: ScriptedNetwork
    let node: Libp2p<Services>
    let remote: Libp2p
    let fields: Fields

    beforeEach(async () => {
      network = new ScriptedNetwork()
      node = await nodes.add(createLibp2p<Services>({
        ...memoryNodeOptions(),
        transports: [network.transport()],
        // in browsers libp2p denies addresses that are not public
        connectionGater: { denyDialMultiaddr: () => false },
        services: {
          early: earlyService(),
          connectionManager: connectionManager()
        }
      }))
      remote = await nodes.add(createPlainNode())
      fields = fieldsOf(node)
    })

    afterEach(async () => nodes.stop())

    it('getConnectionsMap().map is a live map of peers and their connections', async () => {
      expect(fields.getConnectionsMap()).to.be.an.instanceOf(PeerMap)

      const map: Map<string, { key: PeerId, value: Connection[] }> = Reflect.get(fields.getConnectionsMap(), 'map')
      expect(map).to.be.an.instanceOf(Map)
      expect(map).to.have.property('size', 0)

      const connection = await node.dial(remote.getMultiaddrs())
      expect([...map.keys()]).to.deep.equal([remote.peerId.toString()])

      const [{ key, value }] = map.values()
      expect(key.equals(remote.peerId)).to.be.true()
      expect(value).to.deep.equal([connection])

      await node.hangUp(remote.peerId)
      expect(map).to.have.property('size', 0)
      expect(Reflect.get(fields.getConnectionsMap(), 'map')).to.equal(map)
    })

    it('dialQueue.queue.onIdle resolves when no dial is left', async () => {
      await fields.dialQueue.queue.onIdle({ signal: AbortSignal.timeout(5_000) })

      const dial = node.dial(holdRoute())
      await network.untilDialed(ADDRESS)
      let idle = false
      const waiting = fields.dialQueue.queue.onIdle({ signal: AbortSignal.timeout(5_000) }).then(() => { idle = true })
      await nextTurn()
      expect(idle).to.be.false()

      network.release(ADDRESS)
      await dial
      await waiting
    })

    it('dialQueue.queue.onIdle rejects with its signal', async () => {
      const dial = node.dial(holdRoute())
      const controller = new AbortController()
      const waiting = fields.dialQueue.queue.onIdle({ signal: controller.signal })
      controller.abort()
      await expect(waiting).to.eventually.be.rejected()

      network.release(ADDRESS)
      await dial
    })

    it('dialQueue.queue.onSizeLessThan resolves when there is room', async () => {
      await fields.dialQueue.queue.onSizeLessThan(1)

      const dial = node.dial(holdRoute())
      await network.untilDialed(ADDRESS)
      let room = false
      const waiting = fields.dialQueue.queue.onSizeLessThan(1, { signal: AbortSignal.timeout(5_000) }).then(() => { room = true })
      await nextTurn()
      expect(room).to.be.false()

      network.release(ADDRESS)
      await dial
      await waiting
    })

    it('dialQueue.stop ends the dials that run and wait', async () => {
      const dials = ['/ip4/192.0.2.1/tcp/4001', '/ip4/192.0.2.2/tcp/4001']
        .map(async address => node.dial(network.hold(address)))
      await network.untilDialed(ADDRESS)
      fields.dialQueue.stop()

      for (const result of await Promise.allSettled(dials)) {
        expect(result).to.have.property('status', 'rejected')
      }

      await fields.dialQueue.queue.onIdle()
      expect(node.getDialQueue()).to.be.empty()
    })

    it('reconnectQueue.stop ends reconnecting, and leaves the tags', async () => {
      const { reconnect } = await loseConnection()
      await reconnect
      fields.reconnectQueue.stop()
      await fields.dialQueue.queue.onIdle()

      expect(network.dialed.filter(address => address === ADDRESS)).to.have.lengthOf(2)
      expect((await node.peerStore.get(remote.peerId)).tags.has('keep-alive')).to.be.true()
    })

    it('dialQueue.calculateMultiaddrs says what would be dialled', async () => {
      const [address] = remote.getMultiaddrs()
      await node.peerStore.merge(remote.peerId, { multiaddrs: [address] })
      const addresses = await fields.dialQueue.calculateMultiaddrs(remote.peerId)

      expect(addresses.map(({ multiaddr }) => multiaddr.toString())).to.deep.equal([address.toString()])
      expect(addresses[0]).to.have.property('isCertified', false)
    })

    it('dialQueue.dial can be replaced', async () => {
      const connection = await node.dial(remote.getMultiaddrs())
      await node.hangUp(remote.peerId)
      const { dial } = fields.dialQueue
      const targets: DialTarget[] = []
      fields.dialQueue.dial = async target => {
        targets.push(target)
        throw new Error('Replaced')
      }

      await expect(node.dial(remote.getMultiaddrs())).to.eventually.be.rejectedWith('Replaced')
      expect(targets).to.deep.equal([remote.getMultiaddrs()])

      fields.dialQueue.dial = dial
      expect(await node.dial(remote.getMultiaddrs())).to.not.equal(connection)
    })

    it('can be used for a shut down in steps', async () => {
      const { reconnect } = await loseConnection()
      const dial = node.dial(network.hold('/ip4/192.0.2.2/tcp/4001'))
      await reconnect

      fields.reconnectQueue.stop()
      fields.dialQueue.stop()
      await expect(dial).to.eventually.be.rejected()
      await fields.dialQueue.queue.onIdle({ signal: AbortSignal.timeout(5_000) })
      await node.stop()

      expect(node.getConnections()).to.be.empty()
    })

    /**
     * An address of the remote at which a dial waits
     */
    function holdRoute (): ReturnType<ScriptedNetwork['route']> {
      const address = network.route(ADDRESS, remote)
      network.hold(ADDRESS)

      return address
    }

    /**
     * Connects to a peer that is to be kept, and loses the connection. `reconnect`
     * resolves when it is dialled again.
     */
    async function loseConnection (): Promise<{ reconnect: Promise<void> }> {
      await node.peerStore.merge(remote.peerId, { tags: { 'keep-alive': { value: 1 } } })
      const connection = await node.dial(network.route(ADDRESS, remote))
      const lost = pEvent<'peer:disconnect', Libp2pEvents['peer:disconnect']>(node, 'peer:disconnect')
      network.hold(ADDRESS)
      connection.abort(new Error('The network is gone'))
      await lost

      return { reconnect: network.untilDialed(ADDRESS, 2) }
    }
  })
}

async function nextTurn (): Promise<void> {
  await new Promise<void>(resolve => { setTimeout(resolve) })
}
