import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { MANAGERS } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Libp2p } from '@libp2p/interface'

const A = '/memory/metadata-a'
const B = '/memory/metadata-b'

describe('drop-in: what a dial leaves in the peer store', () => {
  MANAGERS.forEach(specify)

  function specify (underTest: ManagerUnderTest): void {
    describe(underTest.name, () => {
      const nodes = new NodeGroup()
      let network: ScriptedNetwork
      let node: Libp2p
      let remote: Libp2p

      beforeEach(async () => {
        network = new ScriptedNetwork()
        node = await nodes.add(underTest.create({}, { transports: [network.transport()] }))
        remote = await nodes.add(createPlainNode())
      })

      afterEach(async () => nodes.stop())

      /**
       * The text that is stored, if any
       */
      async function metadata (key: string): Promise<string | undefined> {
        const peer = await node.peerStore.get(remote.peerId)
        const value = peer.metadata.get(key)

        return value == null ? undefined : new TextDecoder().decode(value)
      }

      function expectRecentTime (text: string | undefined, before: number): void {
        expect(text).to.match(/^[1-9]\d*$/)
        expect(Number(text)).to.be.within(before, Date.now())
      }

      it('the time of a dial that succeeded, as decimal ms', async () => {
        const before = Date.now()
        await node.dial(network.route(A, remote))

        expectRecentTime(await metadata('last-dial-success'), before)
        expect(await metadata('last-dial-failure')).to.be.undefined()
      })

      it('the time of a dial that failed, as decimal ms', async () => {
        const before = Date.now()
        const target = network.fail(A).encapsulate(`/p2p/${remote.peerId.toString()}`)
        await expect(node.dial(target)).to.eventually.be.rejected()

        expectRecentTime(await metadata('last-dial-failure'), before)
        expect(await metadata('last-dial-success')).to.be.undefined()
      })

      it('both, where an address failed before another one answered', async () => {
        const before = Date.now()
        await node.dial([network.fail(A).encapsulate(`/p2p/${remote.peerId.toString()}`), network.route(B, remote)])

        expectRecentTime(await metadata('last-dial-success'), before)
        expectRecentTime(await metadata('last-dial-failure'), before)
      })

      it('the time is there when the caller gets the connection', async () => {
        // the peer was not known before it answered
        network.route(A, remote)
        await node.dial(multiaddr(A))

        expect(await metadata('last-dial-success')).to.be.ok()
      })

      it('the address that answered, beside those that are known', async () => {
        await node.peerStore.merge(remote.peerId, { multiaddrs: [multiaddr(B)] })
        network.route(A, remote)
        await node.dial(multiaddr(A))
        const { addresses } = await node.peerStore.get(remote.peerId)

        expect(addresses.map(({ multiaddr }) => multiaddr.toString())).to.have.members([A, B])
      })

      it('nothing of an address that failed', async () => {
        const target = network.fail(A).encapsulate(`/p2p/${remote.peerId.toString()}`)
        await expect(node.dial(target)).to.eventually.be.rejected()
        const { addresses } = await node.peerStore.get(remote.peerId)

        expect(addresses).to.be.empty()
      })

      it('nothing of an existing connection that answers', async () => {
        await node.dial(network.route(A, remote))
        const text = await metadata('last-dial-success')
        const other = network.route(B, remote)
        await node.dial(other)

        expect(await metadata('last-dial-success')).to.equal(text)
      })

      it('does not keep a dial from succeeding when the peer store fails', async () => {
        node.peerStore.merge = async () => { throw new Error('The disk is full') }

        expect((await node.dial(network.route(A, remote))).status).to.equal('open')
      })
    })
  }
})
