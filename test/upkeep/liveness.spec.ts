import { expect } from 'aegir/chai'
import { PingedConnection } from '../fixtures/pinged-connection.ts'
import { LivenessWorld, START, TIMES, pingTimes } from './liveness-world.ts'
import type { Liveness } from '../../src/upkeep/index.ts'
import type { VirtualClock } from '../fixtures/virtual-clock.ts'

describe('connections/liveness', () => {
  let world: LivenessWorld
  let clock: VirtualClock
  let liveness: Liveness

  beforeEach(() => {
    world = new LivenessWorld()
    clock = world.clock
    liveness = world.liveness
  })

  afterEach(async () => {
    await world.end()
  })

  describe('a connection that is alive', () => {
    it('is pinged when it is silent, once in an interval', async () => {
      const connection = world.open()
      await clock.advance(95_000)

      expect(pingTimes(connection)).to.deep.equal([30_000, 60_010, 90_020])
      expect(connection.status).to.equal('open')
    })

    it('is pinged for its round trip time only while bytes come: when it is new, and every ten minutes', async () => {
      const connection = world.open()
      connection.roundTrip = 40

      for (let i = 0; i < 125; i++) {
        connection.receive()
        await clock.advance(10_000)
      }

      expect(connection.pings.map(at => Math.round((at - START) / 30_000))).to.deep.equal([1, 21, 41])
      expect(connection.rtt).to.equal(40)
    })

    it('is asked no more often, and is not given up, where it does not answer but talks', async () => {
      const connection = world.open('none')

      for (let i = 0; i < 70; i++) {
        world.recordOf(connection)?.heard()
        await clock.advance(10_000)
      }

      expect(connection.pings).to.have.lengthOf(2)
      expect(connection.status).to.equal('open')
      expect(world.recordOf(connection)).to.include({ misses: 0 })
    })

    it('is given up all the same where it is asked less often than that', async () => {
      world.times = () => ({ interval: 900_000, maxMisses: 2, minSilence: 60_000 })
      const connection = world.open('none')
      await clock.advance(4 * 900_000)

      expect(connection.status).to.equal('aborted')
    })

    it('keeps a smoothed round trip time', async () => {
      const connection = world.open()
      connection.roundTrip = 100
      await clock.advance(31_000)
      expect(connection.rtt).to.equal(100)

      connection.roundTrip = 180
      await clock.advance(31_000)
      expect(connection.rtt).to.equal(110)
      expect(world.recordOf(connection)).to.include({ rtt: 110, misses: 0 })
    })

    it('is not thought to be slow because the clock was set forward during a ping', async () => {
      const connection = world.open()
      connection.roundTrip = 100
      await clock.advance(31_000)
      await clock.advance(29_150)
      clock.set(3_600_000)
      await clock.advance(1_000)

      expect(connection.pings).to.have.lengthOf(2)
      expect(connection.rtt).to.equal(100)
      expect(world.recordOf(connection)).to.include({ rtt: 100, misses: 0 })
    })

    it('need not know the ping protocol', async () => {
      const connection = world.open('unsupported')
      await clock.advance(600_000)

      expect(connection.pings).to.have.lengthOf.above(15)
      expect(connection.rtt).to.equal(10)
      expect(connection.status).to.equal('open')
      expect(world.dead).to.be.empty()
    })

    it('need not close the stream of a ping', async () => {
      const connection = world.open('half-open')
      await clock.advance(600_000)

      expect(connection.rtt).to.equal(10)
      expect(world.recordOf(connection)?.misses).to.equal(0)
      expect(connection.status).to.equal('open')
    })

    it('survives answers that are wrong, as they are a sign of life', async () => {
      const connection = world.open('garble')
      await clock.advance(600_000)

      expect(connection.status).to.equal('open')
    })

    it('survives pings that were never sent, as when too many streams are open', async () => {
      const connection = world.open('crowded')
      await clock.advance(600_000)

      expect(connection.status).to.equal('open')
    })

    it('survives pings that are lost, if other bytes come', async () => {
      const connection = world.open('none')

      for (let i = 0; i < 20; i++) {
        await clock.advance(35_000)
        connection.receive()
      }

      expect(connection.pings).to.have.lengthOf.above(10)
      expect(connection.status).to.equal('open')
    })

    it('has not missed a ping during which other bytes came', async () => {
      const connection = world.open('none')
      await clock.advance(35_000)
      expect(connection.pings).to.have.lengthOf(1)
      connection.receive()
      await clock.advance(6_000)

      expect(world.recordOf(connection)?.misses).to.equal(0)
    })

    it('survives a break that is shorter than the minimum of silence', async () => {
      const connection = world.open('none')
      await clock.advance(59_000)
      expect(connection.pings).to.not.be.empty()

      connection.behaviour = 'echo'
      await clock.advance(600_000)
      expect(connection.status).to.equal('open')
    })
  })

  describe('a connection that is dead', () => {
    it('is aborted soon after the minimum of silence', async () => {
      const connection = world.open('none')
      await clock.advance(59_999)
      expect(connection.status).to.equal('open')

      await clock.advance(20_001)
      expect(connection.status).to.equal('aborted')
      expect(connection.abortReason).to.have.property('name', 'TimeoutError')
      expect(connection.pings).to.have.lengthOf(3)
      expect(world.dead).to.have.lengthOf(1)
      expect(world.dead[0]).to.include({ connection, networkChanged: false })
      expect(world.dead[0].at).to.be.within(60_000, 80_000)
    })

    it('is found sooner if its round trip time is known', async () => {
      const connection = world.open()
      await clock.advance(30_010)
      connection.behaviour = 'none'
      await clock.advance(100_000)

      expect(world.dead).to.have.lengthOf(1)
      expect(world.dead[0].at - 30_010).to.be.within(60_000, 63_000)
    })

    it('is not aborted by a single ping that was missed, however long the silence is', async () => {
      world.times = () => ({ interval: 300_000, maxMisses: 3, minSilence: 60_000 })
      const connection = world.open('none')
      await clock.advance(311_000)

      expect(connection.pings).to.have.lengthOf(2)
      expect(connection.status).to.equal('open')
    })

    it('is found by fast times in 20 seconds', async () => {
      world.times = () => ({ interval: 5_000, maxMisses: 3, minSilence: 20_000 })
      const connection = world.open()
      await clock.advance(5_010)
      connection.behaviour = 'none'
      await clock.advance(23_000)

      expect(connection.status).to.equal('aborted')
    })
  })

  describe('times', () => {
    it('may differ from peer to peer', async () => {
      world.times = ({ remotePeer }) => remotePeer === fast.remotePeer ? { ...TIMES, interval: 5_000 } : TIMES
      const fast = new PingedConnection(clock)
      world.watch(fast)
      const slow = world.open()
      await clock.advance(29_000)

      expect(fast.pings).to.have.lengthOf(5)
      expect(slow.pings).to.be.empty()
    })

    it('with no number of misses that is enough never give up, and ping no more often than otherwise', async () => {
      world.times = () => ({ ...TIMES, maxMisses: Infinity })
      const connection = world.open('none')
      await clock.advance(3_600_000)

      expect(connection.status).to.equal('open')
      expect(connection.pings).to.have.lengthOf.within(80, 120)
    })

    it('and the protocol and timeouts of pings may be those of a network', async () => {
      world = new LivenessWorld({ protocolPrefix: 'chain', minPingTimeout: 10, maxPingTimeout: 300 })
      clock = world.clock
      const connection = world.open('none')
      await clock.advance(30_000)
      expect([...connection.protocols]).to.deep.equal(['/chain/ping/1.0.0'])
      await clock.advance(299)
      expect(world.recordOf(connection)?.misses).to.equal(0)
      await clock.advance(1)
      expect(world.recordOf(connection)?.misses).to.equal(1)
    })

    it('may be none', async () => {
      world.times = () => false
      const connection = world.open('none')
      await clock.advance(600_000)

      expect(liveness.size).to.equal(0)
      expect(connection.status).to.equal('open')
    })

    it('may become none', async () => {
      const connection = world.open('none')
      await clock.advance(35_000)
      world.times = () => false
      await clock.advance(600_000)

      expect(liveness.size).to.equal(0)
      expect(connection.status).to.equal('open')
    })
  })

  describe('the load', () => {
    it('is spread', async () => {
      const connections = Array.from({ length: 100 }, () => {
        world.random = (world.random + 0.01) % 1

        return world.open()
      })
      const spread = (index: number): number => {
        const times = connections.map(({ pings }) => pings[index])

        return Math.max(...times) - Math.min(...times)
      }
      world.random = 0

      await clock.advance(29_999)
      expect(connections.every(({ pings }) => pings.length === 0)).to.be.true()

      await clock.advance(8_000)
      expect(spread(0)).to.be.above(7_000)

      liveness.networkChanged()
      await clock.advance(1_000)
      expect(spread(1)).to.equal(0)
    })

    it('is one timer for all that are silent, and none for those that were closed', async () => {
      const connections = Array.from({ length: 50 }, () => world.open())
      expect(clock.timers).to.equal(1)

      connections.forEach(connection => { connection.remoteClose() })
      expect(liveness.size).to.equal(0)
      expect(clock.timers).to.equal(0)
    })

    it('ends with a connection that is closed while it is pinged', async () => {
      const connection = world.open('none')
      await clock.advance(31_000)
      expect(connection.pings).to.have.lengthOf(1)

      connection.remoteClose()
      await clock.advance(600_000)
      expect(connection.pings).to.have.lengthOf(1)
      expect(world.dead).to.be.empty()
    })
  })
})
