import { readFile } from 'node:fs/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { limitsFromJSON, limitsToJSON, resourceManager, scaleLimits } from '../../src/resources/index.ts'
import { InteropGroup } from './interop-group.ts'
import type { LimitAttempt } from './go-peer.ts'

const FILE = await readFile(new URL('./limits.json', import.meta.url), 'utf-8')

const FAVOURED = '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8'
const ONE = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const OTHER = '12D3KooWHHzSeKaY8xuZVzkLbKFfvNgPPeKhFBGrMbNzbm5akpqu'

describe('a limit file', () => {
  const group = new InteropGroup()

  afterEach(async () => group.stop())

  it('is written by both as it is read', async () => {
    const peer = await group.goPeer({})
    const { file } = await peer.call('limits', { file: FILE, attempts: [] })

    expect(file).to.deep.equal(JSON.parse(FILE))
    expect(limitsToJSON(limitsFromJSON(FILE))).to.deep.equal(file)
  })

  const attempts: Array<[string, LimitAttempt[], number[]]> = [
    ['the connections of a peer', [{ peer: ONE, count: 100 }], [3]],
    ['the connections of a peer in both directions', [{ peer: ONE, count: 2 }, { peer: ONE, outbound: true, count: 100 }], [2, 2]],
    ['the connections of a peer with a limit of its own', [{ peer: FAVOURED, count: 100 }], [5]],
    ['all connections', [{ peer: FAVOURED, count: 4 }, { peer: ONE, count: 2 }, { peer: OTHER, count: 100 }], [4, 2, 0]],
    ['the streams of a protocol', [{ peer: ONE, protocol: '/app/1.0.0', count: 100 }], [6]],
    ['the streams of a peer in a protocol', [{ peer: ONE, protocol: '/ipfs/kad/1.0.0', count: 100 }], [4]],
    ['the streams of a protocol with a limit of its own', [{ peer: ONE, protocol: '/ipfs/kad/1.0.0', count: 3 }, { peer: OTHER, protocol: '/ipfs/kad/1.0.0', count: 100 }], [3, 2]],
    ['a protocol that is blocked', [{ peer: ONE, protocol: '/blocked/1.0.0', count: 100 }], [0]]
  ]

  for (const [what, asked, granted] of attempts) {
    it(`limits ${what} to as many for both`, async () => {
      const peer = await group.goPeer({})
      const answer = await peer.call('limits', { file: FILE, attempts: asked })

      expect(answer.granted).to.deep.equal(granted)
      expect(grantedByUs(asked)).to.deep.equal(granted)
    })
  }

  it('has both refuse the same connection when nobody may be closed for it', async () => {
    const peer = await group.goPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], limits: FILE })
    const node = await group.node({ limits: limitsFromJSON(FILE) })
    const dialers = 8

    node.addEventListener('peer:connect', ({ detail }) => {
      node.services.connectionManager.protect(detail, 'in use')
    })

    const { connected } = await peer.call('dialMany', { address: node.getMultiaddrs()[0].toString(), count: dialers })
    expect(connected).to.equal(6)
    expect(await connectedToGo(peer.addresses[0], dialers)).to.equal(6)
  })

  it('has ours make room for newcomers within the same limit', async () => {
    const peer = await group.goPeer({})
    const node = await group.node({ limits: limitsFromJSON(FILE) })
    let most = 0

    node.addEventListener('connection:open', () => {
      most = Math.max(most, node.getConnections().filter(({ status }) => status === 'open').length)
    })

    const { connected } = await peer.call('dialMany', { address: node.getMultiaddrs()[0].toString(), count: 8 })
    expect(connected).to.equal(8)
    expect(most).to.equal(6)
  })

  /**
   * How many of so many nodes of ours have a connection to a go-libp2p node, when
   * all have dialled it
   */
  async function connectedToGo (address: string, count: number): Promise<number> {
    let connected = 0

    for (let i = 0; i < count; i++) {
      const node = await group.node({}, [])

      // a connection that is refused may seem open until it is used
      connected += await node.services.ping.ping(multiaddr(address), { signal: AbortSignal.timeout(10_000) }).then(() => 1, () => 0)
    }

    return connected
  }
})

function grantedByUs (attempts: LimitAttempt[]): number[] {
  const resources = resourceManager({ limits: limitsFromJSON(FILE), defaults: scaleLimits(2 ** 40, 1_000_000) })

  return attempts.map(({ peer, protocol, outbound, count }) => {
    const direction = outbound === true ? 'outbound' : 'inbound'
    let granted = 0

    try {
      while (granted < count) {
        if (protocol == null) {
          resources.openConnection({ direction, fileDescriptor: true }).setPeer(peer)
        } else {
          resources.openStream({ direction, peer }).setProtocol(protocol)
        }

        granted++
      }
    } catch {
      // what is asked for is refused
    }

    return granted
  })
}
