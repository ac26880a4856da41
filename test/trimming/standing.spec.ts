import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { TypedEventEmitter } from 'main-event'
import { steadyClock } from '../../src/clock.ts'
import { ConnectionTable } from '../../src/core/index.ts'
import { Standing, fixed, tagInfo } from '../../src/trimming/index.ts'
import { addedTo } from '../fixtures/added-to.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { TagInfo, ValueOf } from '../../src/trimming/index.ts'
import type { StubConnection } from '../fixtures/connections.ts'
import type { Libp2pEvents, PeerId } from '@libp2p/interface'

const callsWithPeer: Array<(standing: Standing, peerId: PeerId) => unknown> = [
  (standing, peerId) => { standing.tag(peerId, 'a', 1) },
  (standing, peerId) => standing.untag(peerId, 'a'),
  (standing, peerId) => { standing.protect(peerId, 'a') },
  (standing, peerId) => standing.unprotect(peerId, 'a'),
  (standing, peerId) => standing.isProtected(peerId),
  (standing, peerId) => tagInfo(peerId, standing, new ConnectionTable(), steadyClock(new VirtualClock()))
]

const callsWithTag: Array<(standing: Standing, name: string) => unknown> = [
  (standing, name) => { standing.tag(stubPeerId(), name, 1) },
  (standing, name) => standing.untag(stubPeerId(), name),
  (standing, name) => { standing.protect(stubPeerId(), name) },
  (standing, name) => standing.unprotect(stubPeerId(), name)
]

