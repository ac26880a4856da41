import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { newHome, publicAddresses } from './fixtures/home.ts'
import { until } from './fixtures/wait.ts'
import type { TestNode } from './fixtures/nodes.ts'
import type { DistrustedServer } from '../../src/reachability/index.ts'
import type { Connection, Libp2p, Stream, StreamMessageEvent } from '@libp2p/interface'

const DIAL_REQUEST = '/libp2p/autonat/2/dial-request'
const DIAL_BACK = '/libp2p/autonat/2/dial-back'

// answers of an AutoNAT v2 server: length, then the dial response
const CLAIMS_REACHABLE = Uint8Array.of(0x08, 0x12, 0x06, 0x08, 0xc8, 0x01, 0x18, 0xc8, 0x01)
const REFUSED = Uint8Array.of(0x04, 0x12, 0x02, 0x08, 0x65)
const REJECTED = Uint8Array.of(0x04, 0x12, 0x02, 0x08, 0x64)

describe('reachability as a client of AutoNAT servers', () => {
  const home = newHome()

  /**
   * A server that answers whatever the test wants, and keeps what it was asked
   */
  async function oddServer (node: TestNode, answer: (stream: Stream, connection: Connection, request: Uint8Array, server: Libp2p) => void | Promise<void>): Promise<Uint8Array[]> {
    const requests: Uint8Array[] = []

    await home.servers(node, 1, async server => {
      await server.unhandle(DIAL_REQUEST)
      await server.handle(DIAL_REQUEST, async (stream, connection) => {
        const request = (await lpStream(stream).read()).subarray()
        requests.push(request)
        await answer(stream, connection, request, server)
      })
    })

    return requests
  }

  it('D16: asks about one address per request', async () => {
    const node = await home.node({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0'], init: { probe: { timeout: 5_000 } } })
    const requests = await oddServer(node, stream => { stream.send(REFUSED) })
    await until(() => requests.length >= 2)
    const addresses = node.services.reachability.getAddressStates().map(({ addr }) => addr.bytes)
    const counts = requests.map(request => addresses.filter(address => Buffer.from(request).includes(Buffer.from(address))).length)

    expect(addresses).to.have.lengthOf(2)
    expect(new Set(counts)).to.deep.equal(new Set([1]))
  })

  it('D17: goes on with the next address when a server refuses one', async () => {
    const node = await home.node({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0'] })
    const requests = await oddServer(node, stream => { stream.send(REFUSED) })

    await until(() => requests.length === 2)
  })

  it('D17: sends a nonce that nobody can guess, and which may be any number', async () => {
    const node = await home.node()
    const asked = await Promise.all(Array.from({ length: 4 }, async () => oddServer(node, stream => { stream.send(REFUSED) })))
    await until(() => asked.every(({ length }) => length > 0))
    const nonces = asked.flat().map(request => Buffer.from(nonceIn(request)).readBigUInt64LE())

    expect(new Set(nonces).size).to.equal(nonces.length)
    // one in 2^44 that all are so small by chance
    expect(nonces.some(nonce => nonce > BigInt(Number.MAX_SAFE_INTEGER))).to.be.true()
  })

  /**
   * A server that dials back with the nonce it was given, or another one, and claims
   * success. Resolves, when it was heard, to how its dial-back was answered.
   */
  async function claimingServer (node: TestNode, change: (nonce: Uint8Array) => void): Promise<number[] | undefined> {
    const { promise, resolve } = Promise.withResolvers<number[] | undefined>()

    await oddServer(node, async (stream, connection, request, server) => {
      const nonce = nonceIn(request)
      change(nonce)
      const answer = await dialBackWith(nonce, server, node).catch(() => undefined)
      stream.addEventListener('close', () => { resolve(answer) })
      stream.send(CLAIMS_REACHABLE)
      await stream.close()
    })

    return promise
  }

  it('D17: believes a server whose dial-back has the nonce of its request', async () => {
    const node = await home.node()

    expect(await claimingServer(node, () => {})).to.deep.equal([0x02, 0x08, 0x00])
    await until(() => publicAddresses(node).length === 1)
  })

  it('D17: does not believe a server whose dial-back has another nonce', async () => {
    const node = await home.node()

    expect(await claimingServer(node, nonce => { nonce[7] ^= 1 })).to.be.undefined()
    expect(publicAddresses(node)).to.be.empty()
    expect(node.services.reachability.getAddressStates()[0]).to.include({ lastVerified: undefined })
  })

  it('D17: ends a request that is not answered in time', async () => {
    const node = await home.node({ init: { probe: { timeout: 3_000 } } })
    let ended = false
    await oddServer(node, stream => { stream.addEventListener('close', () => { ended = true }) })

    await until(() => ended)
  })

  it('does not believe a server that claims success and never dialled', async () => {
    const node = await home.node()
    const requests = await oddServer(node, stream => { stream.send(CLAIMS_REACHABLE) })
    await until(() => requests.length === 1)
    await new Promise(resolve => { setTimeout(resolve, 50) })
    expect(publicAddresses(node)).to.be.empty()
    expect(node.services.reachability.getAddressStates()[0]).to.include({ lastVerified: undefined })

    await home.servers(node)
    await until(() => publicAddresses(node).length === 1)
  })

  it('does not believe a server that sends the nonce over a connection that was there before', async () => {
    for (const direction of ['outbound', 'inbound'] as const) {
      const node = await home.node()
      const distrusted = pEvent<'server:distrusted', CustomEvent<DistrustedServer>>(node.services.reachability, 'server:distrusted')
      let answer: number[] | undefined

      // over the only connection there is
      const [server] = await home.servers(node, 1, async server => {
        await server.unhandle(DIAL_REQUEST)
        await server.handle(DIAL_REQUEST, async (stream, connection) => {
          const nonce = nonceIn((await lpStream(stream).read()).subarray())
          answer = await sendNonceOver(connection, nonce).catch(() => undefined)
          stream.send(CLAIMS_REACHABLE)
          await stream.close()
        })

        if (direction === 'inbound') {
          await server.dial(node.getMultiaddrs())
        }
      })

      expect(node.getConnections(server.peerId).map(({ direction }) => direction)).to.deep.equal([direction])
      expect((await distrusted).detail.server.equals(server.peerId)).to.be.true()
      expect(answer).to.be.undefined()
      expect(publicAddresses(node)).to.be.empty()
      expect(node.services.reachability.getReachability()).to.include({ state: 'unknown' })
    }
  })

  it('believes a dial-back that is later than the answer', async () => {
    const node = await home.node()
    await oddServer(node, async (stream, connection, request, server) => {
      stream.send(CLAIMS_REACHABLE)
      await stream.close()
      await dialBackWith(nonceIn(request), server, node)
    })

    await until(() => publicAddresses(node).length === 1)
  })

  it('is not public before servers of two networks got through, though the address is announced', async () => {
    const node = await home.verifiedNode()
    expect(node.services.reachability.getReachability()).to.include({ state: 'unknown' })
    await home.servers(node)
    await until(() => node.services.reachability.getReachability().state === 'public')
  })

  it('asks a server again about an address that it could not dial', async () => {
    const node = await home.node()
    await until(() => home.gateway.mappings.length === 1)
    const [mapping] = home.gateway.mappings.splice(0)
    await home.servers(node)
    await until(() => node.services.reachability.getAddressStates().some(({ failure }) => failure === 1))
    home.gateway.mappings.push(mapping)
    node.services.reachability.probe()

    await until(() => publicAddresses(node).length === 1)
  })

  it('leaves a server alone that has no time', async () => {
    const node = await home.node()
    const requests = await oddServer(node, stream => { stream.send(REJECTED) })
    await until(() => requests.length === 1)
    node.services.reachability.probe()
    await home.servers(node)
    await until(() => publicAddresses(node).length === 1)

    expect(requests).to.have.lengthOf(1)
  })

  ;[new Uint8Array(9_000), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), Uint8Array.of(2, 0x12, 0x7f), Uint8Array.of(0)].forEach((answer, index) => {
    it(`survives nonsense as an answer (${index})`, async () => {
      const node = await home.node({ init: { probe: { timeout: 3_000 } } })
      const requests = await oddServer(node, stream => { stream.send(answer) })
      await until(() => requests.length === 1)
      await home.servers(node)

      await until(() => publicAddresses(node).length === 1)
    })
  })
})

describe('reachability as a server for others', () => {
  const home = newHome()

  /**
   * Ask `server` to dial an address. Resolves to its answer.
   */
  async function ask (client: TestNode, server: TestNode, addresses: string[]): Promise<number[]> {
    const connection = await client.dial(server.getMultiaddrs())
    const stream = await connection.newStream(DIAL_REQUEST)
    const encoded = addresses.map(address => multiaddr(address).bytes)
    const list = encoded.flatMap(bytes => [0x0a, bytes.length, ...bytes])
    // addresses, and 1 as nonce
    const request = [...list, 0x11, 1, 0, 0, 0, 0, 0, 0, 0]
    const answers = pEvent<'message', StreamMessageEvent>(stream, 'message')
    stream.send(Uint8Array.of(request.length + 2, 0x0a, request.length, ...request))

    const { data } = await answers
    await stream.close()

    return [...data.subarray()]
  }

  async function pair (init: object = {}): Promise<[TestNode, TestNode]> {
    const off = { mapping: { enabled: false } }

    return [await home.node({ init: off }), await home.node({ init: { ...off, server: init } })]
  }

  it('D19: answers as often per minute as it should, then rejects', async () => {
    const [client, server] = await pair({ requestsPerMinutePerPeer: 3 })

    for (let i = 0; i < 3; i++) {
      expect(await ask(client, server, ['/ip4/10.0.0.1/tcp/1'])).to.not.deep.equal([...REJECTED])
    }

    expect(await ask(client, server, ['/ip4/10.0.0.1/tcp/1'])).to.deep.equal([...REJECTED])
  })

  it('refuses to dial private addresses, and names', async () => {
    const [client, server] = await pair()

    for (const address of ['/ip4/10.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/1', '/dns4/example.com/tcp/1']) {
      expect(await ask(client, server, [address])).to.include.members([0x08, 0x65])
    }
  })

  it('is none if it shall be none', async () => {
    const [, server] = await pair({ enabled: false })

    expect(server.getProtocols()).to.include(DIAL_BACK)
    expect(server.getProtocols()).to.not.include(DIAL_REQUEST)
  })
})

/**
 * The nonce stands at the end of a request
 */
function nonceIn (request: Uint8Array): Uint8Array {
  return request.slice(-8)
}

/**
 * What a server does that was asked to dial an address, with any nonce. Resolves to
 * the answer.
 */
async function dialBackWith (nonce: Uint8Array, server: Libp2p, node: Libp2p): Promise<number[]> {
  return sendNonceOver(await server.dial(node.getMultiaddrs().filter(address => address.toString().startsWith('/ip4/127.0.0.1/')), { force: true }), nonce)
}

async function sendNonceOver (connection: Connection, nonce: Uint8Array): Promise<number[]> {
  const stream = await connection.newStream(DIAL_BACK)
  const answer = pEvent<'message', StreamMessageEvent>(stream, 'message', { rejectionEvents: ['close'] })
  stream.send(Uint8Array.of(9, 0x09, ...nonce))

  const { data } = await answer

  return [...data.subarray()]
}
