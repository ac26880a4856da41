import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { dcutr } from '@libp2p/dcutr'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { Circuit } from '@multiformats/multiaddr-matcher'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'
import { connectionManager } from '../../src/index.ts'
import { componentOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { mapPublicAddress, publicTCP } from '../fixtures/public-tcp.ts'
import { createRelay, socketNodeOptions } from '../fixtures/socket-nodes.ts'
import type { ConnectionManagerService } from '../../src/index.ts'
import type { PublicTCPOptions } from '../fixtures/public-tcp.ts'
import type { RelayServices } from '../fixtures/socket-nodes.ts'
import type { CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import type { Connection, Libp2p, Libp2pEvents, Transport } from '@libp2p/interface'
import type { AddressManager, ConnectionManager } from '@libp2p/interface-internal'
import type { Ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'

interface Services extends Record<string, unknown> {
  connectionManager: ConnectionManagerService
  identify: unknown
  ping: Ping
}

interface ReservationStore extends EventTarget {
  hasReservation(peerId: Libp2p['peerId']): boolean
  connectionManager: ConnectionManager
}

describe('circuit relay', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  /**
   * A node that can reserve a slot on a relay. `stores` receives its reservation
   * store.
   */
  async function createClient (listen: string[], options: PublicTCPOptions & { dcutr?: boolean, stores?: ReservationStore[] } = {}): Promise<Libp2p<Services>> {
    return nodes.add(createLibp2p<Services>({
      ...socketNodeOptions(''),
      addresses: { listen },
      transports: [
        publicTCP(options),
        (components: CircuitRelayTransportComponents): Transport => {
          const transport = circuitRelayTransport()(components)
          options.stores?.push(Reflect.get(transport, 'reservationStore'))

          return transport
        }
      ],
      services: {
        // first, so that it has got the connection manager that is discarded
        ...(options.dcutr === true ? { dcutr: dcutr() } : {}),
        connectionManager: connectionManager(),
        identify: identify(),
        ping: ping()
      }
    }))
  }

  async function startRelay (): Promise<Libp2p<RelayServices>> {
    return nodes.add(createRelay())
  }

  describe('a reservation', () => {
    it('is made on a relay that is listened on', async () => {
      const relay = await startRelay()
      const stores: ReservationStore[] = []
      const node = await createClient([circuitAddress(relay)], { stores })

      expect(relay.services.relay.reservations.has(node.peerId)).to.be.true()
      expect(stores[0].hasReservation(relay.peerId)).to.be.true()
      expect(relayedAddresses(node)).to.have.lengthOf(1)

      // although the transport has kept the connection manager that is discarded
      expect(stores[0].connectionManager).to.not.equal(node.services.connectionManager)
      expect(stores[0].connectionManager.getConnections()).to.deep.equal(node.services.connectionManager.getConnections())
    })

    it('is made on a relay that is discovered', async () => {
      const relay = await startRelay()
      const stores: ReservationStore[] = []
      const node = await createClient(['/p2p-circuit'], { stores })
      const reserved = pEvent(stores[0], 'relay:created-reservation')
      await node.dial(relay.getMultiaddrs())
      await reserved

      expect(relay.services.relay.reservations.has(node.peerId)).to.be.true()
      expect(relayedAddresses(node)).to.have.lengthOf(1)
    })

    it('makes both sides worth more to each other', async () => {
      const relay = await startRelay()
      const node = await createClient([circuitAddress(relay)])

      expect(node.services.connectionManager.getTagInfo(relay.peerId)?.tags.get('keep-alive-circuit-relay')).to.equal(1)
      expect(relay.services.connectionManager.getTagInfo(node.peerId)?.tags.get('circuit-relay-source')).to.equal(1)
    })

    it('is made again when the node is started again', async () => {
      const relay = await startRelay()
      const stores: ReservationStore[] = []
      const node = await createClient([circuitAddress(relay)], { stores })
      await node.stop()
      expect(stores[0].hasReservation(relay.peerId)).to.be.false()

      await node.start()
      expect(stores[0].hasReservation(relay.peerId)).to.be.true()
      // the relay notices in its own time that the old one is closed
      await pWaitFor(() => relay.services.connectionManager.getConnections(node.peerId).length === 1)
    })

    it('ends with the connection to the relay', async () => {
      const relay = await startRelay()
      const stores: ReservationStore[] = []
      const node = await createClient([circuitAddress(relay)], { stores })
      const removed = pEvent(stores[0], 'relay:removed')
      await node.hangUp(relay.peerId)
      await removed

      expect(stores[0].hasReservation(relay.peerId)).to.be.false()
      expect(relayedAddresses(node)).to.be.empty()
    })
  })

  describe('a relayed connection', () => {
    it('is tracked on both sides, with its limits', async () => {
      const relay = await startRelay()
      const target = await createClient([circuitAddress(relay)])
      const source = await createClient([])
      const opened = nextConnection(target, source)

      const connection = await source.dial(relayedAddresses(target))
      const remote = await opened

      expect(source.services.connectionManager.getConnections(target.peerId)).to.deep.equal([connection])
      expect(target.services.connectionManager.getConnections(source.peerId)).to.deep.equal([remote])

      for (const { direct, limits, remoteAddr } of [connection, remote]) {
        expect(direct).to.be.false()
        expect(limits).to.have.property('seconds')
        expect(Circuit.matches(remoteAddr)).to.be.true()
      }

      expect(source.getConnections(relay.peerId)).to.have.lengthOf(1)
    })

    it('carries only the streams that are meant for one with limits', async () => {
      const relay = await startRelay()
      const target = await createClient([circuitAddress(relay)])
      const source = await createClient([])
      const connection = await source.dial(relayedAddresses(target))

      await target.handle('/unlimited/1.0.0', async stream => { await stream.close() })
      await target.handle('/limited/1.0.0', async stream => { await stream.close() }, { runOnLimitedConnection: true })

      await expect(connection.newStream('/unlimited/1.0.0')).to.eventually.be.rejected()
        .with.property('name', 'LimitedConnectionError')
      expect(await connection.newStream('/limited/1.0.0', { runOnLimitedConnection: true })).to.have.property('protocol', '/limited/1.0.0')
      expect(await source.services.ping.ping(target.peerId)).to.be.at.least(0)
    })

    it('does not keep a direct one from being dialled', async () => {
      const relay = await startRelay()
      const target = await createClient([circuitAddress(relay), '/ip4/127.0.0.1/tcp/0'])
      const source = await createClient([])
      const relayed = await source.dial(relayedAddresses(target))
      const direct = await source.dial(directAddresses(target))

      expect(relayed.direct).to.be.false()
      expect(direct.direct).to.be.true()
      expect(await source.dial(target.peerId)).to.equal(direct)
    })
  })

  describe('DCUtR', () => {
    /**
     * Two nodes, connected over a relay, and the connection that the first has
     */
    async function connectOverRelay (options: { source?: PublicTCPOptions, target?: PublicTCPOptions }): Promise<{ source: Libp2p<Services>, target: Libp2p<Services>, relayed: Connection }> {
      const relay = await startRelay()
      const target = await createClient([circuitAddress(relay), '/ip4/127.0.0.1/tcp/0'], { ...options.target, dcutr: true })
      const source = await createClient(['/ip4/127.0.0.1/tcp/0'], { ...options.source, dcutr: true })

      for (const node of [source, target]) {
        const addressManager = componentOf<AddressManager>(node, 'addressManager')
        addressManager.confirmObservedAddr(mapPublicAddress(node, addressManager))
      }

      return { source, target, relayed: await source.dial(relayedAddresses(target)) }
    }

    it('replaces the relayed connection with a direct one to the public address of the dialer', async () => {
      const { source, target, relayed } = await connectOverRelay({})
      const [direct] = await Promise.all([nextConnection(source, target), pEvent(relayed, 'close')])

      expect(direct.direct).to.be.true()
      expect(direct.direction).to.equal('inbound')
      expect(direct.limits).to.be.undefined()
      expect(source.services.connectionManager.getConnections(target.peerId)).to.deep.equal([direct])
      await pWaitFor(() => target.services.connectionManager.getConnections(source.peerId).length === 1)
      expect(target.services.connectionManager.getConnections(source.peerId)[0]).to.have.property('direct', true)
    })

    it('has both dial at the same time if the dialer cannot be reached', async () => {
      let attempts = 0
      const { source, target, relayed } = await connectOverRelay({
        target: {
          firewall: () => {
            attempts++
            throw new Error('Connection refused')
          }
        }
      })
      const [direct] = await Promise.all([nextConnection(source, target), pEvent(relayed, 'close')])

      // once on its own, and once when told to: half a round trip after the dialer,
      // who may have the connection by then
      await pWaitFor(() => attempts === 2)
      expect(direct.direct).to.be.true()
      expect(direct.direction).to.equal('outbound')
      expect(source.services.connectionManager.getConnections(target.peerId)).to.deep.equal([direct])
    })
  })
})

function circuitAddress (relay: Libp2p): string {
  return `${relay.getMultiaddrs()[0]}/p2p-circuit`
}

function relayedAddresses (node: Libp2p): Multiaddr[] {
  return node.getMultiaddrs().filter(address => Circuit.matches(address))
}

function directAddresses (node: Libp2p): Multiaddr[] {
  return node.getMultiaddrs().filter(address => !Circuit.matches(address))
}

async function nextConnection (node: Libp2p, remote: Libp2p): Promise<Connection> {
  const { detail } = await pEvent<'connection:open', Libp2pEvents['connection:open']>(node, 'connection:open', {
    filter: ({ detail }) => detail.remotePeer.equals(remote.peerId)
  })

  return detail
}
