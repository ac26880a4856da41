import { expect } from 'aegir/chai'
import { settle } from '../fixtures/virtual-clock.ts'
import { TrimWorld } from './trim-world.ts'

describe('trimming/trimmer: when', () => {
  it('trims as soon as the high watermark is crossed, and not before', async () => {
    const world = new TrimWorld({ gracePeriod: 0 })
    world.openMany(20)
    await world.clock.advance(60_000)
    expect(world.table.size).to.equal(20)
    expect(world.clock.timers).to.equal(0)

    world.open()
    expect(world.table.size).to.equal(21, 'closed in the event of an opening')

    await world.clock.advance(0)
    expect(world.table.size).to.equal(10)
    expect(world.results).to.have.lengthOf(1)
    expect(world.results[0]).to.deep.include({ reason: 'high-water', before: 21, wanted: 11, complete: true })
  })

  it('trims a burst at once, and the next one after the silence period', async () => {
    const world = new TrimWorld({ gracePeriod: 0 })
    world.openMany(100)
    await world.clock.advance(0)
    expect(world.table.size).to.equal(10)

    world.openMany(50)
    await world.clock.advance(5_000)
    world.openMany(50)
    await world.clock.advance(4_999)
    expect(world.table.size).to.equal(110)
    expect(world.results).to.have.lengthOf(1)

    await world.clock.advance(1)
    expect(world.table.size).to.equal(10)
    expect(world.results).to.have.lengthOf(2)
  })

  it('does not trim when the connections have gone by themselves', async () => {
    const world = new TrimWorld({ gracePeriod: 0 })
    const connections = world.openMany(21)
    connections[0].remoteClose()
    await world.clock.advance(60_000)

    expect(world.table.size).to.equal(20)
    expect(world.results).to.be.empty()
  })

  it('trims when the grace period of the first newcomers ends', async () => {
    const world = new TrimWorld()
    world.openMany(25)
    await world.clock.advance(20_000)
    world.openMany(5)
    await world.clock.advance(39_999)
    expect(world.table.size).to.equal(30)
    expect(world.results[0]).to.deep.include({ complete: false })

    await world.clock.advance(1)
    expect(world.table.size).to.equal(15, 'ten settled ones, and five in their grace period')
  })

  it('closes 21 of 31 after the grace period', async () => {
    const world = new TrimWorld()
    world.openMany(31)
    await world.clock.advance(60_000)

    expect(world.table.size).to.equal(10)
  })

  it('does not look again at what is all protected', async () => {
    const world = new TrimWorld({ gracePeriod: 0 })
    world.openMany(25).forEach(({ remotePeer }) => { world.standing.protect(remotePeer, 'test') })
    await world.clock.advance(0)

    expect(world.results).to.have.lengthOf(1)
    expect(world.clock.timers).to.equal(0)

    await world.clock.advance(3_600_000)
    expect(world.results).to.have.lengthOf(1)
  })

  it('looks again when a peer is no longer protected', async () => {
    const world = new TrimWorld({ gracePeriod: 0 })
    const connections = world.openMany(25)
    connections.forEach(({ remotePeer }) => { world.standing.protect(remotePeer, 'test') })
    await world.clock.advance(20_000)

    connections.slice(0, 3).forEach(({ remotePeer }) => { world.standing.unprotect(remotePeer, 'test') })
    world.trimmer.check()
    await world.clock.advance(0)

    expect(world.table.size).to.equal(22)
  })

  it('looks again before newcomers have left their grace period, if there is a reason to', async () => {
    const world = new TrimWorld()
    const [settled] = await world.openSettled(15)
    world.standing.protect(settled.remotePeer, 'test')
    const newcomers = world.openMany(20)
    await world.clock.advance(0)
    expect(world.table.size).to.equal(30)

    // one of the newcomers goes, another one comes: nothing to be closed, but it was looked at
    await world.clock.advance(15_000)
    newcomers[0].remoteClose()
    world.standing.unprotect(settled.remotePeer, 'test')
    world.trimmer.check()
    await world.clock.advance(0)

    expect(world.results).to.have.lengthOf(2)
    expect(world.table.size).to.equal(29)
  })

  it('comes back to connections that were opened while it was trimming', async () => {
    const world = new TrimWorld({ gracePeriod: 0, connectionCloseTimeout: 1_000 })
    world.openMany(25, { onClose: 'hang' })
    await world.clock.advance(500)
    world.openMany(50)
    await world.clock.advance(500)
    expect(world.table.size).to.equal(60)

    await world.clock.advance(10_000)
    expect(world.table.size).to.equal(10)
  })

  it('looks at most once per silence period while newcomers keep coming', async () => {
    const world = new TrimWorld()
    world.openMany(25)

    for (let second = 0; second < 50; second++) {
      await world.clock.advance(1_000)
      world.open()
    }

    expect(world.results).to.have.length.within(4, 6)
  })

  it('does not wait longer because the clock was set back', async () => {
    const world = new TrimWorld({ gracePeriod: 0 })
    world.openMany(25)
    await world.clock.advance(0)
    await world.clock.advance(-3_600_000)
    world.openMany(15)
    await world.clock.advance(10_000)

    expect(world.table.size).to.equal(10)
  })

  it('does not extend the grace period because the clock was set back', async () => {
    const world = new TrimWorld()
    await world.openSettled(20)
    await world.clock.advance(-3_600_000)
    world.open()
    await world.clock.advance(0)

    expect(world.table.size).to.equal(11, 'ten of those of before, and the newcomer')
  })

  describe('trim()', () => {
    it('joins a trim that is running', async () => {
      const world = new TrimWorld({ gracePeriod: 0 })
      world.openMany(31, { onClose: 'hang' })
      const results = Promise.all([world.trimmer.trim(), world.trimmer.trim(), world.trimmer.trim()])
      await world.clock.advance(1_000)

      const [first, ...others] = await results
      expect(first.closed).to.have.lengthOf(21)
      expect(others).to.deep.equal([first, first])
      expect(world.results).to.have.lengthOf(1)
    })

    it('joins a trim that was started for the high watermark', async () => {
      const world = new TrimWorld({ gracePeriod: 0 })
      world.openMany(31, { onClose: 'hang' })
      await world.clock.advance(0)
      const result = world.trimmer.trim()
      await world.clock.advance(1_000)

      expect(await result).to.equal(world.results[0])
      expect(world.results).to.have.lengthOf(1)
    })

    it('does not join one that closes less', async () => {
      const world = new TrimWorld({ gracePeriod: 0 })
      world.openMany(20)
      const [counted, trimmed] = await Promise.all([world.trimmer.trimConnections(1), world.trimmer.trim()])

      expect(counted.closed).to.have.lengthOf(1)
      expect(trimmed.closed).to.have.lengthOf(9)
    })

    it('does not wait for the silence period', async () => {
      const world = new TrimWorld({ gracePeriod: 0 })
      world.openMany(31)
      await world.trimmer.trim()
      world.openMany(5)

      expect(await world.trimmer.trim()).to.have.property('closed').with.lengthOf(5)
    })

    it('does not put off the next trim when it had nothing to do', async () => {
      const world = new TrimWorld({ gracePeriod: 0 })
      await world.trimmer.trim()
      world.openMany(31)
      await world.clock.advance(0)

      expect(world.table.size).to.equal(10)
    })

    it('may be called by the function of the user that it calls', async () => {
      const world: TrimWorld = new TrimWorld({
        gracePeriod: 0,
        valueOf: () => {
          world.trimmer.trim().catch(() => {})
          return 1
        }
      })
      world.openMany(31)

      expect(await world.trimmer.trim()).to.have.property('closed').with.lengthOf(21)
    })

    it('does not suffer from a trim before it that failed', async () => {
      const world = new TrimWorld({ gracePeriod: 0 })
      world.openMany(31)
      const value = world.standing.valueOfPeer

      // the first time only
      world.standing.valueOfPeer = () => {
        world.standing.valueOfPeer = value
        throw new Error('Urk!')
      }

      const failing = world.trimmer.trim()
      const waiting = world.trimmer.trimConnections(1)
      await expect(failing).to.eventually.be.rejectedWith('Urk!')

      expect(await waiting).to.have.property('closed').with.lengthOf(1)
      expect(await world.trimmer.trim()).to.have.property('closed').with.lengthOf(20)
    })
  })

  describe('lower watermarks', () => {
    it('are enforced at once, in the silence period as well', async () => {
      const world = new TrimWorld({ highWater: 40, lowWater: 30, gracePeriod: 0 })
      world.openMany(41)
      await world.clock.advance(0)
      expect(world.table.size).to.equal(30)

      world.trimmer.highWater = 20
      world.trimmer.lowWater = 16
      await world.trimmer.enforce()

      expect(world.table.size).to.equal(16)
      expect(world.results[1]).to.have.property('reason', 'max-connections')
    })

    it('close connections in their grace period down to the high one only', async () => {
      const world = new TrimWorld({ highWater: 40, lowWater: 30 })
      world.openMany(40)
      world.trimmer.highWater = 20
      world.trimmer.lowWater = 16
      await world.trimmer.enforce()

      expect(world.table.size).to.equal(20)
    })

    it('are not what somebody waits for who wants the low one', async () => {
      const world = new TrimWorld({ highWater: 40, lowWater: 30, gracePeriod: 1_500 })
      world.openMany(40, { onClose: 'hang' })
      world.trimmer.highWater = 20
      world.trimmer.lowWater = 16
      const enforced = world.trimmer.enforce()
      await world.clock.advance(500)
      const trim = world.trimmer.trim()
      await world.clock.advance(2_000)
      await enforced

      expect((await trim).reason).to.equal('requested')
    })

    it('do not close protected connections', async () => {
      const world = new TrimWorld({ highWater: 40, lowWater: 30 })
      world.openMany(40).slice(0, 30).forEach(({ remotePeer }) => { world.standing.protect(remotePeer, 'test') })
      world.trimmer.highWater = 20
      world.trimmer.lowWater = 16
      await world.trimmer.enforce()

      expect(world.table.size).to.equal(30)
    })

    it('close nothing while there are fewer connections', async () => {
      const world = new TrimWorld({ highWater: 40, lowWater: 30, gracePeriod: 0 })
      world.openMany(20)
      world.trimmer.highWater = 20
      world.trimmer.lowWater = 16
      await world.trimmer.enforce()

      expect(world.table.size).to.equal(20)
      expect(world.results).to.be.empty()
    })
  })

  describe('stop()', () => {
    it('leaves no timer', async () => {
      const world = new TrimWorld()
      world.openMany(31)
      await world.trimmer.stop()
      expect(world.clock.timers).to.equal(0)

      await world.clock.advance(3_600_000)
      expect(world.table.size).to.equal(31)
    })

    it('waits for a trim that is running, and none follows', async () => {
      const world = new TrimWorld({ gracePeriod: 0 })
      world.openMany(31, { onClose: 'hang' })
      const trim = world.trimmer.trim()
      const next = world.trimmer.trimConnections(5)
      await settle()
      let isStopped = false
      const stop = world.trimmer.stop().then(() => { isStopped = true })
      await settle()
      expect(isStopped).to.be.false()

      await world.clock.advance(1_000)
      await stop
      expect((await trim).closed).to.have.lengthOf(21)
      expect((await next).closed).to.be.empty()
      expect(world.table.size).to.equal(10)
      expect(world.clock.timers).to.equal(0)
    })

    it('may be called twice, and before start', async () => {
      const world = new TrimWorld()
      await world.trimmer.stop()
      await world.trimmer.stop()
    })

    it('trims nothing until it is started again', async () => {
      const world = new TrimWorld({ gracePeriod: 0 })
      await world.trimmer.stop()
      world.openMany(31)
      expect(world.clock.timers).to.equal(0)
      expect(await world.trimmer.trim()).to.deep.include({ wanted: 0, closed: [] })
      await world.trimmer.enforce()
      await world.clock.advance(60_000)
      expect(world.table.size).to.equal(31)

      world.trimmer.start()
      await world.clock.advance(0)
      expect(world.table.size).to.equal(10)
    })
  })
})
