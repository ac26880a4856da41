import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { expire, fixed, overwrite, sum } from '../../src/trimming/index.ts'
import { TagStore } from '../../src/trimming/tag-store.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { TagHolder, TagHolders } from '../../src/trimming/tag-store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

describe('trimming/tag-store', () => {
  let clock: VirtualClock
  let store: TagStore
  let peers: TagHolders<TagHolder>
  let connected: Map<string, TagHolder>

  function connect (key: string): void {
    const peer: TagHolder = { key, tags: undefined }
    connected.set(key, peer)
    store.peerConnected(peer)
  }

  function disconnect (key: string): void {
    const peer = connected.get(key)
    connected.delete(key)

    if (peer != null) {
      store.peerDisconnected(peer)
    }
  }

  beforeEach(() => {
    connected = new Map()
    peers = { getPeer: key => connected.get(key), allPeers: () => connected.values() }
    clock = new VirtualClock()
    store = new TagStore(peers, clock, { maxAbsentPeers: 3, absentTTL: HOUR })
  })

  describe('a connected peer', () => {
    beforeEach(() => {
      connect('peer')
    })

    it('is worth the sum of its tags', () => {
      store.tag('peer', 'a', 5)
      store.tag('peer', 'b', -2)
      store.tag('peer', 'c', 10, { decay: fixed(1) })

      expect(store.value('peer')).to.equal(13)
      expect(store.tags('peer')).to.deep.equal(new Map([['a', 5], ['b', -2], ['c', 10]]))
    })

    it('is worth nothing without a tag', () => {
      expect(store.value('peer')).to.equal(0)
      expect(store.tags('peer')).to.be.empty()
    })

    it('loses the value of a tag that is replaced', () => {
      store.tag('peer', 'a', 5)
      store.tag('peer', 'a', 7)

      expect(store.value('peer')).to.equal(7)
    })

    it('loses a tag that is removed', () => {
      store.tag('peer', 'a', 5)
      store.tag('peer', 'b', 7)

      expect(store.untag('peer', 'a')).to.be.true()
      expect(store.untag('peer', 'a')).to.be.false()
      expect(store.value('peer')).to.equal(7)
    })

    it('bumps a tag that does not decay as it was told to at first', () => {
      store.tag('peer', 'a', 5, { bump: sum() })
      store.tag('peer', 'a', 3)

      expect(store.value('peer')).to.equal(8)
    })

    it('replaces a tag that was nothing but a value when it is to decay from now on', async () => {
      store.tag('peer', 'a', 5)
      store.tag('peer', 'a', 7, { decay: fixed(1) })
      expect(store.value('peer')).to.equal(7)

      store.tag('peer', 'a', 30)
      await clock.advance(MINUTE)
      expect(store.value('peer')).to.equal(29)
    })

    it('keeps the interval that a tag was given before it was to decay', async () => {
      store.tag('peer', 'a', 5, { interval: 1_000 })
      store.tag('peer', 'a', 5, { decay: fixed(1) })
      await clock.advance(3_000)

      expect(store.value('peer')).to.equal(2)
    })

    it('bumps a tag that has decayed to nothing from nothing', async () => {
      store.tag('peer', 'a', 2, { decay: fixed(1) })
      await clock.advance(10 * MINUTE)
      store.tag('peer', 'a', 3)

      expect(store.value('peer')).to.equal(3)
    })

    it('refuses options that are of no use though the value is', () => {
      // @ts-expect-error not what the type says
      expect(() => { store.tag('peer', 'a', 5, { bump: 'sum' }) }).to.throw().with.property('option', 'bump')
      expect(store.tags('peer')).to.be.empty()
    })

    it('has its tags whichever of them go and come again', () => {
      const name = fc.constantFrom('a', 'b', 'c')
      const step = fc.record({ name, value: fc.option(fc.integer({ min: 1, max: 5 })), decays: fc.boolean() })

      fc.assert(fc.property(fc.array(step, { maxLength: 30 }), steps => {
        const model = new Map<string, number>()
        connect('peer')

        for (const { name, value, decays } of steps) {
          if (value == null) {
            expect(store.untag('peer', name)).to.equal(model.delete(name))
          } else {
            store.tag('peer', name, value, { bump: overwrite(), ...(decays ? { decay: expire(HOUR) } : {}) })
            model.set(name, value)
          }

          expect(Object.fromEntries(store.tags('peer'))).to.deep.equal(Object.fromEntries(model))
          expect(store.value('peer')).to.equal([...model.values()].reduce((sum, value) => sum + value, 0))
        }

        for (const name of ['a', 'b', 'c']) {
          store.untag('peer', name)
        }

        expect(connected.get('peer')?.tags, 'nothing is kept').to.equal(undefined)
      }))
    })

    it('has a tag of the value 0', () => {
      store.tag('peer', 'a', 0)

      expect(store.tags('peer')).to.deep.equal(new Map([['a', 0]]))
    })

    it('loses a tag that has decayed to nothing, whether anybody reads it or not', async () => {
      store.tag('peer', 'a', 25, { decay: fixed(10) })
      store.tag('peer', 'b', 1)

      await clock.advance(MINUTE)
      expect(store.value('peer')).to.equal(16)

      await clock.advance(2 * MINUTE)
      expect(store.tags('peer')).to.deep.equal(new Map([['b', 1]]))
      expect(store.value('peer')).to.equal(1)
      expect(store.untag('peer', 'a')).to.be.false()
    })

    it('is worth the same until it is tagged again, as soon as nothing of it decays any more', async () => {
      const peer = { key: 'other', tags: undefined }
      store.peerConnected(peer)
      connected.set('other', peer)
      expect(store.isConstant(peer)).to.be.true()

      store.tag('other', 'a', 1, { decay: fixed(1) })
      store.tag('other', 'b', 7)
      expect(store.isConstant(peer)).to.be.false()

      await clock.advance(MINUTE)
      expect(store.value('other')).to.equal(7)
      expect(store.isConstant(peer), 'what has decayed is forgotten').to.be.true()
    })

    it('needs no timer', () => {
      store.tag('peer', 'a', 25, { decay: fixed(10) })

      expect(clock.timers).to.equal(0)
    })

    it('does not gather rounding errors', () => {
      for (let i = 0; i < 1_000; i++) {
        store.tag('peer', 'a', 0.1)
        store.tag('peer', 'b', 0.2)
        store.untag('peer', 'a')
      }

      expect(store.value('peer')).to.equal(0.2)
    })

    it('keeps its tags however long it stays', async () => {
      store.tag('peer', 'a', 5)
      await clock.advance(100 * HOUR)

      expect(store.value('peer')).to.equal(5)
    })

    it('keeps what it had when a value is refused', () => {
      store.tag('peer', 'a', 5)

      expect(() => { store.tag('peer', 'a', NaN) }).to.throw()
      expect(() => { store.tag('other', 'a', NaN) }).to.throw()
      expect(store.value('peer')).to.equal(5)
      expect(store.absentPeers).to.equal(0)
    })
  })

  describe('a peer that was tagged before it connected', () => {
    it('has its tags, and keeps them when it connects', () => {
      store.tag('peer', 'a', 5)
      expect(store.tags('peer')).to.deep.equal(new Map([['a', 5]]))
      expect(store.absentPeers).to.equal(1)

      connect('peer')
      expect(store.value('peer')).to.equal(5)
      expect(store.absentPeers).to.equal(0)
    })

    it('is forgotten when it does not come', async () => {
      store.tag('peer', 'a', 5)
      await clock.advance(HOUR)

      expect(store.value('peer')).to.equal(0)
      expect(store.tags('peer')).to.be.empty()

      connect('peer')
      expect(store.value('peer')).to.equal(0)
    })

    it('is waited for longer when it is tagged again', async () => {
      store.tag('peer', 'a', 5)
      await clock.advance(HOUR - 1)
      store.tag('peer', 'b', 6)
      await clock.advance(HOUR - 1)

      expect(store.value('peer')).to.equal(11)
    })

    it('leaves nothing behind when its last tag is removed', () => {
      store.tag('peer', 'a', 5)
      store.untag('peer', 'a')

      expect(store.absentPeers).to.equal(0)
    })
  })

  describe('a peer that is gone', () => {
    beforeEach(() => {
      connect('peer')
      store.tag('peer', 'a', 5)
      store.tag('peer', 'b', 30, { decay: fixed(10) })
      disconnect('peer')
    })

    it('has the tags that are remembered, with the values of the moment, until they are forgotten', async () => {
      expect(store.tags('peer')).to.deep.equal(new Map([['a', 5], ['b', 30]]))
      await clock.advance(MINUTE)
      expect(store.tags('peer')).to.deep.equal(new Map([['a', 5], ['b', 20]]))
      expect(store.value('peer')).to.equal(25)
      await clock.advance(HOUR)
      expect(store.tags('peer')).to.be.empty()
      expect(store.value('peer')).to.equal(0)
    })

    it('is worth what it was when it returns, less what has decayed', async () => {
      await clock.advance(MINUTE)
      connect('peer')

      expect(store.tags('peer')).to.deep.equal(new Map([['a', 5], ['b', 20]]))
      expect(store.value('peer')).to.equal(25)
    })

    it('is forgotten after a time', async () => {
      await clock.advance(HOUR)
      connect('peer')

      expect(store.value('peer')).to.equal(0)
    })

    it('is remembered with the tags that it is given meanwhile', () => {
      store.tag('peer', 'c', 1)

      expect(store.tags('peer')).to.deep.equal(new Map([['a', 5], ['b', 30], ['c', 1]]))
    })

    it('can be made to be forgotten', () => {
      expect(store.untag('peer', 'a')).to.be.true()
      expect(store.untag('peer', 'b')).to.be.true()
      expect(store.absentPeers).to.equal(0)
    })

    it('takes no room when it has no tags, or none that is worth anything', async () => {
      connect('untagged')
      disconnect('untagged')
      connect('decayed')
      store.tag('decayed', 'a', 1, { decay: expire(1_000) })
      await clock.advance(1_000)
      disconnect('decayed')

      expect(store.absentPeers).to.equal(1)
    })
  })

  describe('many peers that are not connected', () => {
    it('make room for each other, those that have waited longest first', () => {
      for (const peer of ['a', 'b', 'c', 'd']) {
        store.tag(peer, 'tag', 5)
      }

      expect(store.absentPeers).to.equal(3)
      expect(['a', 'b', 'c', 'd'].map(peer => store.value(peer))).to.deep.equal([0, 5, 5, 5])
    })

    it('wait from when they were tagged last', () => {
      for (const peer of ['a', 'b', 'c', 'a', 'd']) {
        store.tag(peer, 'tag', 5)
      }

      expect(['a', 'b', 'c', 'd'].map(peer => store.value(peer))).to.deep.equal([5, 0, 5, 5])
    })

    it('make room when they are too old', async () => {
      store.tag('a', 'tag', 5)
      store.tag('b', 'tag', 5)
      await clock.advance(HOUR)
      store.tag('c', 'tag', 5)

      expect(store.absentPeers).to.equal(1)
    })

    it('are not remembered if none may be', () => {
      store = new TagStore(peers, clock, { maxAbsentPeers: 0, absentTTL: HOUR })
      store.tag('a', 'tag', 5)

      expect(store.absentPeers).to.equal(0)
    })

    it('stay bounded when the clock is set back', async () => {
      store.tag('a', 'tag', 5)
      await clock.advance(-100 * HOUR)

      for (const peer of ['b', 'c', 'd', 'e']) {
        store.tag(peer, 'tag', 5)
      }

      expect(store.absentPeers).to.equal(3)
    })
  })

  it('forgets everything', () => {
    connect('a')
    store.tag('a', 'tag', 5)
    store.tag('b', 'tag', 5)
    store.clear()

    expect(store.value('a')).to.equal(0)
    expect(store.absentPeers).to.equal(0)
  })
})
