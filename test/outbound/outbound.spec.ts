import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { OutboundWorld, addressOf } from './outbound-world.ts'
import type { TopUpInit } from '../../src/outbound/index.ts'

/**
 * What happens in a round, and who has to be dialled because of it
 */
interface Round {
  title: string
  add?: string[]
  succeed?: string[]
  fail?: string[]
  inbound?: string[]
  lose?: string[]
  hangUp?: string[]
  ban?: string[]
  advance?: number
  dials: string[]
  connected?: number
}

async function play (world: OutboundWorld, rounds: Round[]): Promise<void> {
  for (const round of rounds) {
    world.add(...round.add ?? [])
    round.ban?.forEach(name => world.banned.add(name))
    round.inbound?.forEach(name => { world.connect(name, 'inbound') })
    await world.succeed(...round.succeed ?? [])
    await world.fail(...round.fail ?? [])
    round.hangUp?.forEach(name => {
      world.outbound.hangUp(world.peer(name).peerId)
      world.disconnect(name)
    })
    round.lose?.forEach(name => { world.disconnect(name) })
    await world.clock.advance(round.advance ?? 0)

    expect(world.takeStarted().sort(), round.title).to.deep.equal([...round.dials].sort())

    if (round.connected != null) {
      expect(world.outbound.stat.connected, round.title).to.equal(round.connected)
    }
  }
}

