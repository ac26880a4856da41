import { expect } from 'aegir/chai'
import { MANAGERS } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Libp2p, OpenConnectionProgressEvents } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const A = '/memory/progress-a'

describe('drop-in: progress events of a dial', () => {
  MANAGERS.forEach(specify)

  function specify (underTest: ManagerUnderTest): void {
    describe(underTest.name, () => {
      const nodes = new NodeGroup()
      let network: ScriptedNetwork
      let node: Libp2p
      let target: Multiaddr

      beforeEach(async () => {
        network = new ScriptedNetwork()
        node = await nodes.add(underTest.create({}, { transports: [network.transport()] }))
        target = network.route(A, await nodes.add(createPlainNode()))
      })

      afterEach(async () => nodes.stop())

      it('of a new connection', async () => {
        const events: OpenConnectionProgressEvents[] = []
        const connection = await node.dial(target, { onProgress: event => { events.push(event) } })

        expect(events.map(({ type }) => type)).to.deep.equal([
          'connection:open',
          'dial-queue:add-to-dial-queue',
          'dial-queue:start-dial',
          'dial-queue:calculated-addresses',
          'transport-manager:selected-transport',
          'upgrader:encrypt-outbound-connection',
          'upgrader:multiplex-outbound-connection',
          'connection:opened'
        ])
        expect(events[0]).to.have.property('detail', target)
        expect(events[3]).to.have.nested.property('detail[0].multiaddr').that.deep.equals(target)
        expect(events.at(-1)).to.have.nested.property('detail.id', connection.id)
      })

      it('of a connection that is open', async () => {
        const connection = await node.dial(target)
        const events: OpenConnectionProgressEvents[] = []
        await node.dial(target, { onProgress: event => { events.push(event) } })

        expect(events.map(({ type }) => type)).to.deep.equal([
          'connection:open',
          'dial-queue:already-connected',
          'connection:opened'
        ])
        expect(events.at(-1)).to.have.nested.property('detail.id', connection.id)
      })

      it('of a dial that is joined, also for the one who joins', async () => {
        network.hold(A)
        const events: OpenConnectionProgressEvents[] = []
        const first = node.dial(target)
        await network.untilDialed(A)
        const second = node.dial(target, { onProgress: event => { events.push(event) } })
        network.release(A)
        await Promise.all([first, second])

        expect(events.map(({ type }) => type)).to.deep.equal([
          'connection:open',
          'dial-queue:already-in-dial-queue',
          'upgrader:encrypt-outbound-connection',
          'upgrader:multiplex-outbound-connection',
          'connection:opened'
        ])
      })

      it('of a dial that fails', async () => {
        network.fail(A)
        const types: string[] = []
        await expect(node.dial(target, { onProgress: ({ type }) => { types.push(type) } })).to.eventually.be.rejected()

        expect(types).to.deep.equal([
          'connection:open',
          'dial-queue:add-to-dial-queue',
          'dial-queue:start-dial',
          'dial-queue:calculated-addresses',
          'transport-manager:selected-transport'
        ])
      })
    })
  }
})