describe('trimming/standing', () => {
  let clock: VirtualClock
  let events: TypedEventEmitter<Libp2pEvents>
  let table: ConnectionTable
  let standing: Standing

  function createStanding (valueOf?: ValueOf): Standing {
    const init = { maxAbsentPeers: 10, absentTTL: 3_600_000 }

    return new Standing({
      peerStore: { all: async () => [] },
      events,
      table
    }, valueOf == null ? init : { ...init, valueOf }, clock, defaultLogger().forComponent('test'))
  }

  function setPeerStoreTag (id: PeerId, name: string, value: number): void {
    events.safeDispatchEvent('peer:update', {
      detail: { peer: { id, addresses: [], protocols: [], metadata: new Map(), tags: new Map([[name, { value }]]) } }
    })
  }

  function open (connection: StubConnection): StubConnection {
    const entry = addedTo(table, connection, clock.now())
    standing.tags.peerConnected(entry.peer)

    return connection
  }

  function close (connection: StubConnection): void {
    const peer = table.remove(connection)?.peer

    if (peer?.connections.length === 0) {
      standing.tags.peerDisconnected(peer)
    }
  }

  function infoOf (peerId: PeerId): TagInfo | undefined {
    return tagInfo(peerId, standing, table, steadyClock(clock))
  }

  beforeEach(() => {
    clock = new VirtualClock()
    events = new TypedEventEmitter()
    table = new ConnectionTable()
    standing = createStanding()
    standing.peerStoreTags.start()
  })

  describe('value', () => {
    it('is the sum of the tags of the manager and of the peer store', () => {
      const peerId = stubPeerId()
      standing.tag(peerId, 'a', 5)
      setPeerStoreTag(peerId, 'b', 7)

      expect(standing.value(peerId)).to.equal(12)
    })

    it('is a number for tags beyond all measure', () => {
      const peerId = stubPeerId()
      standing.tag(peerId, 'a', Number.MAX_VALUE)
      standing.tag(peerId, 'b', Number.MAX_VALUE)
      standing.tag(peerId, 'c', -Number.MAX_VALUE, { decay: fixed(1) })
      setPeerStoreTag(peerId, 'd', -Number.MAX_VALUE)

      expect(standing.value(peerId)).to.not.be.NaN()
    })

    it('is what the function of the user says', () => {
      const peerId = stubPeerId()
      const asked: PeerId[] = []
      standing = createStanding(peerId => {
        asked.push(peerId)
        return 42
      })
      standing.tag(peerId, 'a', 5)

      expect(standing.value(peerId)).to.equal(42)
      expect(asked).to.deep.equal([peerId])
    })

    it('may be infinite', () => {
      standing = createStanding(() => -Infinity)

      expect(standing.value(stubPeerId())).to.equal(-Infinity)
    })

    const useless: Record<string, ValueOf> = {
      throws: () => { throw new Error('Urk!') },
      'returns NaN': () => NaN,
      'returns nothing': () => undefined,
      'returns a string': () => '5',
      'returns a promise': async () => 5
    }

    for (const [what, valueOf] of Object.entries(useless)) {
      it(`is the sum of the tags when the function of the user ${what}`, () => {
        const peerId = stubPeerId()
        const misled = createStanding(valueOf)
        misled.tag(peerId, 'a', 5)

        expect(misled.value(peerId)).to.equal(5)
      })
    }

    it('is not what the valueOf says that every object has', () => {
      const peerId = stubPeerId()
      const logged: unknown[][] = []
      const log = Object.assign(() => {}, { error: (...args: unknown[]) => { logged.push(args) }, trace: () => {}, enabled: false, newScope: () => log })
      standing = new Standing({ peerStore: { all: async () => [] }, events, table }, { maxAbsentPeers: 1, absentTTL: 1_000 }, clock, log)
      standing.tag(peerId, 'a', 5)

      expect(standing.value(peerId)).to.equal(5)
      expect(logged).to.be.empty()
    })
  })

  describe('bad input', () => {
    for (const notAPeer of [undefined, null, 'peer', {}, '12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8']) {
      it(`refuses ${typeof notAPeer} ${notAPeer} for a peer`, () => {
        const receiver = createStanding()

        for (const call of callsWithPeer) {
          // @ts-expect-error not what the type says
          expect(() => call(receiver, notAPeer)).to.throw().that.includes({ name: 'InvalidParametersError', option: 'peerId', value: notAPeer })
        }
      })
    }

    for (const notATag of [undefined, null, '', 5]) {
      it(`refuses ${typeof notATag} ${notATag} for a tag`, () => {
        const receiver = createStanding()

        for (const call of callsWithTag) {
          // @ts-expect-error not what the type says
          expect(() => call(receiver, notATag)).to.throw().that.includes({ name: 'InvalidParametersError', option: 'tag' })
        }
      })
    }
  })

  describe('tag info', () => {
    it('is there for a peer that is connected', async () => {
      const peerId = stubPeerId()
      const first = open(stubConnection({ remotePeer: peerId }))
      await clock.advance(1_000)
      const second = open(stubConnection({ remotePeer: peerId }))
      standing.tag(peerId, 'a', 5)
      setPeerStoreTag(peerId, 'b', 7)

      expect(infoOf(peerId)).to.deep.equal({
        firstSeen: clock.now() - 1_000,
        value: 12,
        tags: new Map([['a', 5], ['b', 7]]),
        connections: new Map([[first, clock.now() - 1_000], [second, clock.now()]])
      })
    })

    it('adds up tags of the same name', () => {
      const peerId = stubPeerId()
      standing.tag(peerId, 'a', 5)
      setPeerStoreTag(peerId, 'a', 7)

      expect(infoOf(peerId)).to.deep.include({ value: 12, tags: new Map([['a', 12]]) })
    })

    it('is not there for a peer that nobody knows', () => {
      expect(infoOf(stubPeerId())).to.be.undefined()
    })

    it('is there for a peer that was tagged before it connects, and its grace period begins when it does', async () => {
      const peerId = stubPeerId()
      standing.tag(peerId, 'a', 5)

      expect(infoOf(peerId)).to.deep.equal({ firstSeen: undefined, value: 5, tags: new Map([['a', 5]]), connections: new Map() })

      await clock.advance(1_000)
      open(stubConnection({ remotePeer: peerId }))

      expect(infoOf(peerId)).to.deep.include({ firstSeen: clock.now(), value: 5 })
    })

    it('tells what is kept of a peer that is gone, and is whole when the peer is back', () => {
      const peerId = stubPeerId()
      const connection = open(stubConnection({ remotePeer: peerId }))
      standing.tag(peerId, 'a', 5)
      standing.protect(peerId, 'b')
      close(connection)

      expect(infoOf(peerId)).to.deep.equal({ firstSeen: undefined, value: 5, tags: new Map([['a', 5]]), connections: new Map() })
      expect(standing.isProtected(peerId, 'b')).to.be.true()

      open(stubConnection({ remotePeer: peerId }))

      expect(infoOf(peerId)).to.deep.include({ value: 5, tags: new Map([['a', 5]]) })
    })

    it('of a peer that is gone tells of its tags in the peer store, too', () => {
      const peerId = stubPeerId()
      const connection = open(stubConnection({ remotePeer: peerId }))
      standing.tag(peerId, 'a', 5)
      setPeerStoreTag(peerId, 'b', 7)
      close(connection)

      expect(infoOf(peerId)).to.deep.include({ value: 12, tags: new Map([['a', 5], ['b', 7]]) })
    })
  })
})