describe('outbound: connections up to a target', () => {
  let world: OutboundWorld

  afterEach(async () => {
    await world.outbound.stop()
    expect(world.clock.timers, 'timers that were left').to.equal(0)
    expect(world.running.size, 'dials that were left').to.equal(0)
  })

  async function begin (init: TopUpInit, ...names: string[]): Promise<void> {
    world = new OutboundWorld(init)
    world.add(...names)
    await world.start()
  }

  it('dials nobody without a target', async () => {
    await begin({}, 'a1', 'b1')
    await play(world, [{ title: 'an hour passes', advance: 3_600_000, dials: [] }])
  })

  it('dials twice as many as are missing, each in another network, and replaces what is lost', async () => {
    await begin({ target: 2 }, 'a1', 'a2', 'b1', 'b2', 'c1', 'd1', 'e1', 'f1')
    const dialled = world.takeStarted()
    expect(dialled).to.have.lengthOf(4)
    expect(new Set(dialled.map(name => name[0])).size).to.equal(4)

    await play(world, [
      { title: 'one of two: two more may be dialled, and three are already', succeed: dialled.slice(0, 1), dials: [], connected: 1 },
      { title: 'the target is reached', succeed: dialled.slice(1, 2), advance: 60_000, dials: [], connected: 2 }
    ])
    // those that were still running are given up
    expect(world.running.size).to.equal(0)

    world.disconnect(dialled[0])
    await world.clock.advance(5_000)
    const replacements = world.takeStarted()
    expect(replacements).to.have.lengthOf(2)
    // the network that is still connected is not among them, nor who was dialled lately
    expect(replacements.map(name => name[0])).to.not.include(dialled[1][0])
    // nor is who was lost 60 s after he was dialled, as his chance is one in a hundred
    expect(replacements).to.not.include(dialled[0])
  })

  it('dials nobody in a network that is connected, until that connection is gone', async () => {
    await begin({ target: 2 }, 'a1', 'a2')
    const [first] = world.takeStarted()
    const other = first === 'a1' ? 'a2' : 'a1'

    await play(world, [
      { title: 'the other one is in the same network', succeed: [first], advance: 60_000, dials: [], connected: 1 },
      { title: 'the first is gone', lose: [first], advance: 2_000, dials: [other] }
    ])
    expect(world.outbound.stat.skipped.group).to.be.greaterThan(0)
  })

  it('an inbound connection takes no place, and its network is free', async () => {
    world = new OutboundWorld({ target: 1 })
    world.add('a1', 'a2')
    world.connect('a1', 'inbound')
    await world.start()
    await play(world, [{ title: 'a1 is connected, a2 is not', dials: ['a2'] }])
  })

  it('with soft groups dials a network for the second time when there is no other', async () => {
    await begin({ target: 2, softGroups: true, maxParallel: 1 }, 'a1', 'a2')
    const [first] = world.takeStarted()
    await play(world, [{ title: 'another of the same', succeed: [first], advance: 3_000, dials: [first === 'a1' ? 'a2' : 'a1'] }])
  })

  it('leaves alone who is banned, hung up, or speaks something else', async () => {
    world = new OutboundWorld({ target: 5, protocols: ['/app/1'] })
    world.add('a1', 'b1', 'c1', 'd1')
    world.banned.add('a1')
    world.outbound.hangUp(world.peer('b1').peerId)
    world.peer('c1').protocols = ['/other/1']
    world.peer('d1').protocols = ['/other/1', '/app/1']
    await world.start()
    await play(world, [{ title: 'only d1 is left', advance: 60_000, dials: ['d1'] }])
    expect(world.outbound.stat.skipped.banned).to.be.greaterThan(0)
    expect(world.outbound.stat.skipped['hung-up']).to.be.greaterThan(0)
    expect(world.outbound.stat.skipped.protocol).to.be.greaterThan(0)
  })

  it('leaves alone who is parked, until there is room', async () => {
    world = new OutboundWorld({ target: 1 })
    world.add('a1')
    world.parked.add('a1')
    await world.start()
    await world.clock.advance(60_000)
    expect(world.started).to.be.empty()
    expect(world.outbound.stat.skipped.parked).to.be.greaterThan(0)

    world.parked.clear()
    await world.clock.advance(60_000)
    expect(world.started.map(({ name }) => name)).to.deep.equal(['a1'])
  })

  it('dials nobody twice within 35 s, even if the dial has failed at once', async () => {
    await begin({ target: 1, retryChance: () => 1 }, 'a1')
    await play(world, [
      { title: 'at once', dials: ['a1'] },
      { title: 'it fails, and 34 s pass', fail: ['a1'], advance: 34_000, dials: [] },
      { title: 'two look-ups later it is dialled again', advance: 20_000, dials: ['a1'] }
    ])
  })

  it('keeps to the rate', async () => {
    const names = Array.from({ length: 26 }, (_, i) => `${String.fromCharCode(97 + i)}1`)
    await begin({ target: 26, maxParallel: 50, rate: { perSecond: 2, burst: 3 } }, ...names)
    expect(world.takeStarted()).to.have.lengthOf(3)
    await world.clock.advance(5_000)
    expect(world.takeStarted()).to.have.lengthOf(10)
  })

  it('pauses after 25 failures in a row', async () => {
    const names = Array.from({ length: 26 }, (_, i) => `${String.fromCharCode(97 + i)}1`)
    await begin({ target: 26, maxParallel: 1, rate: { perSecond: 1_000, burst: 100 } }, ...names)

    for (let i = 0; i < 25; i++) {
      const [name] = world.running.keys()
      await world.fail(name)
    }

    expect(world.takeStarted()).to.have.lengthOf(25)
    await world.clock.advance(4_999)
    expect(world.takeStarted()).to.be.empty()
    await world.clock.advance(1)
    expect(world.takeStarted()).to.have.lengthOf(1)
  })

  it('finds out by itself what no event has told', async () => {
    await begin({ target: 1, maxParallel: 1, retryChance: () => 1 }, 'a1', 'b1')
    const [first] = world.takeStarted()
    await world.succeed(first)
    await world.clock.advance(60_000)
    // closed without an event
    world.open.delete(first)
    await world.clock.advance(11_000)
    expect(world.takeStarted()).to.have.lengthOf(1)
  })

  async function connectTwoAtOnce (wanted?: number): Promise<string[]> {
    await begin({ target: 1 }, 'a1', 'b1')
    const both = world.takeStarted()
    const dials = both.map(name => world.running.get(name))

    if (wanted != null) {
      world.outbound.want(world.peer(both[wanted]).peerId.toString())
    }

    // before anything could be given up
    world.running.clear()
    dials.forEach((dial, i) => { dial?.resolve(world.connect(both[i])) })
    await world.clock.advance(0)
    expect(world.outbound.stat.connected).to.equal(1)

    return both
  }

  it('closes one of two that connect at once', async () => {
    await connectTwoAtOnce()
    expect(world.closed).to.have.lengthOf(1)
  })

  it('does not close the one that somebody has asked for meanwhile', async () => {
    const [first] = await connectTwoAtOnce(1)
    expect(world.closed).to.deep.equal([first])
  })

  it('does not close the one that somebody has asked for meanwhile, if it came first', async () => {
    const [, second] = await connectTwoAtOnce(0)
    expect(world.closed).to.deep.equal([second])
  })

  it('does nothing while it is paused, and gives up what runs', async () => {
    await begin({ target: 2 }, 'a1', 'b1', 'c1')
    world.takeStarted()
    await world.outbound.pause()
    await play(world, [{ title: 'paused', advance: 600_000, dials: [] }])
    expect(world.running.size).to.equal(0)
    world.outbound.resume()
    await world.clock.advance(60_000)
    expect(world.takeStarted()).to.not.be.empty()
  })

  it('stopped and started again it dials the anchors first, each once in a run, until there are others', async () => {
    await begin({ target: 2, sources: [async () => ['a1', 'b1', 'c1'].map(name => multiaddr(addressOf(name)).encapsulate(`/p2p/${world.peer(name).peerId}`))] }, 'a1', 'b1', 'c1')
    await world.succeed('a1', 'b1')
    world.takeStarted()
    await world.outbound.stop()
    world.disconnect('a1')
    world.disconnect('b1')

    world.create({ target: 2, sources: [] })
    await world.start()
    expect(world.takeStarted()).to.deep.equal(['a1', 'b1'])
    await world.fail('a1', 'b1')
    await world.clock.advance(120_000)
    expect(world.takeStarted()).to.deep.equal([])

    await world.outbound.stop()
    world.create({ target: 2, sources: [] })
    await world.start()
    expect(world.takeStarted()).to.deep.equal(['a1', 'b1'])
  })

  it('hangs up on who turns out to speak something else', async () => {
    await begin({ target: 1, protocols: ['/app/1'] }, 'a1')
    await world.succeed('a1')
    const connection = world.open.get('a1')
    const { peerId } = world.peer('a1')
    world.events.safeDispatchEvent('peer:identify', { detail: { peerId, connection, protocols: ['/other/1'], listenAddrs: [] } })
    await world.clock.advance(0)
    expect(world.closed).to.deep.equal(['a1'])
  })

  it('churns one connection now and then, once the target is reached', async () => {
    await begin({ target: 2, churn: { interval: [60_000, 60_000], minAge: 120_000 } }, 'a1', 'b1', 'c1')
    await world.succeed(...world.running.keys())
    await world.clock.advance(100_000)
    expect(world.closed.length).to.be.at.most(1)
    const before = world.closed.length
    await world.clock.advance(90_000)
    expect(world.closed).to.have.lengthOf(before + 1)
  })

  it('feelers connect for a moment, and leave alone who is used', async () => {
    await begin({ target: 1, feelers: { interval: 60_000, duration: 5_000 } }, 'a1', 'a2', 'b1')
    const [first] = world.takeStarted()
    await world.succeed(first)
    world.takeStarted()
    await world.clock.advance(42_000)
    const [feeler] = world.takeStarted()
    expect(feeler).to.be.a('string').and.not.equal(first)
    await world.succeed(feeler)
    await world.clock.advance(4_000)
    expect(world.open.has(feeler)).to.be.true()
    await world.clock.advance(1_000)
    expect(world.closed).to.include(feeler)
    expect(world.open.has(first)).to.be.true()
  })

  it('keeps all rules in whatever order things happen', async () => {
    const NETWORKS = 'abcdef'
    const step = fc.oneof(
      fc.record({ kind: fc.constant('advance' as const), by: fc.integer({ min: 1, max: 30_000 }) }),
      fc.record({ kind: fc.constant('succeed' as const), by: fc.nat(20) }),
      fc.record({ kind: fc.constant('fail' as const), by: fc.nat(20) }),
      fc.record({ kind: fc.constant('lose' as const), by: fc.nat(20) }),
      fc.record({ kind: fc.constant('add' as const), by: fc.nat(23) }),
      fc.record({ kind: fc.constant('inbound' as const), by: fc.nat(20) }),
      fc.record({ kind: fc.constant('hangUp' as const), by: fc.nat(20) }),
      fc.record({ kind: fc.constant('pause' as const), by: fc.nat(1) })
    )

    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2 }), async (steps, target, groupLimit) => {
      const current = new OutboundWorld({ target, groupLimit, maxParallel: 6, rate: { perSecond: 5, burst: 4 }, retryChance: () => 1 })
      const lastDial = new Map<string, number>()
      const hungUp = new Set<string>()
      const starts: number[] = []
      let isPaused = false

      // the oracle: what must hold whenever a dial begins
      current.onDial = name => {
        const now = current.clock.now()
        const outbound = [...current.open].filter(([, { direction }]) => direction === 'outbound').map(([other]) => other)
        const missing = target - outbound.length
        const inNetwork = [...outbound, ...current.running.keys()].filter(other => other[0] === name[0])

        expect(isPaused, 'dials while it is paused').to.be.false()
        expect(current.open.has(name), 'dials who is connected').to.be.false()
        expect(current.running.has(name), 'dials who is being dialled').to.be.false()
        expect(hungUp.has(name), 'dials who was hung up on').to.be.false()
        expect(now - (lastDial.get(name) ?? -Infinity), 'dials again within 35 s').to.be.at.least(35_000)
        expect(inNetwork.length, 'connections to one network').to.be.lessThan(groupLimit)
        expect(current.running.size, 'dials that run').to.be.lessThan(Math.min(missing * 2, 6))
        lastDial.set(name, now)
        starts.push(now)
        expect(starts.filter(at => at > now - 1_000).length, 'dials within a second').to.be.at.most(4 + 5)
      }

      current.add('a1', 'a2', 'b1', 'c1')
      await current.start()

      for (const { kind, by } of steps) {
        const running = [...current.running.keys()]
        const open = [...current.open.keys()]
        const name = `${NETWORKS[by % NETWORKS.length]}${1 + Math.floor(by / NETWORKS.length)}`

        if (kind === 'advance') {
          await current.clock.advance(by)
        } else if (kind === 'succeed' && running.length > 0) {
          hungUp.delete(running[by % running.length])
          await current.succeed(running[by % running.length])
        } else if (kind === 'fail' && running.length > 0) {
          await current.fail(running[by % running.length])
        } else if (kind === 'lose' && open.length > 0) {
          current.disconnect(open[by % open.length])
        } else if (kind === 'add' && !current.peers.has(name)) {
          current.add(name)
        } else if (kind === 'inbound' && current.peers.has(name) && !current.open.has(name) && !current.running.has(name)) {
          hungUp.delete(name)
          current.connect(name, 'inbound')
        } else if (kind === 'hangUp' && open.length > 0) {
          const other = open[by % open.length]
          hungUp.add(other)
          current.outbound.hangUp(current.peer(other).peerId)
          current.disconnect(other)
        } else if (kind === 'pause') {
          isPaused = by === 1

          if (isPaused) {
            await current.outbound.pause()
          } else {
            current.outbound.resume()
          }
        }
      }

      // in the end, if every dial succeeds, there are as many as there can be
      isPaused = false
      current.outbound.resume()

      for (let i = 0; i < 30; i++) {
        await current.clock.advance(5_000)
        await current.succeed(...current.running.keys())
      }

      const usable = [...current.peers.keys()].filter(name => !hungUp.has(name) && current.open.get(name)?.direction !== 'inbound')
      const possible = [...NETWORKS].reduce((sum, network) => sum + Math.min(groupLimit, usable.filter(name => name[0] === network).length), 0)
      expect(current.outbound.stat.connected).to.equal(Math.min(target, possible))

      await current.outbound.stop()
      expect(current.clock.timers).to.equal(0)
      expect(current.running.size).to.equal(0)
    }), { numRuns: 60 })
  })
})
