import { expect } from 'aegir/chai'
import { OutboundWorld } from './outbound-world.ts'
import type { TopUpInit } from '../../src/outbound/index.ts'

describe('outbound: connections up to a target, when the network changes', () => {
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

  it('dials at once, whoever failed before, and gives up what still runs', async () => {
    await begin({ target: 1, maxParallel: 1 }, 'a1', 'b1')
    const [first] = world.takeStarted()
    await world.fail(first)
    await world.clock.advance(5_000)
    const [second] = world.takeStarted()
    expect(world.running.has(second)).to.be.true()

    world.outbound.networkChanged()
    await world.clock.advance(0)
    expect(world.started).to.have.lengthOf(1)
    expect(world.running.size).to.equal(1)
    await world.fail(...world.running.keys())
    await world.clock.advance(2_000)
    expect([first, second].every(name => world.started.some(dial => dial.name === name))).to.be.true()
  })

  it('does not pause any longer after 25 failures in a row, and asks sources again that had failed', async () => {
    let asked = 0
    const names = Array.from({ length: 25 }, (_, i) => `${String.fromCharCode(97 + i)}1`)
    const failing = (): never => {
      asked++
      throw new Error('There is no network')
    }
    const sources: TopUpInit['sources'] = [failing, 'peer-store']
    await begin({ sources, target: 26, maxParallel: 1, rate: { perSecond: 1_000, burst: 100 } }, ...names)

    for (let i = 0; i < 25; i++) {
      await world.fail(...world.running.keys())
    }

    expect(world.takeStarted()).to.have.lengthOf(25)
    const before = asked
    world.outbound.networkChanged()
    await world.clock.advance(0)
    expect(world.takeStarted()).to.have.lengthOf(1)
    expect(asked).to.equal(before + 1)
  })
})
