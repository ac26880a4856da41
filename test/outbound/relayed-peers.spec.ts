import { KEEP_ALIVE } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { TypedEventEmitter } from 'main-event'
import { RelayedPeers } from '../../src/outbound/index.ts'
import { reportOpen, stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { StubConnection } from '../fixtures/connections.ts'
import type { Libp2pEvents, Peer, PeerId } from '@libp2p/interface'

const ADDRESS = '/ip4/192.0.2.1/tcp/4001'

describe('outbound: keep-alive peers that are connected over a relay only', () => {
  let peerId: PeerId
  let clock: VirtualClock
  let events: TypedEventEmitter<Libp2pEvents>
  let open: StubConnection[]
  let dials: string[][]
  let isReachable: boolean
  let isKept: boolean | undefined
  let isStatic: boolean
  let peers: RelayedPeers

  beforeEach(() => {
    peerId = stubPeerId()
    clock = new VirtualClock()
    events = new TypedEventEmitter()
    open = []
    dials = []
    isReachable = true
    isKept = true
    isStatic = false
    const stored = (): Peer => ({
      id: peerId,
      addresses: [ADDRESS, `/ip4/192.0.2.9/tcp/1/p2p/${stubPeerId()}/p2p-circuit`].map(text => ({ multiaddr: multiaddr(text), isCertified: false })),
      protocols: [],
      metadata: new Map(),
      tags: new Map([[KEEP_ALIVE, { value: 1 }]])
    })

    peers = new RelayedPeers({
      clock,
      random: { next: () => 0 },
      log: defaultLogger().forComponent('libp2p:connmgr:outbound'),
      events,
      dialTimeout: 10_000,
      isConnected: (_, { limited = false } = {}) => open.some(({ limits, status }) => status === 'open' && (limited || limits == null)),
      isParked: () => false,
      lookUp: async () => stored(),
      findPeer: async () => { throw new Error('Nobody knows') },
      dial: async multiaddrs => {
        dials.push(multiaddrs.map(String))

        if (!isReachable) {
          throw new Error('Unreachable')
        }

        return connect()
      },
      peers: () => open.length > 0 ? [peerId] : [],
      isKeptAlive: () => isKept,
      isStatic: () => isStatic
    })
  })

  afterEach(async () => {
    peers.stop()
    await settle()
    expect(clock.timers).to.equal(0)
  })

  function connect (limits?: StubConnection['limits']): StubConnection {
    const connection = stubConnection({ remotePeer: peerId, limits })
    open.push(connection)

    return reportOpen(events, connection)
  }

  function close (connection: StubConnection): void {
    connection.remoteClose()
    open.splice(open.indexOf(connection), 1)
    events.safeDispatchEvent('connection:close', { detail: connection })

    if (open.length === 0) {
      events.safeDispatchEvent('peer:disconnect', { detail: peerId })
    }
  }

  it('are dialled at their direct addresses, less often each time, until that succeeds', async () => {
    isReachable = false
    peers.start()
    connect({ seconds: 120 })
    await clock.advance(7_000)
    expect(dials).to.deep.equal(Array(4).fill([`${ADDRESS}/p2p/${peerId}`]))

    isReachable = true
    await clock.advance(8_000)
    expect(open).to.have.lengthOf(2)
    await clock.advance(3_600_000)
    expect(dials).to.have.lengthOf(5)
  })

  it('are dialled if they were connected before, or their tags are not read yet', async () => {
    isKept = undefined
    connect({ seconds: 120 })
    peers.start()
    await clock.advance(0)
    expect(dials).to.have.lengthOf(1)
  })

  it('are dialled again, though not at once, when the relayed connection outlives the direct one', async () => {
    peers.start()
    const relayed = connect({ seconds: 120 })
    await clock.advance(0)
    close(open[1])
    await clock.advance(999)
    expect(dials).to.have.lengthOf(1)
    await clock.advance(1)
    expect(dials).to.have.lengthOf(2)
    close(open[1])
    close(relayed)
    await clock.advance(3_600_000)
    expect(dials).to.have.lengthOf(2)
  })

  it('are dialled at once when the network changes, and not after the user hung up or the tag is gone', async () => {
    isReachable = false
    peers.start()
    connect({ seconds: 120 })
    await clock.advance(3_600_000 - 1)
    const before = dials.length
    expect(peers.networkChanged()).to.equal(1)
    await clock.advance(0)
    expect(dials).to.have.lengthOf(before + 1)

    peers.hangUp(peerId)
    expect(peers.networkChanged()).to.equal(0)
    isKept = false
    events.safeDispatchEvent('peer:update', { detail: { peer: { id: peerId } } })
    await clock.advance(3_600_000)
    expect(dials).to.have.lengthOf(before + 1)
  })

  it('are no others: neither those without the tag, nor static peers, nor who has a direct connection', async () => {
    peers.start()
    const direct = connect()
    await clock.advance(60_000)
    close(direct)
    isKept = false
    const relayed = connect({ seconds: 120 })
    await clock.advance(60_000)
    close(relayed)
    isKept = true
    isStatic = true
    connect({ seconds: 120 })
    await clock.advance(60_000)
    expect(dials).to.be.empty()
  })
})
