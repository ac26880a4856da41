import { expect } from 'aegir/chai'
import { Flapping } from '../../src/upkeep/index.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

describe('connections/flapping', () => {
  let clock: VirtualClock
  let flapping: Flapping

  beforeEach(() => {
    clock = new VirtualClock()
    flapping = new Flapping(clock, { shortSession: 30_000, sessions: 3, window: 300_000, cooldown: 60_000 })
  })

  function flap (peer: string, times = 3): boolean {
    let denied = false

    for (let i = 0; i < times; i++) {
      denied = flapping.onDisconnect(peer, 1_000)
    }

    return denied
  }

  it('is several short sessions in a short time', async () => {
    expect(flap('a', 2)).to.be.false()
    expect(flapping.isDenied('a')).to.be.false()
    expect(flap('a', 1)).to.be.true()
    expect(flapping.isDenied('a')).to.be.true()
    expect(flapping.isDenied('b')).to.be.false()
  })

  it('is not long sessions', () => {
    for (let i = 0; i < 10; i++) {
      expect(flapping.onDisconnect('a', 30_000)).to.be.false()
    }
  })

  it('is not short sessions now and then', async () => {
    for (let i = 0; i < 10; i++) {
      expect(flapping.onDisconnect('a', 1_000)).to.be.false()
      await clock.advance(150_001)
    }
  })

  it('keeps a peer out for longer each time, up to five times', async () => {
    for (const minutes of [1, 2, 3, 4, 5, 5]) {
      expect(flap('a')).to.be.true()
      await clock.advance(minutes * 60_000 - 1)
      expect(flapping.isDenied('a')).to.be.true()
      await clock.advance(1)
      expect(flapping.isDenied('a')).to.be.false()
    }
  })

  it('begins anew after each time', async () => {
    flap('a')
    await clock.advance(60_000)

    expect(flap('a', 2)).to.be.false()
  })

  it('remembers no more peers than it has to', () => {
    flap('first')

    for (let i = 0; i < 10_000; i++) {
      flapping.onDisconnect(`${i}`, 0)
    }

    expect(flapping.isDenied('first')).to.be.false()
  })

  it('is forgotten when the node stops', () => {
    flap('a')
    flapping.clear()

    expect(flapping.isDenied('a')).to.be.false()
  })

  it('is never found where no number of sessions is too many, and after as many as were asked for otherwise', () => {
    flapping = new Flapping(clock, { shortSession: Infinity, sessions: Infinity, window: Infinity, cooldown: Infinity })
    expect(flap('a', 1_000)).to.be.false()
    flapping = new Flapping(clock, { shortSession: Infinity, sessions: 2.5, window: Infinity, cooldown: Infinity })
    expect(flap('a', 2)).to.be.false()
    expect(flap('a', 1)).to.be.true()
  })
})
