import { ConnectionFailedError, peerRoutingSymbol } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { stubPeerId } from '../fixtures/connections.ts'
import { fakeDNS } from '../fixtures/fake-dns.ts'
import { MANAGERS, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { AddressSorter, Libp2p, MultiaddrResolver, PeerId, PeerInfo } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'

const A = '/memory/addresses-a'
const B = '/memory/addresses-b'
const C = '/memory/addresses-c'

describe('drop-in: the addresses that a dial tries', () => {
  MANAGERS.forEach(specify)

  function specify (underTest: ManagerUnderTest): void {
    describe(underTest.name, () => {
      const nodes = new NodeGroup()
      let network: ScriptedNetwork
      let node: Libp2p
      let remote: Libp2p
      let id: string

      beforeEach(async () => {
        network = new ScriptedNetwork()
        remote = await nodes.add(createPlainNode())
        id = remote.peerId.toString()
      })

      afterEach(async () => nodes.stop())

      async function start (init: ConnectionManagerInit = {}, options: Libp2pOptions = {}): Promise<void> {
        node = await nodes.add(underTest.create(init, {
          transports: [network.transport()],
          connectionGater: { denyDialMultiaddr: () => false },
          ...options
        }))
      }

      it('are those in the peer store, where only the peer id is given', async () => {
        await start()
        await node.peerStore.merge(remote.peerId, { multiaddrs: [network.route(A, remote)] })

        expect((await node.dial(remote.peerId)).remoteAddr.toString()).to.equal(`${A}/p2p/${id}`)
        expect((await node.dial(multiaddr(`/p2p/${id}`))).remoteAddr.toString()).to.equal(`${A}/p2p/${id}`)
      })

      it('are not those in the peer store, where others are given', async () => {
        await start()
        await node.peerStore.merge(remote.peerId, { multiaddrs: [network.route(A, remote)] })
        await expect(node.dial(network.fail(B).encapsulate(`/p2p/${id}`))).to.eventually.be.rejected()

        expect(network.dialed).to.deep.equal([B])
      })

      it('are those that peer routing finds, where the peer store has none', async () => {
        const asked: string[] = []
        const router = {
          [peerRoutingSymbol]: {
            findPeer: async (peerId: PeerId): Promise<PeerInfo> => {
              asked.push(peerId.toString())

              return { id: peerId, multiaddrs: [multiaddr(A)] }
            },
            getClosestPeers: async function * () {}
          }
        }
        await start({}, { services: { router: () => router } })
        network.route(A, remote)

        expect((await node.dial(remote.peerId)).remoteAddr.toString()).to.equal(`${A}/p2p/${id}`)
        expect(asked).to.deep.equal([id])
      })

      it('are each tried once', async () => {
        await start()
        const address = network.fail(A)
        await expect(node.dial([address.encapsulate(`/p2p/${id}`), address.encapsulate(`/p2p/${id}`)])).to.eventually.be.rejected()

        expect(network.dialed).to.deep.equal([A])
      })

      it('are tried until one answers', async () => {
        await start()
        const targets = [network.fail(A).encapsulate(`/p2p/${id}`), network.route(B, remote)]
        const connection = await node.dial(targets)

        expect(connection.remoteAddr.equals(targets[1])).to.be.true()
        expect(network.dialed).to.deep.equal([A, B])
      })

      it('are tried although one of them does not answer within addressDialTimeout', async () => {
        await start({ addressDialTimeout: 50 })
        network.hold(A)
        const targets = [network.route(A, remote), network.route(B, remote)]

        expect((await node.dial(targets)).remoteAddr.equals(targets[1])).to.be.true()
        expect(network.dialed).to.deep.equal([A, B])
      })

      it('are no more than maxPeerAddrsToDial', async () => {
        await start({ maxPeerAddrsToDial: 2 })
        const targets = [A, B, C].map(address => network.fail(address).encapsulate(`/p2p/${id}`))

        await expect(node.dial(targets)).to.eventually.be.rejected.with.property('name', 'DialError')
        expect(network.dialed).to.deep.equal([A, B])
      })

      it('are tried in the order of addressSorter', async () => {
        const addressSorter: AddressSorter = (a, b) => a.multiaddr.toString() < b.multiaddr.toString() ? 1 : -1
        await start({ addressSorter })
        const targets = [A, C, B].map(address => network.fail(address).encapsulate(`/p2p/${id}`))

        await expect(node.dial(targets)).to.eventually.be.rejected()
        expect(network.dialed).to.deep.equal([C, B, A])
      })

      it('are tried public before private, direct before relayed and loopback last by default', async () => {
        await start()
        const addresses = [
          '/ip4/127.0.0.1/tcp/4001',
          '/ip4/10.0.0.1/tcp/4001',
          `/ip4/8.8.8.8/tcp/4001/p2p/${stubPeerId().toString()}/p2p-circuit`,
          '/ip4/8.8.4.4/tcp/4001'
        ]
        const error = new ConnectionFailedError('Unreachable')
        await expect(node.dial(addresses.map(address => network.fail(address, error).encapsulate(`/p2p/${id}`)))).to.eventually.be.rejected()

        expect(network.dialed).to.have.members(addresses)
        expect(network.dialed[0]).to.equal('/ip4/8.8.4.4/tcp/4001')
        expect(network.dialed.indexOf('/ip4/10.0.0.1/tcp/4001')).to.be.lessThan(network.dialed.indexOf('/ip4/127.0.0.1/tcp/4001'))
      })

      it('are resolved by the DNS client of the node, without those of other peers', async () => {
        const dns = fakeDNS({
          '_dnsaddr.boot.example': [
            `dnsaddr=${A}/p2p/${id}`,
            `dnsaddr=${B}/p2p/${stubPeerId().toString()}`,
            'v=spf1 -all'
          ]
        })
        await start({}, { dns })
        network.fail(B)
        network.route(A, remote)
        const connection = await node.dial(multiaddr(`/dnsaddr/boot.example/p2p/${id}`))

        expect(connection.remoteAddr.toString()).to.equal(`${A}/p2p/${id}`)
        expect(network.dialed).to.deep.equal([A])
        expect(dns.queries).to.deep.equal(['_dnsaddr.boot.example'])
      })

      it('are resolved until nothing is left to resolve', async () => {
        const dns = fakeDNS({
          '_dnsaddr.boot.example': [`dnsaddr=/dnsaddr/eu.boot.example/p2p/${id}`],
          '_dnsaddr.eu.boot.example': [`dnsaddr=${A}/p2p/${id}`]
        })
        await start({}, { dns })
        network.route(A, remote)

        expect((await node.dial(multiaddr(`/dnsaddr/boot.example/p2p/${id}`))).remotePeer.equals(remote.peerId)).to.be.true()
      })

      it('are those of all peers where no peer is named', async () => {
        const dns = fakeDNS({
          '_dnsaddr.boot.example': [`dnsaddr=${B}/p2p/${stubPeerId().toString()}`, `dnsaddr=${A}/p2p/${id}`]
        })
        await start({}, { dns })
        network.fail(B)
        network.route(A, remote)

        expect((await node.dial(multiaddr('/dnsaddr/boot.example'))).remotePeer.equals(remote.peerId)).to.be.true()
      })

      it('fail where a name has no addresses', async () => {
        await start({}, { dns: fakeDNS({ '_dnsaddr.boot.example': [] }) })

        await expect(node.dial(multiaddr('/dnsaddr/boot.example'))).to.eventually.be.rejected.with.property('name', 'NoValidAddressesError')
      })

      it('are resolved by the resolvers of the user, which replace the default', async () => {
        const dns = fakeDNS({})
        const resolver: MultiaddrResolver = {
          canResolve: ma => ma.toString().startsWith('/dns/'),
          resolve: async ma => [multiaddr(`/memory/${ma.getComponents()[0].value}`)]
        }
        await start({ resolvers: { memory: resolver } }, { dns })
        network.route(A, remote)

        expect((await node.dial(multiaddr('/dns/addresses-a'))).remotePeer.equals(remote.peerId)).to.be.true()
        await expect(node.dial(multiaddr('/dnsaddr/boot.example'))).to.eventually.be.rejected.with.property('name', 'NoValidAddressesError')
        expect(dns.queries).to.be.empty()
      })

      it('isDialable dials nothing', async () => {
        const dns = fakeDNS({ '_dnsaddr.boot.example': [`dnsaddr=${A}/p2p/${id}`] })
        await start({}, { dns })
        const manager = managerOf(node)

        expect(await manager.isDialable(network.fail(A))).to.be.true()
        expect(await manager.isDialable([multiaddr('/ip4/8.8.8.8/udp/1'), multiaddr(A)])).to.be.true()
        expect(await manager.isDialable(multiaddr('/dnsaddr/boot.example'))).to.be.true()
        expect(await manager.isDialable(multiaddr('/ip4/8.8.8.8/udp/1'))).to.be.false()
        expect(await manager.isDialable([])).to.be.false()

        expect(network.dialed).to.be.empty()
        expect(manager.getDialQueue()).to.be.empty()
      })

      it('isDialable asks the gater', async () => {
        await start({}, { connectionGater: { denyDialMultiaddr: async ma => ma.toString() === A } })
        const manager = managerOf(node)
        network.fail(A)
        network.fail(B)

        expect(await manager.isDialable(multiaddr(A))).to.be.false()
        expect(await manager.isDialable([multiaddr(A), multiaddr(B)])).to.be.true()
      })

      it('isDialable does not count relayed addresses for protocols that do not run on limited connections', async () => {
        await start()
        const manager = managerOf(node)
        const relayed = network.fail(`/ip4/8.8.8.8/tcp/4001/p2p/${stubPeerId().toString()}/p2p-circuit`)
        const direct = network.fail('/ip4/8.8.8.8/tcp/4001')

        expect(await manager.isDialable(relayed)).to.be.true()
        expect(await manager.isDialable(relayed, { runOnLimitedConnection: true })).to.be.true()
        expect(await manager.isDialable(relayed, { runOnLimitedConnection: false })).to.be.false()
        expect(await manager.isDialable([relayed, direct], { runOnLimitedConnection: false })).to.be.true()
      })

      it('are passed to the gater, whose methods are called as methods', async () => {
        class Gater {
          private readonly asked = new Set<string>()

          get calls (): string[] {
            return [...this.asked]
          }

          denyDialPeer (): boolean { return this.allow('denyDialPeer') }
          denyDialMultiaddr (): boolean { return this.allow('denyDialMultiaddr') }
          denyOutboundConnection (): boolean { return this.allow('denyOutboundConnection') }
          denyOutboundEncryptedConnection (): boolean { return this.allow('denyOutboundEncryptedConnection') }
          denyOutboundUpgradedConnection (): boolean { return this.allow('denyOutboundUpgradedConnection') }
          denyInboundConnection (): boolean { return this.allow('denyInboundConnection') }
          denyInboundEncryptedConnection (): boolean { return this.allow('denyInboundEncryptedConnection') }
          denyInboundUpgradedConnection (): boolean { return this.allow('denyInboundUpgradedConnection') }

          private allow (name: string): false {
            this.asked.add(name)

            return false
          }
        }

        const connectionGater = new Gater()
        await start({}, { connectionGater })
        await node.dial(network.route(A, remote))
        expect(connectionGater.calls).to.deep.equal(['denyDialPeer', 'denyDialMultiaddr', 'denyOutboundConnection', 'denyOutboundEncryptedConnection', 'denyOutboundUpgradedConnection'])

        await node.hangUp(remote.peerId)
        await remote.dial(node.getMultiaddrs())
        expect(connectionGater.calls).to.include.members(['denyInboundConnection', 'denyInboundEncryptedConnection', 'denyInboundUpgradedConnection'])
      })
    })
  }
})
