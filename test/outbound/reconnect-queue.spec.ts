import { AbortError, KEEP_ALIVE } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { TypedEventEmitter } from 'main-event'
import { pEvent } from 'p-event'
import { systemClock } from '../../src/clock.ts'
import { ParkedPeers, ReconnectQueue } from '../../src/outbound/index.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'
import type { ReconnectQueueComponents, ReconnectQueueInit } from '../../src/outbound/reconnect-queue.ts'
import type { Connection, Libp2pEvents, Peer, PeerId } from '@libp2p/interface'

interface Dial {
  peerId: PeerId
  signal?: AbortSignal
  succeed(): void
  fail(error: Error): void
}

const LOW_WATER = 10
const HIGH_WATER = 16

describe('outbound: the reconnect queue', () => {
  const peerId = stubPeerId()
  let events: TypedEventEmitter<Libp2pEvents>
  let dials: Dial[]
  let removedTags: string[]
  let failures: PeerId[]
  let queue: ReconnectQueue
  let components: ReconnectQueueComponents
  let onDial: () => void
  let parked: ParkedPeers
  let connections: number

  beforeEach(() => {
    events = new TypedEventEmitter()
    dials = []
    removedTags = []
    failures = []
    onDial = () => {}
    connections = 0
    events.addEventListener('peer:reconnect-failure', ({ detail }) => { failures.push(detail) })

    parked = new ParkedPeers({
      clock: systemClock,
      log: defaultLogger().forComponent('libp2p:connmgr:outbound'),
      isBelowLowWater: more => connections + more < LOW_WATER,
      isBelowHighWater: more => connections + more < HIGH_WATER,
      hasPlaceInRealm: () => true,
      isConnected: () => false,
      isKeptAlive: () => true,
      random: { next: () => 0 },
      valueOf: () => 0
    })
    components = {
      parked,
      clock: systemClock,
      events,
      logger: defaultLogger(),
      lookUp: async id => peerWithTags(id),
      connectionManager: {
        openConnection: async (target, options) => {
          const { promise, resolve, reject } = Promise.withResolvers<Connection>()
          const { signal } = options ?? {}
          // whoever is dialled in these tests is a peer
          const peerId = target as PeerId
          dials.push({ peerId, signal, succeed: () => { resolve(stubConnection({ remotePeer: peerId })) }, fail: reject })
          signal?.addEventListener('abort', () => { reject(new AbortError()) })
          onDial()

          return promise
        }
      },
      peerStore: {
        all: async () => [peerWithTags(peerId)],
        merge: async (id, { tags }) => {
          removedTags.push(...Object.keys(tags ?? {}))

          return peerWithTags(id)
        }
      }
    }
  })

  afterEach(() => {
    queue.stop()
    parked.stop()
  })

  function start (init: Partial<ReconnectQueueInit> = {}): void {
    queue = new ReconnectQueue(components, {
      reconnectRetries: 0,
      reconnectRetryInterval: 0,
      reconnectBackoffFactor: 1,
      maxParallelReconnects: 5,
      dialTimeout: 10_000,
      ...init
    })
    queue.start()
  }

  function peerWithTags (id: PeerId, tags = [KEEP_ALIVE, 'other']): Peer {
    return { id, addresses: [], protocols: [], metadata: new Map(), tags: new Map(tags.map(tag => [tag, { value: 1 }])) }
  }

  function disconnect (id: PeerId = peerId): void {
    events.safeDispatchEvent('peer:disconnect', { detail: id })
  }

  async function nextDial (): Promise<void> {
    await new Promise<void>(resolve => { onDial = resolve })
  }

  /**
   * Resolves with the dial when so many have begun
   */
  async function untilDial (count: number): Promise<Dial> {
    while (dials.length < count) {
      await nextDial()
    }

    return dials[count - 1]
  }

  /**
   * Whatever the queue was about to do is done when a peer that disconnects now
   * is dialled
   */
  async function untilIdle (): Promise<void> {
    const other = stubPeerId()
    disconnect(other)

    while (dials.every(dial => !dial.peerId.equals(other))) {
      await untilDial(dials.length + 1)
    }
  }

  function dialsOf (id: PeerId): number {
    return dials.filter(dial => dial.peerId.equals(id)).length
  }

  it('gives up when the last attempt fails, whatever the error is called', async () => {
    start()
    disconnect()
    const failed = pEvent(events, 'peer:reconnect-failure')
    const dial = await untilDial(1)
    // as a transport does that ran into the timeout of an address
    dial.fail(new AbortError())
    await failed

    expect(removedTags).to.deep.equal([KEEP_ALIVE])
  })

  it('reads the tags of a peer only where they are not known', async () => {
    const known = [stubPeerId(), stubPeerId()]
    const reads: PeerId[] = []
    const { lookUp } = components
    components.lookUp = async id => {
      reads.push(id)

      return lookUp(id)
    }
    components.isKeptAlive = id => [false, true][known.findIndex(peer => peer.equals(id))]
    start()
    known.forEach(id => { disconnect(id) })
    await untilIdle()

    expect(known.map(dialsOf)).to.deep.equal([0, 1])
    expect(reads.some(id => id.equals(known[0]))).to.be.false()
  })

  it('does not wait for a dial that never ends', async () => {
    start({ dialTimeout: 1, reconnectRetries: 1 })
    disconnect()
    await pEvent(events, 'peer:reconnect-failure')

    expect(dials).to.have.lengthOf(2)
    expect(dials[1].signal?.aborted).to.be.true()
  })

  it('tells that it gave up although the tags could not be removed', async () => {
    components.peerStore.merge = async () => { throw new Error('The disk is full') }
    start()
    disconnect()
    const failed = pEvent(events, 'peer:reconnect-failure')
    const dial = await untilDial(1)
    dial.fail(new Error('Unreachable'))
    await failed
  })

  it('leaves peers alone that it knows nothing of', async () => {
    const unknown = stubPeerId()
    const unreadable = stubPeerId()
    components.lookUp = async id => {
      if (id.equals(unknown)) {
        return
      }

      if (id.equals(unreadable)) {
        throw new Error('The disk is broken')
      }

      return peerWithTags(id)
    }
    start()
    disconnect(unknown)
    disconnect(unreadable)
    await untilIdle()

    expect(dials).to.have.lengthOf(1)
    expect(failures).to.be.empty()
  })

  it('dials a peer once, however often it disconnects', async () => {
    start()
    disconnect()
    disconnect()
    await untilDial(1)
    disconnect()
    await untilIdle()

    expect(dialsOf(peerId)).to.equal(1)
  })

  it('dials a peer again that has disconnected while its dial was ending', async () => {
    start()
    disconnect()
    const dial = await untilDial(1)
    dial.succeed()
    disconnect()
    await untilDial(2)

    expect(dialsOf(peerId)).to.equal(2)
  })

  it('hanging up keeps the disconnect that follows from leading to a dial, and only that one', async () => {
    start()
    queue.hangUp(peerId, true)
    disconnect()
    await untilIdle()
    expect(dialsOf(peerId)).to.equal(0)

    disconnect()
    await untilIdle()
    expect(dialsOf(peerId)).to.equal(1)
  })

  it('hanging up ends a dial, and the peer keeps its tags', async () => {
    start()
    disconnect()
    const { signal } = await untilDial(1)
    queue.hangUp(peerId, false)
    await untilIdle()

    expect(signal?.aborted).to.be.true()
    expect(removedTags).to.be.empty()
    expect(failures).to.be.empty()
  })

  it('hanging up ends the wait for the next attempt', async () => {
    start({ reconnectRetries: 5, reconnectRetryInterval: 60_000 })
    disconnect()
    const dial = await untilDial(1)
    dial.fail(new Error('Unreachable'))
    await untilIdle()
    queue.hangUp(peerId, false)
    await untilIdle()

    // the peer is not taken for one that is being dialled
    disconnect()

    while (dialsOf(peerId) < 2) {
      await untilDial(dials.length + 1)
    }

    expect(failures).to.be.empty()
  })

  it('dials at once who waits for another attempt when the network changes, and begins to count anew', async () => {
    start({ reconnectRetries: 1, reconnectRetryInterval: 3_600_000 })
    disconnect()

    for (let attempt = 1; attempt <= 3; attempt++) {
      const dial = await untilDial(attempt)
      dial.fail(new Error('Unreachable'))
      // it waits for the next attempt then
      await new Promise(resolve => setTimeout(resolve, 0))
      expect(failures).to.be.empty()
      expect(queue.restart()).to.equal(1)
    }

    queue.stop()
    expect(queue.restart()).to.equal(0)
  })

  it('hanging up counts while the tags are being read', async () => {
    start()
    disconnect()
    queue.hangUp(peerId, false)
    await untilIdle()

    expect(dialsOf(peerId)).to.equal(0)
  })

  it('hanging up counts while the peer waits for its turn', async () => {
    start({ maxParallelReconnects: 1 })
    const busy = stubPeerId()
    disconnect(busy)
    const dial = await untilDial(1)
    disconnect()
    await Promise.resolve()
    queue.hangUp(peerId, false)
    dial.succeed()
    await untilIdle()

    expect(dialsOf(peerId)).to.equal(0)
    expect(removedTags).to.be.empty()
  })

  it('hanging up is over when the peer is connected another time', async () => {
    start()
    queue.hangUp(peerId, true)
    // before the connections are closed, so that the peer never disconnects
    events.safeDispatchEvent('connection:open', { detail: stubConnection({ remotePeer: peerId }) })
    disconnect()
    await untilDial(1)
  })

  it('hanging up ends the dial that was made when the node started', async () => {
    start()
    const started = queue.afterStart()
    const { signal } = await untilDial(1)
    queue.hangUp(peerId, false)
    await started

    expect(signal?.aborted).to.be.true()
    expect(removedTags).to.be.empty()
  })

  it('a peer keeps its tags that cannot be reached when the node starts', async () => {
    start()
    const started = queue.afterStart()
    const dial = await untilDial(1)
    dial.fail(new Error('Unreachable'))
    await started

    expect(removedTags).to.be.empty()
    expect(failures).to.be.empty()
  })

  it('stopping ends all dials, and every peer keeps its tags', async () => {
    start({ maxParallelReconnects: 1 })
    const started = queue.afterStart()
    disconnect()
    disconnect(stubPeerId())
    await untilDial(2)
    queue.stop()
    await started
    queue.start()
    await untilIdle()

    expect(dials.slice(0, 2).map(({ signal }) => signal?.aborted)).to.deep.equal([true, true])
    expect(dials).to.have.lengthOf(3)
    expect(removedTags).to.be.empty()
    expect(failures).to.be.empty()
  })

  it('does nothing before it is started and after it was stopped', async () => {
    start()
    queue.stop()
    disconnect()
    queue.start()
    await untilIdle()

    expect(dialsOf(peerId)).to.equal(0)
  })

  it('events that make no sense do no harm', async () => {
    start()

    for (const detail of [undefined, null, 5, 'peer', {}, { remotePeer: 5 }]) {
      events.safeDispatchEvent('peer:disconnect', { detail })
      events.safeDispatchEvent('connection:open', { detail })
    }

    disconnect()
    await untilDial(1)
  })
})
