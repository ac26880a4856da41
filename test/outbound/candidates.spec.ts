import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { MemoryDatastore } from 'datastore-core'
import * as fc from 'fast-check'
import { ANCHORS_KEY, AnchorKeeper, readAnchors } from '../../src/outbound/anchor-keeper.ts'
import { toCandidate } from '../../src/outbound/candidate.ts'
import { chooseChurned } from '../../src/outbound/choose-churned.ts'
import { mixFairly } from '../../src/outbound/mix-fairly.ts'
import { SOURCE_PATIENCE, SOURCE_TIMEOUT, SourceReader } from '../../src/outbound/source-reader.ts'
import { CHURN_DEFAULTS } from '../../src/outbound/top-up-config.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import { addressOf } from './outbound-world.ts'
import type { ChurnCandidate } from '../../src/outbound/choose-churned.ts'
import type { OutboundPeer } from '../../src/outbound/outbound-connections.ts'
import type { CandidateSource } from '../../src/outbound/source-reader.ts'

describe('outbound: sources of candidates', () => {
  let clock: VirtualClock
  let ready: number

  beforeEach(() => {
    clock = new VirtualClock()
    ready = 0
  })

  function reader (name: string, open: CandidateSource['open'], init: Partial<CandidateSource> = {}): SourceReader {
    return new SourceReader({ name, interval: 1_000, limit: 100, open, ...init }, {
      clock,
      random: { next: () => 0 },
      log: defaultLogger().forComponent('libp2p:connmgr:outbound'),
      onReady: () => { ready++ }
    })
  }

  /**
   * What a round takes, and how many ms it takes
   */
  async function round (...readers: SourceReader[]): Promise<{ items: unknown[], duration: number }> {
    const items: unknown[] = []
    const begin = clock.now()
    const over = new AbortController()

    const reading = (async () => {
      for await (const { item } of mixFairly(readers, new AbortController().signal)) {
        items.push(item)
      }

      over.abort()
    })()
    await settle()

    while (!over.signal.aborted) {
      await clock.advance(1)
    }

    await reading

    return { items, duration: clock.now() - begin }
  }

  it('are asked in turn', async () => {
    const { items } = await round(reader('a', () => [1, 2, 3]), reader('b', async () => [10]), reader('c', async function * () {
      yield 100
      yield 200
    }))
    expect(items).to.deep.equal([1, 10, 100, 2, 200, 3])
  })

  it('cost nothing but themselves when they throw, hang, or give nothing', async () => {
    const broken = new Error('Broken')
    const { items, duration } = await round(
      reader('throws', () => { throw broken }),
      reader('rejects', async () => { throw broken }),
      reader('breaks', async function * () {
        yield 1
        throw broken
      }),
      reader('hangs', () => ({ [Symbol.asyncIterator]: () => ({ next: async () => new Promise(() => {}) }) })),
      // @ts-expect-error no source at all
      reader('nothing', () => {}),
      reader('works', () => [2, 3])
    )
    expect(items).to.deep.equal([1, 2, 3])
    expect(duration).to.be.at.most(SOURCE_PATIENCE)
  })

  it('that are slow are not waited for as long the next time, and their answer is not lost', async () => {
    const { promise, resolve } = Promise.withResolvers<string[]>()
    const slow = reader('slow', async () => promise)
    expect((await round(slow)).duration).to.equal(SOURCE_PATIENCE)
    expect((await round(slow)).duration).to.equal(SOURCE_PATIENCE / 2)

    resolve(['at last'])
    await settle()
    expect(ready).to.equal(1)
    expect((await round(slow)).items).to.deep.equal(['at last'])
  })

  it('that hang are closed after a while, told so, and opened again later', async () => {
    const signals: AbortSignal[] = []
    const hanging = reader('hangs', async ({ signal }) => {
      signals.push(signal)

      return new Promise(() => {})
    })
    await round(hanging)
    await clock.advance(SOURCE_TIMEOUT)
    await round(hanging)
    expect(signals[0].aborted).to.be.true()
    await round(hanging)
    expect(signals).to.have.lengthOf(1)
    await clock.advance(10_000)
    await round(hanging)
    expect(signals).to.have.lengthOf(2)
  })

  it('are not opened more often than they should be, and say when they can be', async () => {
    let opened = 0
    const source = reader('a', () => [++opened])
    await round(source)
    expect(source.retryIn).to.equal(Infinity)
    await round(source)
    expect(opened).to.equal(1)
    expect(source.retryIn).to.be.within(1, 1_000)
    await clock.advance(source.retryIn)
    expect((await round(source)).items).to.deep.equal([2])
  })

  it('that never end are read up to a limit', async () => {
    let closed = false
    const { items } = await round(reader('endless', function * () {
      try {
        for (let i = 0; ; i++) {
          yield i
        }
      } finally {
        closed = true
      }
    }, { limit: 5 }))
    await settle()
    expect(items).to.deep.equal([0, 1, 2, 3, 4])
    expect(closed).to.be.true()
  })

  it('of the user are read on from where they were left, and never closed', async () => {
    const numbers = (function * () { yield * [1, 2, 3] })()
    const stream = reader('user-1', () => numbers, { isStream: true })
    const first = await stream.read(new AbortController().signal)
    expect(first).to.deep.equal({ state: 'item', item: 1 })
    stream.release()
    expect((await round(stream)).items).to.deep.equal([2, 3])
  })
})

