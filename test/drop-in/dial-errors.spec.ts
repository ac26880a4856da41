import { ConnectionFailedError } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import pWaitFor from 'p-wait-for'
import { stubPeerId } from '../fixtures/connections.ts'
import { MANAGERS, OURS, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { ScriptedNetwork } from '../fixtures/scripted-network.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Connection, ConnectionGater, DialTarget, Libp2p } from '@libp2p/interface'
import type { OpenConnectionOptions } from '@libp2p/interface-internal'

const A = '/memory/errors-a'
const B = '/memory/errors-b'

describe('drop-in: how dials fail', () => {
  MANAGERS.forEach(specify)

  function specify (underTest: ManagerUnderTest): void {
    describe(underTest.name, () => {
      const nodes = new NodeGroup()
      let network: ScriptedNetwork
      let node: Libp2p

      beforeEach(() => {
        network = new ScriptedNetwork()
      })

      afterEach(async () => nodes.stop())

      async function start (init: ConnectionManagerInit = {}, connectionGater?: ConnectionGater): Promise<void> {
        node = await nodes.add(underTest.create(init, { transports: [network.transport()], connectionGater }))
      }

      async function failureOf (target: DialTarget, options?: OpenConnectionOptions): Promise<Error> {
        try {
          await managerOf(node).openConnection(target, options)
        } catch (err) {
          if (err instanceof Error) {
            return err
          }
        }

        throw new Error('The dial did not fail')
      }

      it('with the error itself where there was one address', async () => {
        await start()
        const error = new ConnectionFailedError('No route to host')

        expect(await failureOf(network.fail(A, error))).to.equal(error)
      })

      it('with an AggregateError of all errors where there were several', async () => {
        await start()
        const errors = [new ConnectionFailedError('No route to host'), new ConnectionFailedError('Connection refused')]
        const failure = await failureOf([network.fail(A, errors[0]), network.fail(B, errors[1])])

        expect(failure).to.be.an.instanceOf(AggregateError)
        expect(failure).to.have.property('errors').that.has.members(errors)
      })

      it('with an InvalidPeerIdError for the node itself', async () => {
        await start()

        expect(await failureOf(node.peerId)).to.have.property('name', 'InvalidPeerIdError')
        expect(await failureOf(node.getMultiaddrs())).to.have.property('name', 'InvalidPeerIdError')
        expect(network.dialed).to.be.empty()
      })

      it('with an InvalidPeerIdError where the node turns out to be the one that answers', async () => {
        await start()
        network.route(A, node)

        expect(await failureOf(multiaddr(A))).to.have.property('name', 'InvalidPeerIdError')
        expect(node.getConnections()).to.be.empty()
      })

      it('with an InvalidParametersError for addresses of different peers', async () => {
        await start()
        const a = network.fail(A)

        for (const other of [multiaddr(`${B}/p2p/${stubPeerId().toString()}`), multiaddr(B)]) {
          expect(await failureOf([a.encapsulate(`/p2p/${stubPeerId().toString()}`), other])).to.have.property('name', 'InvalidParametersError')
        }

        expect(network.dialed).to.be.empty()
      })

      it('with an InvalidMultiaddrError for what is no address', async () => {
        await start()

        // @ts-expect-error an address as text is not parsed
        expect(await failureOf([network.fail(A), A])).to.have.property('name', 'InvalidMultiaddrError')
      })

      it('with a NoValidAddressesError where nothing is known of the peer', async () => {
        await start()

        expect(await failureOf(stubPeerId())).to.have.property('name', 'NoValidAddressesError')
      })

      it('with a NoValidAddressesError where no transport can dial the address', async () => {
        node = await nodes.add(underTest.create({}, { transports: [memory()] }))

        expect(await failureOf(multiaddr('/ip4/8.8.8.8/tcp/4001'))).to.have.property('name', 'NoValidAddressesError')
        expect(await failureOf([])).to.have.property('name', 'NoValidAddressesError')
      })

      it('with a DialDeniedError where the gater denies the peer or all its addresses', async () => {
        const remote = await nodes.add(createPlainNode())
        await start({}, { denyDialPeer: () => true })
        expect(await failureOf(network.route(A, remote))).to.have.property('name', 'DialDeniedError')

        await start({}, { denyDialMultiaddr: () => true })
        expect(await failureOf(network.route(A, remote))).to.have.property('name', 'DialDeniedError')
        expect(network.dialed).to.be.empty()
      })

      it('with a TimeoutError after dialTimeout', async () => {
        await start({ dialTimeout: 50 })

        expect(await failureOf(network.hold(A))).to.have.property('name', 'TimeoutError')

        // libp2p's own leaves the queue a moment after it has failed
        await pWaitFor(() => managerOf(node).getDialQueue().length === 0)
      })

      it('with a TimeoutError after dialTimeout where the dial had to wait', async () => {
        await start({ dialTimeout: 50, maxParallelDials: 1 })
        network.route(B, await nodes.add(createPlainNode()))
        const controller = new AbortController()
        const running = failureOf(network.hold(A), { signal: controller.signal })

        expect(await failureOf(multiaddr(B))).to.have.property('name', 'TimeoutError')
        controller.abort()
        await running
        expect(network.dialed).to.deep.equal([A])
      })

      it('with the reason of the signal of the user, which replaces dialTimeout', async () => {
        await start({ dialTimeout: 1 })
        const remote = await nodes.add(createPlainNode())
        const target = network.route(A, remote)
        network.hold(A)
        const controller = new AbortController()
        const failure = failureOf(target, { signal: controller.signal })
        await network.untilDialed(A)

        // a dial without a signal is over by now
        expect(await failureOf(network.hold(B))).to.have.property('name', 'TimeoutError')
        await pWaitFor(() => managerOf(node).getDialQueue().length === 1)

        controller.abort(new RangeError('Nobody needs it'))
        expect(await failure).to.have.property('name', 'RangeError')
      })

      it('with the reason of a signal that has aborted already, before anything is dialled', async () => {
        await start()

        expect(await failureOf(network.fail(A), { signal: AbortSignal.abort() })).to.have.property('name', 'AbortError')
        expect(network.dialed).to.be.empty()
      })

      it('with a ConnectionClosedError where the connection is closed at once', async () => {
        await start()
        const remote = await nodes.add(createPlainNode())
        node.addEventListener('connection:open', ({ detail }: CustomEvent<Connection>) => {
          detail.abort(new Error('Not now'))
        })

        expect(await failureOf(network.route(A, remote))).to.have.property('name', 'ConnectionClosedError')
        expect(node.getConnections()).to.be.empty()
      })
    })
  }

  it('what is neither a peer nor an address fails with an InvalidMultiaddrError', async () => {
    const nodes = new NodeGroup()

    try {
      const node = await nodes.add(OURS.create())

      for (const target of [undefined, null, 5, {}, A]) {
        // @ts-expect-error not a dial target
        await expect(node.dial(target)).to.eventually.be.rejected.with.property('name', 'InvalidMultiaddrError')
      }
    } finally {
      await nodes.stop()
    }
  })
})
