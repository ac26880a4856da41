import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { TypedEventEmitter } from 'main-event'
import { outboundTarget } from '../../src/outbound/dial-slots.ts'
import { KeptRelays } from '../../src/outbound/index.ts'
import { RESERVATION_TAG } from '../../src/outbound/kept-relays.ts'
import { isPrivateNode, resolveWhilePrivate } from '../../src/outbound/private-node.ts'
import { privateOutboundTarget } from '../../src/outbound/private-target.ts'
import { Protection } from '../../src/trimming/protection.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { OutboundWorld } from './outbound-world.ts'
import type { Libp2pEvents, Peer, PeerId, Tag } from '@libp2p/interface'

describe('outbound: a node that nobody can dial', () => {
  describe('is one', () => {
    ([
      [{ state: 'private' }, true],
      [{ state: 'private', reason: 'unreachable' }, true],
      [{ state: 'unknown', reason: 'double-nat' }, true],
      [{ state: 'unknown', reason: 'no-servers' }, false],
      [{ state: 'unknown' }, false],
      [{ state: 'public', reason: 'forwarded' }, false],
      [{ state: 'public', reason: 'double-nat' }, false]
    ] as const).forEach(([status, expected]) => {
      it(`${expected ? 'that is' : 'not one that is'} ${status.state}${'reason' in status ? ` because of ${status.reason}` : ''}`, () => {
        expect(isPrivateNode(status)).to.equal(expected)
      })
    })
  })

  describe('has a higher target', () => {
    const usual = { target: 8, ratio: 0, connections: 20, lowWater: 100, factor: 2 }

    it('which is the one that was asked for, times a factor', () => {
      expect(privateOutboundTarget(usual)).to.equal(16)
      expect(privateOutboundTarget({ ...usual, factor: 1.3 })).to.equal(11)
      expect(privateOutboundTarget({ ...usual, factor: 1 })).to.equal(8)
    })

    it('of a ratio: that of the connections it would have if others could dial it', () => {
      expect(privateOutboundTarget({ ...usual, target: 0, ratio: 0.3, connections: 0 })).to.equal(30)
      expect(privateOutboundTarget({ ...usual, target: 0, ratio: 0.3, connections: 30 })).to.equal(30)
      expect(outboundTarget(0, 0.3, 0)).to.equal(0)
    })

    it('but none if it has none otherwise', () => {
      expect(privateOutboundTarget({ ...usual, target: 0 })).to.equal(0)
      expect(privateOutboundTarget({ ...usual, target: 0, lowWater: Infinity })).to.equal(0)
    })

    it('and not more than a trim would leave, unless that was asked for', () => {
      expect(privateOutboundTarget({ ...usual, lowWater: 10 })).to.equal(10)
      expect(privateOutboundTarget({ ...usual, lowWater: 5 })).to.equal(8)
    })

    it('which is a number, where nothing is ever trimmed', () => {
      expect(privateOutboundTarget({ ...usual, ratio: 0.5, lowWater: Infinity })).to.equal(16)
    })

    it('never a lower one, whatever the numbers', () => {
      fc.assert(fc.property(fc.nat(100), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(1_000), fc.nat(1_000), fc.double({ min: 1, max: 10, noNaN: true }), (target, ratio, connections, lowWater, factor) => {
        const raised = privateOutboundTarget({ target, ratio, connections, lowWater, factor })

        expect(raised).to.be.at.least(outboundTarget(target, ratio, connections))
        expect(raised).to.be.at.most(Math.max(lowWater, outboundTarget(target, ratio, connections)))
      }))
    })
  })

  describe('dials', () => {
    let world: OutboundWorld

    afterEach(async () => {
      await world.outbound.stop()
    })

    async function becomes (what: 'private' | 'public'): Promise<void> {
      world.privateFactor = what === 'private' ? 2 : undefined
      world.outbound.reachabilityChanged()
      await world.clock.advance(2_000)
      await world.succeed(...world.running.keys())
      await world.clock.advance(2_000)
    }

    it('more peers at once, and hangs up on nobody when others can dial it again', async () => {
      world = new OutboundWorld({ target: 2, maxParallel: 1 })
      world.add('a1', 'b1', 'c1', 'd1', 'e1', 'f1')
      await world.start()
      await world.succeed(...world.running.keys())
      await world.succeed(...world.running.keys())
      expect(world.outbound.stat).to.include({ target: 2, connected: 2 })

      await becomes('private')
      expect(world.outbound.stat.target).to.equal(4)
      await world.succeed(...world.running.keys())
      expect(world.outbound.stat.connected).to.equal(4)

      await becomes('public')
      await world.clock.advance(60_000)
      expect(world.outbound.stat).to.include({ target: 2, connected: 4, dialling: 0 })
      expect(world.closed).to.be.empty()
    })

    it('peers where it has a ratio only, and nobody connects', async () => {
      world = new OutboundWorld({ ratio: 0.5, maxParallel: 1 })
      world.lowWater = 4
      world.add('a1', 'b1', 'c1', 'd1')
      await world.start()
      await world.clock.advance(60_000)
      expect(world.takeStarted()).to.be.empty()

      await becomes('private')
      await world.succeed(...world.running.keys())
      expect(world.outbound.stat).to.include({ target: 2, connected: 2 })
    })

    it('nobody if it dials nobody otherwise', async () => {
      world = new OutboundWorld({})
      world.add('a1')
      await world.start()
      await becomes('private')
      await world.clock.advance(3_600_000)

      expect(world.takeStarted()).to.be.empty()
    })
  })

  describe('keeps its relays', () => {
    let events: TypedEventEmitter<Libp2pEvents>
    let protection: Protection
    let tags: Map<PeerId, string[]>
    let relays: KeptRelays

    beforeEach(() => {
      events = new TypedEventEmitter()
      protection = new Protection()
      tags = new Map()
      relays = new KeptRelays({
        log: defaultLogger().forComponent('libp2p:connmgr:outbound'),
        events,
        protection: {
          protect: (peer, tag) => { protection.protect(peer.toString(), tag) },
          unprotect: (peer, tag) => protection.unprotect(peer.toString(), tag)
        },
        peers: () => tags.keys(),
        tagsOf: peerId => tags.get(peerId) ?? []
      })
    })

    function update (id: PeerId, ...names: string[]): void {
      const peer: Peer = { id, addresses: [], protocols: [], metadata: new Map(), tags: new Map(names.map((name): [string, Tag] => [name, { value: 1 }])) }
      events.safeDispatchEvent('peer:update', { detail: { peer } })
    }

    it('those that there are, as long as it is asked to', () => {
      const [relay, other] = [stubPeerId(), stubPeerId()]
      tags.set(relay, ['relay-of-a-kind', RESERVATION_TAG]).set(other, ['keep-alive'])
      expect(protection.size).to.equal(0)

      relays.keep(true)
      expect(protection.tags(relay.toString())).to.deep.equal(['relay'])
      expect(protection.size).to.equal(1)

      relays.keep(false)
      expect(protection.size).to.equal(0)
    })

    it('those on which it gets a reservation, until it has none there any more', () => {
      const relay = stubPeerId()
      update(relay, RESERVATION_TAG)
      expect(protection.size).to.equal(0)

      relays.keep(true)
      update(relay, RESERVATION_TAG)
      update(relay, RESERVATION_TAG, 'another')
      expect(protection.isProtected(relay.toString(), 'relay')).to.be.true()

      update(relay, 'another')
      expect(protection.size).to.equal(0)
      relays.keep(false)
      update(relay, RESERVATION_TAG)
      expect(protection.size).to.equal(0)
    })

    it('and leaves other protection alone', () => {
      const relay = stubPeerId()
      protection.protect(relay.toString(), 'mine')
      tags.set(relay, [RESERVATION_TAG])
      relays.keep(true)
      relays.keep(false)

      expect(protection.tags(relay.toString())).to.deep.equal(['mine'])
    })
  })

  describe('options', () => {
    it('have the documented defaults', () => {
      expect(resolveWhilePrivate()).to.deep.equal({ outboundFactor: 2, keepRelays: true })
      expect(resolveWhilePrivate({ outboundFactor: 3 })).to.deep.equal({ outboundFactor: 3, keepRelays: true })
      expect(resolveWhilePrivate(false)).to.be.false()
    })

    ;([
      ['whilePrivate', 'yes'],
      ['whilePrivate.outboundFactor', { outboundFactor: 0.5 }],
      ['whilePrivate.outboundFactor', { outboundFactor: Infinity }],
      ['whilePrivate.outboundFactor', { outboundFactor: NaN }],
      ['whilePrivate.keepRelays', { keepRelays: 1 }],
      ['whilePrivate.target', { target: 1 }]
    ] as const).forEach(([option, init]) => {
      it(`name ${option} when it is ${JSON.stringify(init)}`, () => {
        expect(() => resolveWhilePrivate(init as object)).to.throw().with.property('option', option)
      })
    })
  })
})