describe('outbound: candidates', () => {
  const peerId = stubPeerId()
  const address = multiaddr('/ip4/192.0.2.1/tcp/4001')

  it('are made of peer ids, addresses with a peer id, and records of peers', () => {
    const withId = address.encapsulate(`/p2p/${peerId}`)
    expect(toCandidate(peerId, 'a')).to.deep.include({ key: peerId.toString(), source: 'a', multiaddrs: [] })
    expect(toCandidate(withId, 'a')?.multiaddrs).to.deep.equal([withId])
    expect(toCandidate({ id: peerId, multiaddrs: [address] }, 'a')?.multiaddrs).to.deep.equal([address])
    expect(toCandidate({ id: peerId, addresses: [{ multiaddr: address }], protocols: [] }, 'a')?.multiaddrs).to.deep.equal([address])
  })

  it('do not have addresses of others', () => {
    const foreign = address.encapsulate(`/p2p/${stubPeerId()}`)
    const relayed = multiaddr(`/ip4/192.0.2.1/tcp/4001/p2p/${stubPeerId()}/p2p-circuit`)
    expect(toCandidate({ id: peerId, multiaddrs: [foreign, relayed] }, 'a')?.multiaddrs).to.deep.equal([relayed])
  })

  it('have a limited number of addresses', () => {
    expect(toCandidate({ id: peerId, multiaddrs: new Array(10_000).fill(address) }, 'a')?.multiaddrs.length).to.be.at.most(100)
  })

  it('are not made of anything else, which does no harm', () => {
    expect(toCandidate(address, 'a')).to.equal(undefined)
    fc.assert(fc.property(fc.anything(), input => {
      expect(toCandidate(input, 'a')).to.equal(undefined)
    }))
    fc.assert(fc.property(fc.array(fc.anything()), multiaddrs => {
      expect(toCandidate({ id: peerId, multiaddrs }, 'a')?.multiaddrs).to.deep.equal([])
    }))
  })
})

describe('outbound: anchors', () => {
  const KEY = ANCHORS_KEY
  const outboundPeer = (name: string): OutboundPeer => {
    const connection = stubConnection({ remoteAddr: addressOf(name), direction: 'outbound' })

    return { peerId: connection.remotePeer, key: connection.remotePeer.toString(), openedAt: Number(name.slice(1)), connections: new Set([connection]), isBootstrap: false }
  }
  let datastore: MemoryDatastore
  let keeper: AnchorKeeper

  beforeEach(() => {
    datastore = new MemoryDatastore()
    keeper = new AnchorKeeper(datastore, 2)
  })

  it('stay until there are others, however often the node is started', async () => {
    await keeper.save(['a1', 'b2', 'c3'].map(outboundPeer))
    const stored = await readAnchors(datastore, KEY)
    expect(stored).to.have.lengthOf(2)

    await keeper.load()
    await keeper.save([])
    expect(await readAnchors(datastore, KEY)).to.deep.equal(stored)

    await keeper.load()
    await keeper.save([outboundPeer('d4')])
    const [first, second] = await readAnchors(datastore, KEY)
    expect(first).to.include(addressOf('d4'))
    expect(second).to.equal(stored[0])
  })

  it('are each stored once', async () => {
    const peer = outboundPeer('a1')
    await keeper.save([peer])
    await keeper.load()
    await keeper.save([peer])
    expect(await readAnchors(datastore, KEY)).to.have.lengthOf(1)
  })

  it('count as none where something else is stored', async () => {
    for (const stored of ['', '{', '{}', 'null', '[1, null, {}]', '7']) {
      await datastore.put(KEY, new TextEncoder().encode(stored))
      expect(await readAnchors(datastore, KEY), stored).to.deep.equal([])
    }
  })
})

describe('outbound: churn', () => {
  const init = { ...CHURN_DEFAULTS, minAge: 10 }
  const peer = (key: string, changes: Partial<ChurnCandidate> = {}): ChurnCandidate => ({ key, age: 10, value: 0, isSpared: false, ...changes })
  const keys = (peers: ChurnCandidate[]): string[] => peers.map(({ key }) => key)

  it('closes one at random', () => {
    const peers = [peer('a'), peer('b'), peer('c')]
    expect(keys(chooseChurned(peers, init, { next: () => 0 }))).to.deep.equal(['a'])
    expect(keys(chooseChurned(peers, init, { next: () => 0.99 }))).to.deep.equal(['c'])
  })

  it('spares the young, the used and protected, and the last one', () => {
    expect(chooseChurned([peer('a', { age: 9 }), peer('b', { isSpared: true })], init, { next: () => 0 })).to.deep.equal([])
    expect(chooseChurned([peer('a')], init, { next: () => 0 })).to.deep.equal([])
  })

  it('spares the best tenth, if it is worth something', () => {
    const peers = Array.from({ length: 10 }, (_, i) => peer(`${i}`, { value: i === 3 ? 5 : 0, isSpared: i !== 3 }))
    expect(chooseChurned(peers, init, { next: () => 0 })).to.deep.equal([])
    expect(keys(chooseChurned(peers.map(candidate => ({ ...candidate, value: 0 })), init, { next: () => 0 }))).to.deep.equal(['3'])
  })

  it('closes a part of those with the lowest values', () => {
    const peers = Array.from({ length: 10 }, (_, i) => peer(`${i}`, { value: i }))
    expect(keys(chooseChurned(peers, { ...init, fraction: 0.2 }, { next: () => 0 }))).to.deep.equal(['0', '1'])
    expect(chooseChurned(peers, { ...init, fraction: 1, protectFraction: 0 }, { next: () => 0 })).to.have.lengthOf(9)
  })
})
