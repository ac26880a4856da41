import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { connectionManager } from '../../src/index.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { socketNodeOptions } from '../fixtures/socket-nodes.ts'
import { StoppableProcess } from '../fixtures/stoppable-process.ts'
import type { ConnectionManagerEvents, ConnectionManagerService, DeadConnection, LivenessInit } from '../../src/index.ts'
import type { Libp2p, Stream } from '@libp2p/interface'

interface Services extends Record<string, unknown> {
  connectionManager: ConnectionManagerService
}

const SINK = '/sink/1.0.0'
const QUICK: LivenessInit = { interval: 200, maxMisses: 2, minSilence: 3_000 }

describe('the liveness of real connections', () => {
  const nodes = new NodeGroup()
  let remote: StoppableProcess

  beforeEach(async () => {
    remote = await StoppableProcess.start()
  })

  afterEach(async () => {
    await remote.end()
    await nodes.stop()
  })

  async function createNode (liveness: LivenessInit | false = QUICK): Promise<Libp2p<Services>> {
    return nodes.add(createLibp2p<Services>({
      ...socketNodeOptions('/ip4/127.0.0.1/tcp/0'),
      transports: [tcp()],
      services: {
        connectionManager: connectionManager({ liveness }),
        ping: ping()
      }
    }))
  }

  it('is measured, as the round trip time', async () => {
    const node = await createNode()
    const connection = await node.dial(remote.address)
    await pEvent(node.services.connectionManager, 'connection:ping')

    expect(connection.rtt).to.be.at.least(0)
  })

  it('survives a remote process that is stopped for less than the minimum of silence', async () => {
    // without it, the connection would be given up after two pings of a second each
    const node = await createNode({ ...QUICK, minSilence: 15_000 })
    const connection = await node.dial(remote.address)
    await pEvent(node.services.connectionManager, 'connection:ping')

    remote.suspend()
    await wait(3_000)
    remote.resume()
    await answersPing(node)

    expect(connection.status).to.equal('open')
    const stream = await connection.newStream(SINK)
    expect(stream.status).to.equal('open')
  })

  it('ends with a remote process that is stopped for longer', async () => {
    const node = await createNode()
    const connection = await node.dial(remote.address)
    await pEvent(node.services.connectionManager, 'connection:ping')

    const dead = pEvent<'connection:dead', CustomEvent<DeadConnection>>(node.services.connectionManager, 'connection:dead')
    const disconnected = pEvent(node, 'peer:disconnect')
    let lastAnswer = Date.now()
    node.services.connectionManager.addEventListener('connection:ping', ({ detail: { rtt } }) => {
      lastAnswer = rtt == null ? lastAnswer : Date.now()
    })
    remote.suspend()
    const { detail } = await dead
    await disconnected

    expect(detail.connection).to.have.property('id', connection.id)
    expect(detail.misses).to.be.at.least(2)
    // a timer may be a millisecond early
    expect(Date.now() - lastAnswer).to.be.at.least(2_990)
    expect(connection.status).to.equal('aborted')
    expect(node.getConnections()).to.be.empty()
  })

  it('survives a saturated transfer of 20 MB, though there is no patience at all', async () => {
    const node = await createNode({ interval: 1, maxMisses: 1, minSilence: 1 })
    const connection = await node.dial(remote.address)
    const start = Date.now()
    let isClosed = false
    connection.addEventListener('close', () => { isClosed = true })

    // and again, until it has taken long enough to be pinged
    while (Date.now() - start < 3_000) {
      const stream = await connection.newStream(SINK)
      await send(stream, 20 * 1_024 * 1_024)
      expect(await receiveText(stream)).to.equal(`${20 * 1_024 * 1_024}`)
    }

    expect(isClosed).to.be.false()
  })

  it('is none of ours if the user wants it so', async () => {
    const node = await createNode(false)
    const connection = await node.dial(remote.address)
    remote.suspend()
    await wait(4_000)

    expect(connection.status).to.equal('open')
  })

  it('is asked at once when the network changes', async () => {
    const node = await createNode({ interval: 3_600_000 })
    const manager = node.services.connectionManager
    const connection = await node.dial(remote.address)
    const pinged = pEvent(manager, 'connection:ping')
    manager.networkChanged()
    await pinged

    expect(connection.rtt).to.be.at.least(0)
  })

  it('is followed by another connection, if it has ended with a change of the network', async () => {
    const node = await createNode(QUICK)
    const manager = node.services.connectionManager
    const connection = await node.dial(remote.address)
    await pEvent(manager, 'connection:ping')

    remote.suspend()
    manager.networkChanged()
    const { detail } = await pEvent<'connection:dead', CustomEvent<DeadConnection>>(manager, 'connection:dead')
    expect(detail.networkChanged).to.be.true()

    const opened = pEvent(node, 'connection:open')
    remote.resume()
    await opened
    expect(node.getConnections()).to.have.lengthOf(1)
    expect(node.getConnections()[0].id).to.not.equal(connection.id)
  })
})

async function send (stream: Stream, bytes: number): Promise<void> {
  const chunk = new Uint8Array(65_536)

  for (let sent = 0; sent < bytes; sent += chunk.length) {
    if (!stream.send(chunk)) {
      await stream.onDrain()
    }
  }

  await stream.close()
}

async function receiveText (stream: Stream): Promise<string> {
  let text = ''

  for await (const bytes of stream) {
    text += new TextDecoder().decode(bytes.subarray())
  }

  return text
}

/**
 * Resolves when the remote has answered
 */
async function answersPing (node: Libp2p<Services>): Promise<void> {
  await pEvent<'connection:ping', ConnectionManagerEvents['connection:ping']>(node.services.connectionManager, 'connection:ping', {
    filter: ({ detail }) => detail.rtt != null
  })
}

async function wait (ms: number): Promise<void> {
  await new Promise(resolve => { setTimeout(resolve, ms) })
}
