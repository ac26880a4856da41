import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { TypedEventEmitter } from 'main-event'
import { PeerStoreTags } from '../../src/trimming/peer-store-tags.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { Libp2pEvents, Peer, PeerId, PeerQuery, Tag } from '@libp2p/interface'

/**
 * What the peer store knows of a peer, with tags that have a value and the time
 * at which they expire
 */
function peerWithTags (id: PeerId, tags: Record<string, Tag & { expiry?: bigint }>): Peer {
  return { id, addresses: [], protocols: [], metadata: new Map(), tags: new Map(Object.entries(tags)) }
}

describe('trimming/peer-store-tags', () => {
  let clock: VirtualClock
  let events: TypedEventEmitter<Libp2pEvents>
  let stored: Peer[]
  let loading: Promise<void> | undefined
  let queries: Array<PeerQuery | undefined>
  let tags: PeerStoreTags

  const peerStore = {
    all: async (query?: PeerQuery): Promise<Peer[]> => {
      queries.push(query)

      // what is read is what is there when reading begins
      const peers = stored.filter(peer => query?.filters?.every(filter => filter(peer)) ?? true)
      await loading

      return peers
    }
  }

  function update (peer: Peer): void {
    events.safeDispatchEvent('peer:update', { detail: { peer } })
  }

  function valueOf (peerId: PeerId): number {
    return tags.value(peerId.toString())
  }

  beforeEach(() => {
    clock = new VirtualClock()
    events = new TypedEventEmitter()
    stored = []
    queries = []
    loading = undefined
    tags = new PeerStoreTags({ peerStore, events }, clock, defaultLogger().forComponent('test'))
    tags.start()
  })

  afterEach(() => {
    tags.stop()
  })

  it('knows the tags that are there at the start', async () => {
    const peerId = stubPeerId()
    stored = [peerWithTags(peerId, { a: { value: 5 }, b: { value: -2 } }), peerWithTags(stubPeerId(), {})]
    await tags.load()

    expect(valueOf(peerId)).to.equal(3)
    expect(tags.tags(peerId.toString())).to.deep.equal(new Map([['a', 5], ['b', -2]]))
    expect(tags.size).to.equal(1)
    expect(valueOf(stubPeerId())).to.equal(0)
  })

  it('tells peers apart that had the same tags', () => {
    const [a, b, c] = [stubPeerId(), stubPeerId(), stubPeerId()]

    for (const peerId of [a, b, c]) {
      update(peerWithTags(peerId, { x: { value: 5 } }))
    }

    update(peerWithTags(b, { x: { value: 5 }, y: { value: 2 } }))
    update(peerWithTags(c, {}))
    expect([valueOf(a), valueOf(b), valueOf(c)]).to.deep.equal([5, 7, 0])
    expect([a, b, c].map(peerId => [...tags.tags(peerId.toString()).keys()])).to.deep.equal([['x'], ['x', 'y'], []])
  })

  it('tells tags apart however they are named', () => {
    const [a, b] = [stubPeerId(), stubPeerId()]
    update(peerWithTags(a, { 'x 2 y': { value: 1 } }))
    update(peerWithTags(b, { x: { value: 1 }, y: { value: 2 } }))
    expect([valueOf(a), valueOf(b)]).to.deep.equal([1, 3])
  })

  it('lets a tag expire of one peer only, though others have the same for good', async () => {
    const [a, b] = [stubPeerId(), stubPeerId()]
    update(peerWithTags(a, { x: { value: 5 } }))
    update(peerWithTags(b, { x: { value: 5, expiry: BigInt(clock.now() + 1_000) } }))
    await clock.advance(1_000)
    expect([valueOf(a), valueOf(b)]).to.deep.equal([5, 0])
  })

  it('knows the tags of any number of peers that have different ones', () => {
    const peers = Array.from({ length: 600 }, (_, value) => ({ peerId: stubPeerId(), value }))

    for (const { peerId, value } of [...peers, ...peers]) {
      update(peerWithTags(peerId, { x: { value } }))
    }

    expect(peers.every(({ peerId, value }) => valueOf(peerId) === value)).to.be.true()
  })

  it('does not say that a peer is not kept alive before all were read', async () => {
    const peerId = stubPeerId().toString()
    expect(tags.isKeptAlive(peerId)).to.equal(undefined)

    await tags.load()
    expect(tags.isKeptAlive(peerId)).to.be.false()

    tags.stop()
    expect(tags.isKeptAlive(peerId)).to.equal(undefined)
  })

  it('says that a peer is kept alive until the tag is taken away', async () => {
    const peerId = stubPeerId()
    await tags.load()
    update(peerWithTags(peerId, { 'keep-alive-circuit': { value: 1 }, b: { value: 1 } }))
    expect(tags.isKeptAlive(peerId.toString())).to.be.true()

    update(peerWithTags(peerId, { b: { value: 1 } }))
    expect(tags.isKeptAlive(peerId.toString())).to.be.false()
  })

  it('says that a peer is kept alive until the tag expires', async () => {
    const peerId = stubPeerId()
    await tags.load()
    update(peerWithTags(peerId, { 'keep-alive': { value: 1, expiry: BigInt(clock.now() + 100) }, b: { value: 1 } }))
    expect(tags.isKeptAlive(peerId.toString())).to.be.true()

    await clock.advance(100)
    expect(tags.isKeptAlive(peerId.toString())).to.be.false()
  })

  it('is kept current by updates, without reading the peer store', async () => {
    const peerId = stubPeerId()

    update(peerWithTags(peerId, { a: { value: 5 } }))
    expect(valueOf(peerId)).to.equal(5)

    update(peerWithTags(peerId, { a: { value: 7 }, b: { value: 1 } }))
    expect(valueOf(peerId)).to.equal(8)

    update(peerWithTags(peerId, {}))
    expect(valueOf(peerId)).to.equal(0)
    expect(tags.size).to.equal(0)
    expect(queries).to.be.empty()
  })

  it('lets tags expire', async () => {
    const peerId = stubPeerId()
    update(peerWithTags(peerId, {
      short: { value: 5, expiry: BigInt(clock.now() + 1_000) },
      long: { value: 3, expiry: BigInt(clock.now() + 2_000) },
      forever: { value: 1 }
    }))

    await clock.advance(999)
    expect(valueOf(peerId)).to.equal(9)

    await clock.advance(1)
    expect(tags.tags(peerId.toString())).to.deep.equal(new Map([['long', 3], ['forever', 1]]))
    expect(valueOf(peerId)).to.equal(4)

    await clock.advance(1_000)
    expect(valueOf(peerId)).to.equal(1)
    expect(clock.timers).to.equal(0)
  })

  it('forgets a peer whose last tag has expired', async () => {
    const peerId = stubPeerId()
    update(peerWithTags(peerId, { a: { value: 5, expiry: BigInt(clock.now() + 1_000) } }))
    await clock.advance(1_000)

    expect(valueOf(peerId)).to.equal(0)
    expect(tags.size).to.equal(0)
  })

  it('does not count a value that is not finite', () => {
    const peerId = stubPeerId()
    update(peerWithTags(peerId, { a: { value: NaN }, b: { value: Infinity }, c: { value: 2 } }))

    expect(valueOf(peerId)).to.equal(2)
  })

  it('believes an update rather than what was read before it', async () => {
    const updated = stubPeerId()
    const other = stubPeerId()
    const deferred = Promise.withResolvers<void>()
    loading = deferred.promise
    stored = [peerWithTags(updated, { a: { value: 5 } }), peerWithTags(other, { a: { value: 6 } })]

    const loaded = tags.load()
    update(peerWithTags(updated, { a: { value: 50 } }))
    deferred.resolve()
    await loaded

    expect(valueOf(updated)).to.equal(50)
    expect(valueOf(other)).to.equal(6)
  })

  it('does not bring back tags that were removed while it was reading', async () => {
    const peerId = stubPeerId()
    const deferred = Promise.withResolvers<void>()
    loading = deferred.promise
    stored = [peerWithTags(peerId, { a: { value: 5 } })]

    const loaded = tags.load()
    update(peerWithTags(peerId, {}))
    deferred.resolve()
    await loaded

    expect(valueOf(peerId)).to.equal(0)
  })

  it('follows updates when the peer store cannot be read', async () => {
    const peerId = stubPeerId()
    loading = Promise.reject(new Error('Urk!'))

    await expect(tags.load()).to.eventually.be.rejectedWith('Urk!')

    update(peerWithTags(peerId, { a: { value: 5 } }))
    expect(valueOf(peerId)).to.equal(5)
  })

  it('does not throw out of the handler of an update that makes no sense', () => {
    expect(() => { events.safeDispatchEvent('peer:update', { detail: {} }) }).to.not.throw()
  })

  it('knows nothing after it was stopped, also when it was reading', async () => {
    const peerId = stubPeerId()
    const deferred = Promise.withResolvers<void>()
    loading = deferred.promise
    stored = [peerWithTags(peerId, { a: { value: 5 } })]

    const loaded = tags.load()
    tags.stop()
    expect(queries[0]?.signal?.aborted).to.be.true()
    deferred.resolve()
    await loaded
    update(peerWithTags(peerId, { a: { value: 5 } }))

    expect(tags.size).to.equal(0)
  })

  it('can be started again while it is still reading', async () => {
    const updated = stubPeerId()
    const other = stubPeerId()
    const first = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    stored = [peerWithTags(updated, { a: { value: 5 } }), peerWithTags(other, { a: { value: 6 } })]

    loading = first.promise
    const firstLoaded = tags.load()
    tags.stop()

    tags.start()
    loading = second.promise
    const secondLoaded = tags.load()
    first.resolve()
    await firstLoaded
    await settle()
    update(peerWithTags(updated, { a: { value: 50 } }))
    second.resolve()
    await secondLoaded

    expect(valueOf(updated)).to.equal(50)
    expect(valueOf(other)).to.equal(6)
  })
})
