import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { stubPeerId } from '../fixtures/connections.ts'
import { MANAGERS, idsOf, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Connection, Libp2p } from '@libp2p/interface'

const DIRECT = '/ip4/8.8.8.8/tcp/4001'
const OTHER_DIRECT = '/ip4/8.8.4.4/tcp/4001'
const RELAYED = `/ip4/1.1.1.1/tcp/4001/p2p/${stubPeerId().toString()}/p2p-circuit`
const OTHER_RELAYED = `/ip4/1.0.0.1/tcp/4001/p2p/${stubPeerId().toString()}/p2p-circuit`

describe('drop-in: which existing connection answers a dial', () => {
  MANAGERS.forEach(specify)

  function specify ({ name, create }: ManagerUnderTest): void {
    describe(name, () => {
      const nodes = new NodeGroup()
      let network: ScriptedNetwork
      let node: Libp2p
      let remote: Libp2p

      beforeEach(async () => {
        network = new ScriptedNetwork()
        node = await nodes.add(create({}, {
          transports: [network.transport()],
          connectionGater: { denyDialMultiaddr: () => false }
        }))
        remote = await nodes.add(createPlainNode())
      })

      afterEach(async () => nodes.stop())

      async function dial (address: string, limited = false): Promise<Connection> {
        const target = network.route(address, remote, { limits: limited ? { bytes: 1_000n } : undefined })

        return node.dial(target, { force: true })
      }

      it('a dial by peer id or by any address of the peer returns the connection', async () => {
        const connection = await dial(DIRECT)
        const other = network.route(OTHER_DIRECT, remote)

        expect((await node.dial(remote.peerId)).id).to.equal(connection.id)
        expect((await node.dial(connection.remoteAddr)).id).to.equal(connection.id)
        expect((await node.dial(other)).id).to.equal(connection.id)
        expect(network.dialed).to.deep.equal([DIRECT])
      })

      it('a connection that the remote has opened answers as well', async () => {
        const opened = pEvent<'connection:open', CustomEvent<Connection>>(node, 'connection:open')
        await remote.dial(node.getMultiaddrs())
        const { detail: connection } = await opened

        expect((await node.dial(remote.peerId)).id).to.equal(connection.id)
      })

      it('a relayed connection without limits answers a dial by peer id', async () => {
        const relayed = await dial(RELAYED)
        expect(relayed.direct).to.be.false()

        expect((await node.dial(remote.peerId)).id).to.equal(relayed.id)
      })

      it('a relayed connection without limits answers where only relayed addresses are given', async () => {
        const relayed = await dial(RELAYED)

        expect((await node.dial(network.route(OTHER_RELAYED, remote))).id).to.equal(relayed.id)
      })

      it('a relayed connection without limits does not answer where a direct address is given', async () => {
        const relayed = await dial(RELAYED)
        const direct = await node.dial([network.route(OTHER_RELAYED, remote), network.route(DIRECT, remote)])

        expect(direct.id).to.not.equal(relayed.id)
        expect(direct.direct).to.be.true()
      })

      it('a limited connection never answers', async () => {
        const limited = await dial(RELAYED, true)
        expect(limited.limits).to.be.ok()
        await node.peerStore.merge(remote.peerId, { multiaddrs: [network.route(DIRECT, remote)] })

        const connection = await node.dial(remote.peerId)

        expect(connection.id).to.not.equal(limited.id)
        expect(connection.limits).to.be.undefined()
        expect(limited.status).to.equal('open')
      })

      it('a direct connection is preferred to a relayed one', async () => {
        await dial(RELAYED)
        const direct = await dial(DIRECT)
        await dial(OTHER_RELAYED)

        expect((await node.dial(remote.peerId)).id).to.equal(direct.id)
      })

      it('a connection that is closing does not answer', async () => {
        const closing = await dial(DIRECT)
        Object.defineProperty(closing, 'status', { value: 'closing' })

        const connection = await node.dial(network.route(OTHER_DIRECT, remote))

        expect(connection.id).to.not.equal(closing.id)
        expect(connection.status).to.equal('open')
      })

      it('a forced dial opens another connection', async () => {
        const first = await dial(DIRECT)
        const second = await dial(DIRECT)

        expect(second.id).to.not.equal(first.id)
        expect(idsOf(...node.getConnections(remote.peerId))).to.have.members(idsOf(first, second))
      })

      it('dialling an address twice without a peer id returns the first connection and closes the second', async () => {
        network.route(DIRECT, remote)
        const connection = await node.dial(multiaddr(DIRECT))
        const closed = pEvent<'connection:close', CustomEvent<Connection>>(node, 'connection:close')

        expect((await node.dial(multiaddr(DIRECT))).id).to.equal(connection.id)
        expect(connection.status).to.equal('open')
        expect((await closed).detail.id).to.not.equal(connection.id)
        expect(idsOf(...node.getConnections())).to.deep.equal(idsOf(connection))
      })

      it('a forced dial without a peer id opens another connection, as AutoNAT needs it', async () => {
        network.route(DIRECT, remote)
        const first = await node.dial(multiaddr(DIRECT))
        const second = await managerOf(node).openConnection(multiaddr(DIRECT), { force: true })

        expect(second.id).to.not.equal(first.id)
        expect([first.status, second.status]).to.deep.equal(['open', 'open'])
        expect(idsOf(...node.getConnections())).to.have.members(idsOf(first, second))
      })

      it('the connection has exactly the address that was dialled', async () => {
        const first = await dial(DIRECT)
        const second = await dial(OTHER_DIRECT)
        const relayed = await dial(RELAYED)

        expect(first.remoteAddr.toString()).to.equal(`${DIRECT}/p2p/${remote.peerId.toString()}`)
        expect(second.remoteAddr.toString()).to.equal(`${OTHER_DIRECT}/p2p/${remote.peerId.toString()}`)
        expect(relayed.remoteAddr.toString()).to.equal(`${RELAYED}/p2p/${remote.peerId.toString()}`)
      })
    })
  }
})
