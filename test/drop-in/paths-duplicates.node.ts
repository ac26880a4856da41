import { memory } from '@libp2p/memory'
import { byteStream } from '@libp2p/utils'
import { expect } from 'aegir/chai'
import pWaitFor from 'p-wait-for'
import { OURS, UPSTREAM, idsOf, managerOf } from '../fixtures/managers.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { ManagerUnderTest } from '../fixtures/managers.ts'
import type { Libp2p, Stream } from '@libp2p/interface'

const REMOTES = 50
const ECHO = '/echo/1.0.0'

/**
 * Long enough for both ends to dial before either has a connection
 */
const TRANSPORT = { transports: [memory({ latency: 50 })] }
const INIT: ConnectionManagerInit = { inboundConnectionThreshold: Infinity, maxIncomingPendingConnections: Infinity, duplicateDelay: 500 }

describe('simultaneous dials', () => {
  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  async function create (manager: ManagerUnderTest, init: ConnectionManagerInit = {}): Promise<Libp2p> {
    const options = manager === UPSTREAM ? { inboundConnectionThreshold: Infinity } : { ...INIT, ...init }
    const node = await nodes.add(manager.create(options, TRANSPORT))

    await node.handle(ECHO, async stream => {
      for await (const bytes of stream) {
        stream.send(bytes)
      }

      await stream.close()
    })

    return node
  }

  for (const remoteManager of [OURS, UPSTREAM]) {
    it(`of ${REMOTES} pairs leave each with one connection at both ends, and lose nothing, with ${remoteManager.name} at the other`, async () => {
      const hub = await create(OURS)
      const remotes = await Promise.all(Array.from({ length: REMOTES }, async () => create(remoteManager)))

      const dialled = await Promise.all(remotes.flatMap(remote => [
        hub.dial(remote.getMultiaddrs()),
        remote.dial(hub.getMultiaddrs())
      ]))
      expect(new Set(idsOf(...dialled)), 'as many connections as dials').to.have.lengthOf(REMOTES * 2)
      expect(hub.getConnections()).to.have.lengthOf(REMOTES * 2)

      // a stream on every connection
      const streams = await Promise.all(dialled.map(async connection => connection.newStream(ECHO)))
      const pending = Promise.all(streams.map(async stream => echo(stream)))
      await Promise.all([pending, until(() => hub.getConnections().length === REMOTES)])
      await until(() => remotes.every(remote => remote.getConnections().length === 1))

      await Promise.all(remotes.map(async remote => {
        const [here] = hub.getConnections(remote.peerId)
        const [there] = remote.getConnections(hub.peerId)

        expect(hub.getConnections(remote.peerId)).to.have.lengthOf(1)
        expect(there.direction, 'the same one').to.not.equal(here.direction)

        // the one that the smaller id has dialled
        expect(here.direction).to.equal(hub.peerId.toString() < remote.peerId.toString() ? 'outbound' : 'inbound')
        await echo(await there.newStream(ECHO))
      }))
    })
  }

  it('leave both connections if the user wants it so', async () => {
    const [a, b] = [await create(OURS, { closeDuplicates: false }), await create(OURS, { closeDuplicates: false })]
    await Promise.all([a.dial(b.getMultiaddrs()), b.dial(a.getMultiaddrs())])
    await pWaitFor(() => a.getConnections().length === 2 && b.getConnections().length === 2)
    await new Promise(resolve => { setTimeout(resolve, 1_500) })

    expect(a.getConnections()).to.have.lengthOf(2)
    expect(b.getConnections()).to.have.lengthOf(2)
  })

  it('are no matter for one that is forced', async () => {
    const [a, b] = [await create(OURS), await create(OURS)]
    const first = await a.dial(b.getMultiaddrs())
    const second = await a.dial(b.getMultiaddrs(), { force: true })
    await pWaitFor(() => b.getConnections().length === 2)
    await new Promise(resolve => { setTimeout(resolve, 1_500) })

    expect(idsOf(...a.getConnections())).to.deep.equal(idsOf(first, second))
    expect(b.getConnections()).to.have.lengthOf(2)
  })

  it('are no matter for one on which a node is dialled back', async () => {
    const [a, b] = [await create(OURS), await create(OURS)]
    const protocol = '/libp2p/autonat/2/dial-back'
    await b.handle(protocol, () => {})
    const connection = await b.dial(a.getMultiaddrs())
    const dialBack = await a.dial(b.getMultiaddrs(), { force: true })
    await dialBack.newStream(protocol)
    await pWaitFor(() => b.getConnections().length === 2)
    await new Promise(resolve => { setTimeout(resolve, 1_500) })

    expect(b.getConnections()).to.have.lengthOf(2)
    expect(managerOf(b).getConnections().map(({ status }) => status)).to.deep.equal(['open', 'open'])

    // and no path to the peer
    const stream = await managerOf(b).openStream(a.peerId, ECHO)
    expect(connection.streams).to.include(stream)
  })

  it('end with one connection after the streams of a long transfer', async () => {
    const [a, b] = [await create(OURS, { drainTimeout: 60_000 }), await create(OURS, { drainTimeout: 60_000 })]
    const [c, d] = await Promise.all([a.dial(b.getMultiaddrs()), b.dial(a.getMultiaddrs())])
    const streams = await Promise.all([c, d].map(async connection => connection.newStream(ECHO)))

    for (let i = 0; i < 15; i++) {
      await Promise.all(streams.map(async stream => echo(stream, false)))
      await new Promise(resolve => { setTimeout(resolve, 100) })
    }

    expect(a.getConnections()).to.have.lengthOf(2)
    await Promise.all(streams.map(async stream => stream.close()))
    await until(() => a.getConnections().length === 1 && b.getConnections().length === 1)
    expect([c, d].filter(({ status }) => status === 'open')).to.have.lengthOf(1)
  })
})

async function echo (stream: Stream, close = true): Promise<void> {
  const bytes = byteStream(stream)
  const request = new Uint8Array(2_000).fill(9)
  const [response] = await Promise.all([bytes.read({ bytes: request.length }), bytes.write(request)])
  expect(response.byteLength).to.equal(request.length)

  if (close) {
    await stream.close()
  } else {
    bytes.unwrap()
  }
}

async function until (condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise(resolve => { setTimeout(resolve, 20) })
  }
}
