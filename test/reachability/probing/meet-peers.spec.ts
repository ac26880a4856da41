import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { meetPeers } from '../../../src/reachability/probing/server-pool.ts'
import { stubPeerId } from '../../fixtures/connections.ts'
import type { MeetPeersComponents } from '../../../src/reachability/probing/server-pool.ts'

describe('meeting random peers', () => {
  function components (addresses: string[], dialled: string[]): MeetPeersComponents {
    return {
      randomWalk: {
        walk: async function * () {
          yield * addresses.map(address => ({ id: stubPeerId(), multiaddrs: [multiaddr(address)] }))
        }
      },
      connectionManager: {
        openConnection: async target => {
          dialled.push(String([target].flat()[0]))
          throw new Error('Nobody there')
        }
      }
    }
  }

  it('dials those with public addresses, five at most', async () => {
    const dialled: string[] = []
    const { signal } = new AbortController()
    const many = Array.from({ length: 9 }, (_, i) => `/ip4/81.2.69.${i + 1}/tcp/1`)
    await meetPeers(components(['/ip4/10.0.0.1/tcp/1', '/dns4/example.com/tcp/1', ...many], dialled), () => false, signal)

    expect(dialled).to.deep.equal(many.slice(0, 5))
  })

  it('ends when there are enough', async () => {
    const dialled: string[] = []
    await meetPeers(components(['/ip4/81.2.69.1/tcp/1', '/ip4/81.2.69.2/tcp/1'], dialled), () => true, new AbortController().signal)

    expect(dialled).to.have.lengthOf(1)
  })
})
