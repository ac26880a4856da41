import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { MANAGERS, OURS, UPSTREAM, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'

const LOOPBACK: Libp2pOptions = {
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] },
  transports: [tcp(), webSockets()]
}

describe('drop-in: dials over TCP and WebSockets', () => {
  const nodes = new NodeGroup()
  let node: Libp2p
  let remote: Libp2p

  afterEach(async () => nodes.stop())

  async function start ({ create }: ManagerUnderTest, init: ConnectionManagerInit = {}): Promise<void> {
    node = await nodes.add(create(init, LOOPBACK))
    remote = await nodes.add(createPlainNode(LOOPBACK))
  }

  /**
   * The addresses of a node, without its peer id
   */
  function listeningAddresses (of: Libp2p): Multiaddr[] {
    return of.getMultiaddrs().map(ma => ma.decapsulate('/p2p'))
  }

  MANAGERS.forEach(specify)

  function specify (underTest: ManagerUnderTest): void {
    describe(underTest.name, () => {
      it('the connection has exactly the address that was dialled', async () => {
        await start(underTest)
        const addresses = remote.getMultiaddrs()
        expect(addresses).to.have.lengthOf(2)

        for (const address of addresses) {
          const connection = await managerOf(node).openConnection(address, { force: true })

          // what AutoNAT asks for before it tells that an address can be reached
          expect(connection.remoteAddr.equals(address)).to.be.true()
        }

        expect(node.getConnections()).to.have.lengthOf(2)
      })

      it('the connection has the name that was dialled, not what it resolves to', async () => {
        await start(underTest)
        const [listening] = remote.getMultiaddrs()
        const address = multiaddr(listening.toString().replace('/ip4/127.0.0.1/', '/dns4/localhost/'))

        expect((await node.dial(address)).remoteAddr.toString()).to.equal(address.toString())
      })

      it('dialling an address twice without a peer id returns the first connection', async () => {
        await start(underTest)

        for (const address of listeningAddresses(remote)) {
          const connection = await managerOf(node).openConnection(address, { force: true })

          expect((await node.dial(address)).id).to.equal(connection.id)
        }

        expect(node.getConnections()).to.have.lengthOf(2)
      })

      it('the next address is dialled where nobody listens', async () => {
        await start(underTest)
        const free = await nodes.add(createPlainNode(LOOPBACK))
        const [unused] = listeningAddresses(free)
        await free.stop()
        const [, webSocket] = remote.getMultiaddrs()
        const connection = await node.dial([unused.encapsulate(`/p2p/${remote.peerId.toString()}`), webSocket])

        expect(connection.remoteAddr.equals(webSocket)).to.be.true()
      })

      it('a peer that has another id than was dialled is not connected', async () => {
        await start(underTest)
        const [address] = listeningAddresses(remote)

        await expect(node.dial(address.encapsulate(`/p2p/${(await nodes.add(createPlainNode())).peerId.toString()}`)))
          .to.eventually.be.rejected.with.property('name', 'EncryptionFailedError')
        expect(node.getConnections()).to.be.empty()
      })

      it('the connection closes on both ends', async () => {
        await start(underTest)
        const connection = await node.dial(remote.getMultiaddrs())
        await node.hangUp(remote.peerId)

        expect(connection.status).to.equal('closed')
        expect(node.getConnections()).to.be.empty()
      })
    })
  }

  const CROWD = [
    { underTest: OURS, takesAll: true },
    // no more than five per second from one host, and all are on this one
    { underTest: UPSTREAM, takesAll: false }
  ]

  CROWD.forEach(({ underTest, takesAll }) => {
    it(`of 8 nodes on this machine that dial at once ${underTest.name} ${takesAll ? 'takes all' : 'refuses some'}`, async () => {
      await start(underTest)
      const dialers = await Promise.all(Array.from({ length: 8 }, async () => nodes.add(createPlainNode({ ...LOOPBACK, addresses: {} }))))
      const [address] = node.getMultiaddrs()
      const results = await Promise.allSettled(dialers.map(async dialer => dialer.dial(address)))

      expect(results.every(({ status }) => status === 'fulfilled')).to.equal(takesAll)
    })
  })
})
