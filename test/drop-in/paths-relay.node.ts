import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { dcutr } from '@libp2p/dcutr'
import { identify } from '@libp2p/identify'
import { KEEP_ALIVE } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { Circuit } from '@multiformats/multiaddr-matcher'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'
import { connectionManager } from '../../src/index.ts'
import { componentOf, idsOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { mapPublicAddress, publicTCP } from '../fixtures/public-tcp.ts'
import { createRelay, socketNodeOptions } from '../fixtures/socket-nodes.ts'
import type { ConnectionManagerInit, ConnectionManagerService, ConnectionUpgrade } from '../../src/index.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

interface Services extends Record<string, unknown> {
  connectionManager: ConnectionManagerService
}

const ECHO = '/echo/1.0.0'
const LIMITED = { runOnLimitedConnection: true }

describe('a relayed and a direct path', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  async function createNode (listen: string[], init: ConnectionManagerInit = {}, holePunching = false): Promise<Libp2p<Services>> {
    const node = await nodes.add(createLibp2p<Services>({
      ...socketNodeOptions(''),
      addresses: { listen },
      transports: [publicTCP(), circuitRelayTransport()],
      services: {
        connectionManager: connectionManager(init),
        identify: identify(),
        ...(holePunching ? { dcutr: dcutr() } : {})
      }
    }))

    await node.handle(ECHO, async stream => {
      for await (const bytes of stream) {
        stream.send(bytes)
      }

      await stream.close()
    }, LIMITED)

    return node
  }

  /**
   * Two nodes that are connected over a relay only
   */
  async function connectOverRelay (init: ConnectionManagerInit = {}, holePunching = false): Promise<{ source: Libp2p<Services>, target: Libp2p<Services>, relayed: Connection }> {
    const relay = await nodes.add(createRelay())
    const target = await createNode([`${relay.getMultiaddrs()[0]}/p2p-circuit`, '/ip4/127.0.0.1/tcp/0'], init, holePunching)
    const source = await createNode(['/ip4/127.0.0.1/tcp/0'], init, holePunching)

    if (holePunching) {
      for (const node of [source, target]) {
        const addressManager = componentOf<AddressManager>(node, 'addressManager')
        addressManager.confirmObservedAddr(mapPublicAddress(node, addressManager))
      }
    }

    return { source, target, relayed: await source.dial(addressesOf(target, true)) }
  }

  describe('of a peer that is to be kept', () => {
    for (const [name, keep] of Object.entries({
      static: async (source: Libp2p<Services>, target: Libp2p<Services>) => { source.services.connectionManager.staticPeers.add(addressesOf(target, false)[0]) },
      'keep-alive': async (source: Libp2p<Services>, target: Libp2p<Services>) => {
        await source.peerStore.merge(target.peerId, { multiaddrs: addressesOf(target, false), tags: { [KEEP_ALIVE]: { value: 1 } } })
      }
    })) {
      it(`become the direct one, which is kept, if the peer is ${name}`, async () => {
        const { source, target, relayed } = await connectOverRelay({ drainTimeout: 100, duplicateDelay: 100 })
        expect(relayed.limits).to.not.equal(undefined)
        const closed = pEvent(relayed, 'close')
        const upgraded = nextUpgrade(source)
        await keep(source, target)

        expect(await upgraded).to.have.nested.property('to.direct', true)
        await closed
        const manager = source.services.connectionManager
        expect(manager.getConnections(target.peerId).map(({ direct, limits }) => ({ direct, limits }))).to.deep.equal([{ direct: true, limits: undefined }])
        await echo(await manager.openStream(target.peerId, ECHO), 10)
      })
    }
  })

  describe('after hole punching', () => {
    it('become the direct one, without any stream being lost on the way', async () => {
      const { source, target, relayed } = await connectOverRelay({}, true)
      const upgraded = [source, target].map(nextUpgrade)
      const manager = source.services.connectionManager
      const closed = pEvent(relayed, 'close')
      let echoes = 0
      let direct = 0

      while (relayed.status === 'open' || direct < 5) {
        const stream = await manager.openStream(target.peerId, ECHO, LIMITED)
        await echo(stream, 10_000)
        echoes++

        if (connectionOf(source, target, stream)?.direct === true) {
          direct++
        }
      }

      await closed
      expect(echoes).to.be.above(direct)

      for (const { from, to } of await Promise.all(upgraded)) {
        expect(from.direct).to.be.false()
        expect(to.direct).to.be.true()
      }

      // a stream may have had the peer dialled while its holes were punched
      expect(manager.getConnections(target.peerId).every(({ direct }) => direct)).to.be.true()
    })

    it('let those who have waited open their streams directly', async () => {
      const { source, target } = await connectOverRelay({}, true)
      const stream = await source.services.connectionManager.openStream(target.peerId, ECHO, { waitForDirect: true })

      expect(connectionOf(source, target, stream)).to.have.property('direct', true)
      await echo(stream, 10)
    })
  })

  describe('after a dial', () => {
    it('become the direct one, whichever end has dialled', async () => {
      const { source, target, relayed } = await connectOverRelay({ duplicateDelay: 100 })
      const closed = pEvent(relayed, 'close')
      await target.dial(addressesOf(source, false))
      await closed

      await pWaitFor(() => source.getConnections(target.peerId).length === 1)
      expect(source.getConnections(target.peerId)[0]).to.have.property('direct', true)
    })

    it('stay both while a stream is open on the relayed one, which gets no new ones', async () => {
      const { source, target, relayed } = await connectOverRelay({ duplicateDelay: 100 })
      const manager = source.services.connectionManager
      const old = await manager.openStream(target.peerId, ECHO, LIMITED)
      const upgraded = nextUpgrade(source)
      const direct = await source.dial(addressesOf(target, false))
      expect(await upgraded).to.deep.equal({ peerId: target.peerId, from: relayed, to: direct })

      const streams = await Promise.all([1, 2, 3].map(async () => manager.openStream(target.peerId, ECHO)))
      expect(streams.map(stream => connectionOf(source, target, stream)?.id)).to.deep.equal([direct.id, direct.id, direct.id])
      expect(manager.getConnection(target.peerId)?.id).to.equal(direct.id)

      await echo(old, 1_000, false)
      await new Promise(resolve => { setTimeout(resolve, 500) })
      expect(relayed.status).to.equal('open')

      const closed = pEvent(relayed, 'close')
      await echo(old, 1_000)
      await closed
      expect(idsOf(...source.getConnections(target.peerId))).to.deep.equal([direct.id])
    })

    it('let those who have waited open their streams directly', async () => {
      const { source, target } = await connectOverRelay()
      const waiting = source.services.connectionManager.openStream(target.peerId, ECHO, { waitForDirect: 20_000 })
      await source.dial(addressesOf(target, false))

      expect(connectionOf(source, target, await waiting)).to.have.property('direct', true)
    })
  })

  describe('without a direct one', () => {
    it('let those who have waited long enough use the relayed one', async () => {
      const { source, target, relayed } = await connectOverRelay()
      const stream = await source.services.connectionManager.openStream(target.peerId, ECHO, { waitForDirect: 10, ...LIMITED })

      expect(connectionOf(source, target, stream)?.id).to.equal(relayed.id)
      await echo(stream, 10)
    })

    it('let nobody wait who does not want to any more', async () => {
      const { source, target } = await connectOverRelay()

      await expect(source.services.connectionManager.openStream(target.peerId, ECHO, { waitForDirect: true, signal: AbortSignal.timeout(50) }))
        .to.eventually.be.rejected().with.property('name', 'TimeoutError')
    })
  })
})

async function nextUpgrade (node: Libp2p<Services>): Promise<ConnectionUpgrade> {
  const { detail } = await pEvent<'connection:upgrade', CustomEvent<ConnectionUpgrade>>(node.services.connectionManager, 'connection:upgrade')

  return detail
}

function addressesOf (node: Libp2p, relayed: boolean): Multiaddr[] {
  return node.getMultiaddrs().filter(address => Circuit.matches(address) === relayed)
}

function connectionOf (node: Libp2p, remote: Libp2p, stream: Stream): Connection | undefined {
  return node.getConnections(remote.peerId).find(({ streams }) => streams.includes(stream))
}

async function echo (stream: Stream, size: number, close = true): Promise<void> {
  const bytes = byteStream(stream)
  const request = new Uint8Array(size).fill(7)
  const [response] = await Promise.all([bytes.read({ bytes: size }), bytes.write(request)])

  expect(response.subarray()).to.deep.equal(request)

  if (close) {
    await stream.close()
  } else {
    bytes.unwrap()
  }
}
