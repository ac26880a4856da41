import { expect } from 'aegir/chai'
import { dialRanker } from '../../src/dialing/index.ts'
import { explainDialError } from '../../src/index.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { HAS_WEBRTC, createBrowserNode, describeWithWebRTC } from './fixtures/browser-nodes.ts'
import { multiaddrsOf, nodePeer } from './fixtures/control.ts'
import type { BrowserNode } from './fixtures/browser-nodes.ts'
import type { ConnectionManagerInit, DialRanker } from '../../src/index.ts'

const { crowd, relay } = nodePeer

/**
 * A port that browsers never dial (Fetch standard, "bad port")
 */
const DEAD_PORT = 1

describe('browser: dialling', () => {
  const nodes = new NodeGroup()
  let node: BrowserNode

  afterEach(async () => nodes.stop())

  async function start (init: ConnectionManagerInit = {}): Promise<string[]> {
    const attempts: string[] = []
    node = await createBrowserNode(init)
    await nodes.add(Promise.resolve(node))
    node.services.connectionManager.addEventListener('dial:attempt', ({ detail }) => { attempts.push(detail.multiaddr.toString()) })

    return attempts
  }

  it('goes to the next address at once where one fails', async () => {
    const attempts = await start()
    const dead = relay.ws[0].replace(/\/tcp\/\d+/, `/tcp/${DEAD_PORT}`)
    const connection = await node.dial(multiaddrsOf(dead, ...relay.ws))

    expect(attempts).to.have.members([dead, ...relay.ws])
    expect(connection.remoteAddr.toString()).to.equal(relay.ws[0])
  })

  it('explains to people why a peer was not reached', async () => {
    await start()
    const dead = relay.ws[0].replace(/\/tcp\/\d+/, `/tcp/${DEAD_PORT}`)
    const error = await node.dial(multiaddrsOf(dead)).catch((err: unknown) => err)

    expect(explainDialError(error)).to.match(/^Could not connect to 12D3KooW/).and.include(dead)
  })

  describeWithWebRTC('over WebRTC', () => {
    it('is left out where WebSockets answer first', async () => {
      const attempts = await start({ dialRanker: patientRanker })
      const count = countPeerConnections()

      try {
        const connection = await node.dial(multiaddrsOf(...relay.webRTCDirect, ...relay.ws))

        expect(connection.remoteAddr.toString()).to.equal(relay.ws[0])
        expect(attempts).to.deep.equal(relay.ws)
        expect(count.created).to.equal(0)
      } finally {
        count.stop()
      }
    })

    it('begins as soon as WebSockets have failed', async () => {
      const attempts = await start()
      const dead = relay.ws[0].replace(/\/tcp\/\d+/, `/tcp/${DEAD_PORT}`)
      const connection = await node.dial(multiaddrsOf(...relay.webRTCDirect, dead))

      expect(connection.remoteAddr.toString()).to.equal(relay.webRTCDirect[0])
      expect(attempts).to.deep.equal([dead, ...relay.webRTCDirect])
    })

    it('never has more attempts at the same time than its budget', async () => {
      await start({ maxParallelDialsPerTransport: { webrtc: 2 }, addressDialTimeout: 500, dialTimeout: 30_000 })
      const count = countPeerConnections()

      try {
        // nobody answers there
        const dead = crowd.map(({ webRTCDirect }) => webRTCDirect[0].replace(/\/udp\/\d+/, `/udp/${DEAD_PORT}`))
        const results = await Promise.allSettled(dead.map(async address => node.dial(multiaddrsOf(address))))

        expect(results.map(({ status }) => status)).to.deep.equal(dead.map(() => 'rejected'))
        expect(count.created).to.be.at.least(dead.length)
        expect(count.mostAtOnce).to.equal(2)
      } finally {
        count.stop()
      }
    })
  })

  if (!HAS_WEBRTC) {
    it('leaves out addresses that no transport can dial', async () => {
      const attempts = await start()
      await node.dial(multiaddrsOf(...relay.webRTCDirect, ...relay.ws))

      expect(attempts).to.deep.equal(relay.ws)
    })
  }
})

/**
 * The order of the default ranker, with head starts that a busy machine can hold
 */
const patientRanker: DialRanker = addresses => dialRanker(addresses).map(({ address, delay }) => ({ address, delay: delay * 1_000 }))

/**
 * How many RTCPeerConnections are made, and not closed, from now on
 */
function countPeerConnections (): { created: number, mostAtOnce: number, stop(): void } {
  const original = globalThis.RTCPeerConnection
  const open = new Set<RTCPeerConnection>()
  const count = {
    created: 0,
    mostAtOnce: 0,
    stop: () => { globalThis.RTCPeerConnection = original }
  }

  globalThis.RTCPeerConnection = class extends original {
    constructor (configuration?: RTCConfiguration) {
      super(configuration)
      open.add(this)
      count.created++
      count.mostAtOnce = Math.max(count.mostAtOnce, open.size)
    }

    close (): void {
      open.delete(this)
      super.close()
    }
  }

  return count
}
