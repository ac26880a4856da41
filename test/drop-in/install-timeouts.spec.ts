import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { connectionManager } from '../../src/index.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createManagedNode, createPlainNode, memoryNodeOptions } from '../fixtures/nodes.ts'
import { SilentEncrypter, SilentMuxer } from '../fixtures/stalling.ts'
import type { Libp2p, StreamCloseEvent } from '@libp2p/interface'

/**
 * Much less than libp2p's defaults, which are between one and ten seconds
 */
const TIMEOUT = 50
const DEFAULT_CLOSE_TIMEOUT = 1_000

describe('the timeouts of the upgrader', function () {
  // less than the longest of the defaults
  this.timeout(9_000)
  // that they are kept is seen in the time that it takes, which a busy machine has less of
  this.retries(2)

  const nodes = new NodeGroup()

  afterEach(async () => nodes.stop())

  /**
   * A remote that goes silent as soon as it has opened its first connection
   */
  async function createSilentRemote (muxer: SilentMuxer): Promise<Libp2p> {
    return nodes.add(createPlainNode({ streamMuxers: [muxer.factory()] }))
  }

  it('inboundUpgradeTimeout ends the handshake of a remote that says nothing', async () => {
    const node = await nodes.add(createManagedNode({ inboundUpgradeTimeout: TIMEOUT }))
    const encrypter = new SilentEncrypter()
    const remote = await nodes.add(createPlainNode({ connectionEncrypters: [() => encrypter] }))

    const dial = remote.dial(node.getMultiaddrs())
    await encrypter.closed
    await expect(dial).to.eventually.be.rejected()
  })

  it('outboundStreamProtocolNegotiationTimeout ends waiting for a protocol', async () => {
    const node = await nodes.add(createManagedNode({ outboundStreamProtocolNegotiationTimeout: TIMEOUT }))
    const remote = await createSilentRemote(new SilentMuxer())
    const connection = await node.dial(remote.getMultiaddrs())

    await expect(connection.newStream('/test/1.0.0')).to.eventually.be.rejected()
      .with.property('name', 'TimeoutError')
  })

  it('inboundStreamProtocolNegotiationTimeout resets a stream without a protocol', async () => {
    const node = await nodes.add(createManagedNode({ inboundStreamProtocolNegotiationTimeout: TIMEOUT }))
    const muxer = new SilentMuxer()
    const remote = await createSilentRemote(muxer)
    await remote.dial(node.getMultiaddrs())

    const stream = await muxer.muxers[0].createStream()
    const { error } = await pEvent<'close', StreamCloseEvent>(stream, 'close')
    expect(error).to.have.property('name', 'StreamResetError')
  })

  it('connectionCloseTimeout ends waiting for what the remote does not read', async () => {
    const node = await nodes.add(createManagedNode({ connectionCloseTimeout: TIMEOUT }))

    await expectCloseToTimeOut(node)
  })

  it('that were given to libp2p are kept if none are given to us', async () => {
    const node = await nodes.add(createLibp2p({
      ...memoryNodeOptions(),
      connectionManager: { connectionCloseTimeout: TIMEOUT },
      services: { connectionManager: connectionManager({ connectionCloseTimeout: undefined }) }
    }))

    await expectCloseToTimeOut(node)
  })

  async function expectCloseToTimeOut (node: Libp2p): Promise<void> {
    const remote = await nodes.add(createPlainNode())
    await remote.handle('/test/1.0.0', stream => { stream.pause() })
    const connection = await node.dial(remote.getMultiaddrs())
    const stream = await connection.newStream('/test/1.0.0')
    stream.send(new Uint8Array(1_000_000))

    const beforeDefault = AbortSignal.timeout(DEFAULT_CLOSE_TIMEOUT * 0.9)
    await expect(connection.close()).to.eventually.be.rejected()
      .with.property('name', 'TimeoutError')
    expect(beforeDefault.aborted).to.be.false()
    connection.abort(new Error('The test is over'))
  }
})
