import { memory } from '@libp2p/memory'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { componentOf } from '../fixtures/managers.ts'
import { newHome, publicAddresses } from './fixtures/home.ts'
import { until } from './fixtures/wait.ts'
import type { Libp2pEvents } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'

describe('verifying addresses has none of the known defects of its predecessors', () => {
  const home = newHome()

  it('D17: gives up on a server that is silent, and asks the others', async () => {
    const node = await home.node({ init: { probe: { timeout: 3_000 } } })
    await home.servers(node, 1, async silent => {
      await silent.unhandle('/libp2p/autonat/2/dial-request')
      await silent.handle('/libp2p/autonat/2/dial-request', () => {})
    })
    await until(() => home.gateway.mappings.length === 1)
    await home.servers(node)

    await until(() => publicAddresses(node).length === 1)
  })

  it('D18: knows after two servers that an address cannot be dialled', async () => {
    const node = await home.node({ init: { probe: { settleTime: 0 } } })
    await until(() => home.gateway.mappings.length === 1)
    home.gateway.mappings = []
    const unreachable = pEvent<'address:unreachable', CustomEvent>(node.services.reachability, 'address:unreachable')
    await home.servers(node, 2)

    expect((await unreachable).detail).to.include({ success: 0, failure: 2 })
    expect(node.services.reachability.getReachability()).to.include({ state: 'private', reason: 'unreachable' })
  })

  it('D20: verifies beside addresses that are no IP addresses', async () => {
    const node = await home.verifiedNode({ listen: ['/memory/reachability', '/ip4/127.0.0.1/tcp/0'], transports: [memory()] })

    expect(publicAddresses(node)).to.have.lengthOf(1)
  })

  ;['/p2p-circuit', '/', '/memory/1', '/webrtc', '/dns4/example.com/tcp/1', '/unix/tmp%2Fsocket'].forEach(address => {
    it(`D20: verifies beside ${address}`, async () => {
      const node = await home.node()
      const manager = componentOf<AddressManager>(node, 'addressManager')
      const getAddresses = manager.getAddressesWithMetadata.bind(manager)
      manager.getAddressesWithMetadata = () => [{ multiaddr: multiaddr(address), verified: false, expires: 0, type: 'transport' }, ...getAddresses()]
      await home.servers(node)

      await until(() => publicAddresses(node).length === 1)
    })
  })

  it('D22: announces a mapping as soon as it is verified, though self:peer:update never comes', async () => {
    const node = await home.node()
    const events = componentOf<TypedEventTarget<Libp2pEvents>>(node, 'events')
    const dispatch = events.safeDispatchEvent.bind(events)
    events.safeDispatchEvent = (type, detail) => type === 'self:peer:update' || dispatch(type, detail)
    const announced: string[][] = []
    node.services.reachability.addEventListener('address:reachable', () => { announced.push(publicAddresses(node)) })
    await home.servers(node)
    await until(() => announced.length === 1)

    expect(announced[0]).to.have.lengthOf(1)
  })

  it('D22: tells of everything once when it stops', async () => {
    const node = await home.verifiedNode()
    await home.servers(node)
    await until(() => node.services.reachability.getReachability().state === 'public')
    const told: string[] = []
    const names = ['reachability:change', 'mapping:removed', 'mapping:lost', 'address:unreachable', 'gateway:lost', 'external-address:change'] as const
    names.forEach(name => { node.services.reachability.addEventListener(name, () => { told.push(name) }) })
    await node.stop()

    expect(told).to.deep.equal(['mapping:removed', 'reachability:change'])
  })
})
