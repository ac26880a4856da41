import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { ConnectionTable } from '../../src/core/index.ts'
import { ParkedPeers } from '../../src/outbound/index.ts'
import { addedTo } from '../fixtures/added-to.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { CloseReason } from '../../src/core/index.ts'
import type { ConnectionStatus, PeerId } from '@libp2p/interface'

const LOW_WATER = 3
const HIGH_WATER = 5
const START = 1_000_000

describe('outbound: parked peers', () => {
  let clock: VirtualClock
  let open: number
  let realmPlaces: number
  let values: Map<PeerId, number>
  let parked: ParkedPeers
  let dialled: PeerId[]
  let endings: Array<() => void>

  beforeEach(() => {
    clock = new VirtualClock(START)
    open = LOW_WATER
    realmPlaces = 1
    values = new Map()
    dialled = []
    endings = []
    parked = new ParkedPeers({
      clock,
      random: { next: () => 0 },
      log: defaultLogger().forComponent('libp2p:connmgr:outbound'),
      isBelowLowWater: dialling => open + dialling < LOW_WATER,
      isBelowHighWater: dialling => open + dialling < HIGH_WATER,
      hasPlaceInRealm: (_realm, dialling) => dialling < realmPlaces,
      isConnected: () => false,
      isKeptAlive: () => true,
      valueOf: peerId => values.get(peerId) ?? 0
    })
  })

  afterEach(() => {
    parked.stop()
    expect(clock.timers).to.equal(0)
  })

  /**
   * The peer loses its connection, and whoever keeps it alive wants to dial it
   */
  function lose (peerId: PeerId, closeReason: CloseReason | undefined, { realm, duration = 60_000, status = 'closed' }: { realm?: string, duration?: number, status?: ConnectionStatus } = {}): void {
    const connection = stubConnection({ remotePeer: peerId })
    const entry = addedTo(new ConnectionTable(), connection, clock.now() - duration)
    entry.closeReason = closeReason
    connection.status = status
    parked.onDisconnect(entry.peer, realm)
    want(peerId)
  }

  function want (peerId: PeerId): void {
    parked.dial(peerId, async () => {
      dialled.push(peerId)
      await new Promise<void>(resolve => { endings.push(resolve) })
    }).catch(err => { throw err })
  }

  async function close (count = 1): Promise<void> {
    open -= count
    parked.check()
    await clock.advance(0)
  }

  const REASONS: CloseReason[] = ['trim', 'evict', 'refuse']

  REASONS.forEach(reason => {
    it(`closed for the reason ${reason} are dialled when fewer connections are open than the low watermark says, and not before`, async () => {
      const peerId = stubPeerId()
      lose(peerId, reason)
      await clock.advance(3_600_000)

      expect(dialled).to.be.empty()
      expect(parked.of(peerId.toString())).to.include({ reason, since: START })
      expect(parked.has(peerId)).to.be.true()

      await close()
      expect(dialled).to.deep.equal([peerId])
      expect(parked.of(peerId.toString())).to.equal(undefined)
    })
  })

  it('are no peers that failed, or that were closed for their own fault', () => {
    const lost: PeerId[] = Array.from({ length: 3 }, () => stubPeerId())
    lose(lost[0], 'dead')
    lose(lost[1], 'idle')
    lose(lost[2], undefined, { status: 'reset' })

    expect(dialled).to.deep.equal([lost[0], lost[1]])
    expect(parked.of(lost[2].toString())).to.include({ reason: 'full' })
  })

  it('are dialled no more at a time than there is room for, the most valuable first', async () => {
    const peers = Array.from({ length: 4 }, () => stubPeerId())
    peers.forEach((peerId, i) => {
      values.set(peerId, [1, 9, 5, 7][i])
      lose(peerId, 'trim')
    })
    await close(2)
    expect(dialled).to.deep.equal([peers[1], peers[3]])

    // it has failed
    endings[0]()
    await clock.advance(0)
    expect(dialled).to.deep.equal([peers[1], peers[3], peers[2]])
  })

  it('wait until there is room in their realm as well', async () => {
    const peers = Array.from({ length: 2 }, () => stubPeerId())
    realmPlaces = 0
    peers.forEach(peerId => { lose(peerId, 'trim', { realm: 'chain' }) })
    await close(3)
    expect(dialled).to.be.empty()

    realmPlaces = 1
    await close(0)
    expect(dialled).to.deep.equal([peers[0]])
  })

  it('are those that would bring the node above its high watermark', async () => {
    const [first, second] = [stubPeerId(), stubPeerId()]
    open = HIGH_WATER - 1
    want(first)
    want(second)

    expect(dialled).to.deep.equal([first])
    expect(parked.of(second.toString())).to.include({ reason: 'full' })
  })

  it('that the remote has closed are dialled at once by a node that has too few', () => {
    const peerId = stubPeerId()
    open = LOW_WATER - 1
    lose(peerId, undefined)

    expect(dialled).to.deep.equal([peerId])
  })

  it('that the remote has closed are dialled after a minute by a node that has enough, and static peers are not parked for it', async () => {
    const peerId = stubPeerId()
    lose(peerId, undefined)
    expect(parked.of(peerId.toString())).to.include({ reason: 'remote' })
    expect(parked.has(peerId)).to.be.false()

    await clock.advance(59_999)
    expect(dialled).to.be.empty()

    await clock.advance(1)
    expect(dialled).to.deep.equal([peerId])
  })

  it('that the remote closes again and again soon after they have connected are dialled ever more slowly', async () => {
    const peerId = stubPeerId()
    const waits: number[] = []
    open = LOW_WATER - 1

    for (let i = 0; i < 5; i++) {
      const at = clock.now()
      lose(peerId, undefined, { duration: 5_000 })

      while (dialled.length <= i) {
        await clock.advance(1_000)
      }

      waits.push(clock.now() - at)
      endings[i]()
      await clock.advance(0)
      parked.onConnect(peerId.toString())
    }

    expect(waits).to.deep.equal([0, 1_000, 2_000, 4_000, 8_000])
  })

  it('are parked no more when they are connected, and are not dialled when nobody wants them any more', async () => {
    const [connected, cancelled, other] = [stubPeerId(), stubPeerId(), stubPeerId()]
    lose(connected, 'trim')
    lose(cancelled, 'trim')
    parked.onConnect(connected.toString())
    parked.cancel(cancelled.toString())
    await close(3)
    expect(dialled).to.be.empty()

    open = LOW_WATER
    lose(other, 'trim')
    parked.cancelAll()
    await close(3)
    expect(dialled).to.be.empty()
  })
})
