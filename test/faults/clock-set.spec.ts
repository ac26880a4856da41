import { expect } from 'aegir/chai'
import { fixed, linear } from '../../src/index.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { Arrivals } from '../fixtures/inbound.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import { createFaultyNode, outcome } from './faulty-node.ts'
import type { FaultyNode } from './faulty-node.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/**
 * How a clock may change by itself. Timers take no notice of the first three: they
 * stand still in a machine that is suspended.
 */
const JUMPS: Record<string, (clock: VirtualClock) => void> = {
  'is set back': clock => { clock.set(-HOUR) },
  'is set forward': clock => { clock.set(HOUR) },
  'is set forward and then right': clock => {
    clock.set(HOUR)
    clock.set(-HOUR)
  },
  'goes on while the process is stopped': clock => { clock.suspend(HOUR) }
}

describe('faults: a clock that is set', () => {
  let clock: VirtualClock
  let node: FaultyNode
  let manager: FaultyNode['services']['connectionManager']
  let peerId: PeerId

  beforeEach(() => {
    clock = new VirtualClock(1_000 * HOUR)
    peerId = stubPeerId()
  })

  afterEach(async () => {
    await outcome(node.stop(), clock)
    expect(clock.timers).to.equal(0)
  })

  async function start (init: ConnectionManagerInit = {}): Promise<void> {
    node = await createFaultyNode(clock, init)
    manager = node.services.connectionManager
    await outcome(node.start(), clock)
  }

  describe('and bans', () => {
    it('ends one that was made until a time when the clock says so, and tells within a minute', async () => {
      await start()
      const ended: string[] = []
      manager.bans.addEventListener('unban', ({ detail }) => { ended.push(detail.cause) })
      const { expires } = await manager.bans.ban(peerId, { for: 2 * HOUR })

      clock.set(-HOUR)
      await clock.advance(expires - clock.now() - 1)
      expect(manager.bans.ofPeer(peerId)).to.not.be.undefined()
      expect(ended).to.be.empty()
      await clock.advance(1)
      expect(manager.bans.ofPeer(peerId)).to.be.undefined()
      await clock.advance(MINUTE)
      expect(ended).to.deep.equal(['expired'])
    })

    it('ends one at once when it is set to a time after its end', async () => {
      await start()
      const ended: string[] = []
      manager.bans.addEventListener('unban', ({ detail }) => { ended.push(detail.cause) })
      await manager.bans.ban(peerId, { for: HOUR })
      await manager.bans.ban('192.0.2.0/24')

      clock.set(HOUR)
      expect(manager.bans.ofPeer(peerId)).to.be.undefined()
      expect(manager.bans.list()).to.have.lengthOf(1)
      await clock.advance(MINUTE)
      expect(ended).to.deep.equal(['expired'])
    })
  })

  describe('and realms', () => {
    it('back leaves a peer in its realm for no longer', async () => {
      await start()
      manager.realms.assign(peerId, 'chain', { for: 10 * MINUTE })
      await clock.advance(4 * MINUTE)
      clock.set(-HOUR)

      await clock.advance(6 * MINUTE - 1)
      expect(manager.realms.of(peerId)).to.equal('chain')
      await clock.advance(1)
      expect(manager.realms.of(peerId)).to.be.undefined()
    })

    it('forward ends what is over, and tells within a minute', async () => {
      await start()
      const told: Array<string | undefined> = []
      manager.realms.addEventListener('realm:assign', ({ detail }) => { told.push(detail.realm) })
      manager.realms.assign(peerId, 'chain', { for: 40 * MINUTE })
      expect(told).to.deep.equal(['chain'])

      clock.set(HOUR)
      expect(manager.realms.of(peerId)).to.be.undefined()
      await clock.advance(MINUTE)
      expect(told).to.deep.equal(['chain', undefined])
    })
  })

  describe('and tags', () => {
    it('back makes no tag grow that has decayed, and keeps none from decaying', async () => {
      await start()
      manager.tag(peerId, 'fixed', 100, { decay: fixed(10), interval: MINUTE })
      manager.tag(peerId, 'linear', 64, { decay: linear(0.5), interval: MINUTE })
      await clock.advance(3 * MINUTE)
      expect(manager.getTagInfo(peerId)).to.have.property('value', 70 + 8)

      clock.set(-HOUR)
      expect(manager.getTagInfo(peerId)).to.have.property('value', 70 + 8)
      await clock.advance(2 * MINUTE)
      expect(manager.getTagInfo(peerId)).to.have.property('value', 50 + 2)
    })
  })

  describe('and admission', () => {
    /**
     * How many of so many connections from one address are let in now
     */
    function admitted (count: number): number {
      const arrivals = new Arrivals(manager)
      const accepted = Array.from({ length: count }, () => arrivals.accept('/ip4/198.51.100.1/tcp/1')).filter(maConn => maConn != null)
      accepted.forEach(maConn => { arrivals.fail(maConn) })

      return accepted.length
    }

    const rates = { limits: { subnets: { rates: { ipv4: [{ prefix: 32, perSecond: 0.1, burst: 5 }] } } }, inboundConnectionThreshold: 1_000 }

    it('back gives nobody more connections than the rate', async () => {
      await start(rates)
      expect(admitted(10)).to.equal(5)
      clock.set(-HOUR)
      expect(admitted(10)).to.equal(0)
      await clock.advance(20_000)
      expect(admitted(10)).to.equal(2)
    })

    Object.entries(JUMPS).forEach(([name, jump]) => {
      it(`that ${name} gives nobody more at once than the bucket holds`, async () => {
        await start(rates)
        expect(admitted(3)).to.equal(3)
        jump(clock)
        expect(admitted(10)).to.be.at.most(5)
        expect(admitted(10)).to.equal(0)
        await clock.advance(50_000)
        expect(admitted(10)).to.equal(5)
      })

      it(`that ${name} turns nobody away for long as if the node were overloaded`, async () => {
        await start({ load: { maxEventLoopDelay: 1_000 } })
        await clock.advance(1_000)
        jump(clock)
        await clock.advance(5_000)
        expect(admitted(1)).to.equal(1)
      })
    })
  })

  describe('forward and then right', () => {
    const nodes = new NodeGroup()
    let remote: Libp2p

    beforeEach(async () => {
      // the peer store and the transports date what they do by themselves
      clock = new VirtualClock(Date.now())
      remote = await nodes.add(createPlainNode())
      await start({ idleTimeout: 10 * MINUTE })
      await clock.advance(MINUTE)
      clock.set(HOUR)
      await clock.advance(MINUTE)
      clock.set(-HOUR)
    })

    afterEach(async () => nodes.stop())

    it('gives dates that are right', async () => {
      await outcome(manager.openConnection(remote.getMultiaddrs()), clock)
      const info = manager.getTagInfo(remote.peerId)
      expect(info?.firstSeen).to.be.within(clock.now() - MINUTE, clock.now())
      expect([...info?.connections.values() ?? []]).to.deep.equal([info?.firstSeen])

      const { created, expires } = await manager.bans.ban(peerId, { for: HOUR })
      await clock.advance(0)
      expect([created, expires]).to.deep.equal([clock.now(), clock.now() + HOUR])
      expect(manager.decisions({ peer: peerId })).to.have.nested.property('[0].time', clock.now())
    })

    it('keeps an idle connection for as long as any other', async () => {
      await outcome(manager.openConnection(remote.getMultiaddrs()), clock)
      await advance(clock, 9 * MINUTE)
      expect(manager.getConnections()).to.have.lengthOf(1)
      await advance(clock, 2 * MINUTE)
      expect(manager.getConnections()).to.be.empty()
    })

    it('has the tags of the peer store end when that says so', async () => {
      await outcome(node.peerStore.merge(peerId, { tags: { useful: { value: 7, ttl: 30 * MINUTE } } }), clock)
      expect(manager.getTagInfo(peerId)).to.have.property('value', 7)
      await clock.advance(30 * MINUTE)
      expect(manager.getTagInfo(peerId)).to.be.undefined()
    })
  })

  describe('and static peers', () => {
    let dials: number
    const count = (): void => { dials++ }

    Object.entries(JUMPS).forEach(([name, jump]) => {
      it(`that ${name} has one dialled once that is overdue, and not in a loop`, async () => {
        await start({ staticPeers: [`/memory/nobody/p2p/${peerId}`] })
        manager.addEventListener('dial:end', count)
        // the waits have grown to 5 min by now
        await advance(clock, HOUR)
        dials = 0
        jump(clock)
        await advance(clock, 1_000)
        expect(dials).to.be.at.most(1)
        await advance(clock, 10 * MINUTE)
        expect(dials).to.be.within(2, 4)
      })
    })
  })
})

/**
 * Dials take turns of the event loop
 */
async function advance (clock: VirtualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10_000) {
    await clock.advance(Math.min(10_000, ms - passed))

    for (let turn = 0; turn < 5; turn++) {
      await settle()
    }
  }
}
