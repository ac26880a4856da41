import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { steadyClock } from '../../src/clock.ts'
import { DueQueue } from '../../src/upkeep/due-queue.ts'
import { Flapping } from '../../src/upkeep/flapping.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { NodeGroup } from '../fixtures/node-group.ts'
import { createPlainNode } from '../fixtures/nodes.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import { createFaultyNode, expectNothingLeft, outcome } from './faulty-node.ts'
import type { Libp2p } from '@libp2p/interface'

const HOUR = 3_600_000

/**
 * How a clock may change by itself
 */
const JUMPS: Record<string, (clock: VirtualClock) => void> = {
  'is set forward': clock => { clock.set(5 * HOUR) },
  'is set back': clock => { clock.set(-5 * HOUR) },
  'goes on while the process is suspended': clock => { clock.suspend(5 * HOUR) }
}

/**
 * How many timers fire. The remotes answer in turns of the event loop, in which the clock
 * stands still.
 */
async function timersInOneMinute (clock: VirtualClock): Promise<number> {
  const { fired } = clock

  for (let passed = 0; passed < 60_000; passed += 1_000) {
    await clock.advance(1_000)

    for (let turn = 0; turn < 20; turn++) {
      await settle()
    }
  }

  return clock.fired - fired
}

describe('faults: the clock', () => {
  let clock: VirtualClock

  beforeEach(() => {
    clock = new VirtualClock(1_000 * HOUR)
  })

  it('that is set back makes nothing due much later', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 10 }), fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 2_000, max: 100 * HOUR }), async (delays, before, back) => {
      clock = new VirtualClock(1_000 * HOUR)
      const due = new Set<number>()
      const steady = steadyClock(clock)
      const queue = new DueQueue<number>(steady, i => { due.add(i) })
      delays.forEach((delay, i) => { queue.schedule(i, steady.now() + delay) })

      await clock.advance(before)
      clock.set(-back)
      // how long it took from its last reading to its being set, no clock can tell
      await clock.advance(20_000 - before)

      expect(due.size).to.equal(delays.length)
      expect(clock.timers).to.equal(0)
      expect(clock.fired).to.be.at.most(delays.length + 2)
    }), { numRuns: 50 })
  })

  it('that is set back keeps what is scheduled later waiting for no longer', async () => {
    const due: string[] = []
    const steady = steadyClock(clock)
    const queue = new DueQueue<string>(steady, item => { due.push(item) })
    queue.schedule('before', steady.now() + 10_000)
    clock.set(-HOUR)
    queue.schedule('after', steady.now() + 20_000)

    await clock.advance(9_999)
    expect(due).to.deep.equal([])
    await clock.advance(1)
    expect(due).to.deep.equal(['before'])
    await clock.advance(9_999)
    expect(due).to.deep.equal(['before'])
    await clock.advance(1)
    expect(due).to.deep.equal(['before', 'after'])
  })

  it('that is set back keeps peers that flap out for no longer', async () => {
    const flapping = new Flapping(steadyClock(clock), { sessions: 2, shortSession: 1_000, window: 60_000, cooldown: 60_000 })
    flapping.onDisconnect('peer', 10)
    expect(flapping.onDisconnect('peer', 10)).to.be.true()
    clock.set(-HOUR)
    expect(flapping.isDenied('peer')).to.be.true()
    await clock.advance(60_000)
    expect(flapping.isDenied('peer')).to.be.false()
  })

  describe('of a node', () => {
    const nodes = new NodeGroup()
    let remotes: Libp2p[]

    beforeEach(async () => {
      remotes = [await nodes.add(createPlainNode()), await nodes.add(createPlainNode())]
    })

    afterEach(async () => nodes.stop())

    Object.entries(JUMPS).forEach(([name, jump]) => {
      it(`that ${name} closes no connection, starts no storm of timers, and leaves nothing behind`, async () => {
        const node = await nodes.add(createFaultyNode(clock, {
          liveness: { interval: 10_000, maxMisses: 3 },
          outbound: { target: 2, interval: 10_000 },
          gracePeriod: 0,
          highWater: 10,
          lowWater: 5
        }))
        await node.start()
        const { connectionManager: manager } = node.services

        for (const remote of remotes) {
          await outcome(manager.openConnection(remote.getMultiaddrs()), clock)
        }

        const banned = stubPeerId()
        const forEver = stubPeerId()
        await manager.bans.ban(banned, { for: HOUR })
        await manager.bans.ban(forEver)
        await outcome(Promise.resolve(), clock)

        const usual = await timersInOneMinute(clock)
        jump(clock)
        const after = await timersInOneMinute(clock)

        expect(manager.getConnections()).to.have.lengthOf(2)
        expect(after).to.be.lessThan(2 * usual + 50)
        expect(manager.bans.ofPeer(forEver)).to.not.be.undefined()

        // who is trimmed may be dialled again at once
        let trimmed = 0
        manager.addEventListener('connection:trim', ({ detail }) => { trimmed += detail.closed.length })
        await outcome(manager.trimConnections(1), clock)
        expect(trimmed).to.equal(1)
        await outcome(manager.stop(), clock)
        expectNothingLeft(node)
      })
    })
  })
})
