import { expect } from 'aegir/chai'
import { LivenessWorld, pingTimes } from './liveness-world.ts'
import type { Liveness } from '../../src/upkeep/index.ts'
import type { VirtualClock } from '../fixtures/virtual-clock.ts'

describe('connections/liveness: interruptions', () => {
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

  describe('a process that was suspended', () => {
    it('asks before anything else', async () => {
      const connections = [world.open(), world.open(), world.open()]
      await clock.advance(1_000)
      clock.set(3_600_000)
      await clock.advance(31_000)

      for (const connection of connections) {
        expect(connection.pings).to.have.lengthOf(1)
        expect(connection.status).to.equal('open')
      }
    })

    it('does not count the pings that it has missed, nor the silence', async () => {
      const connection = world.open('none')

      // one ping before the end
      await clock.advance(55_000)
      expect(world.recordOf(connection)?.misses).to.be.at.least(1)
      clock.set(3_600_000)
      await clock.advance(30_000)
      expect(connection.status).to.equal('open')

      connection.behaviour = 'echo'
      await clock.advance(60_000)
      expect(connection.status).to.equal('open')
      expect(world.recordOf(connection)?.misses).to.equal(0)
    })

    it('begins to count anew what was missed before', async () => {
      const connection = world.open('none')
      await clock.advance(45_000)
      expect(world.recordOf(connection)?.misses).to.equal(1)

      clock.set(3_600_000)
      await clock.advance(50_000)
      expect(connection.status).to.equal('open')
    })

    it('still finds what is dead', async () => {
      const connection = world.open('none')
      clock.set(3_600_000)
      await clock.advance(180_000)

      expect(connection.status).to.equal('aborted')
    })
  })

  describe('a change of the network', () => {
    it('has all connections asked at once', async () => {
      world.random = 0.5
      const connections = [world.open(), world.open()]
      await clock.advance(1_000)
      liveness.networkChanged()
      await clock.advance(1_000)

      expect(connections.map(pingTimes)).to.deep.equal([[1_500], [1_500]])
    })

    it('has those found that are dead, and told as such', async () => {
      const connection = world.open()
      await clock.advance(100_000)
      connection.behaviour = 'none'
      liveness.networkChanged()
      await clock.advance(61_000)

      expect(connection.status).to.equal('aborted')
      expect(world.dead).to.have.nested.property('[0].networkChanged', true)
    })

    it('is forgotten when something is heard', async () => {
      const connection = world.open()
      liveness.networkChanged()
      await clock.advance(5_000)
      connection.behaviour = 'none'
      await clock.advance(180_000)

      expect(world.dead).to.have.nested.property('[0].networkChanged', false)
    })

    it('does not count the ping that runs', async () => {
      const connection = world.open('none')
      await clock.advance(35_000)
      expect(connection.pings).to.have.lengthOf(1)
      liveness.networkChanged()
      await clock.advance(5_000)
      expect(world.recordOf(connection)?.misses).to.equal(0)

      expect(connection.pings).to.have.lengthOf(2)
      connection.behaviour = 'echo'
      await clock.advance(20_000)
      expect(world.recordOf(connection)?.misses).to.equal(0)
    })
  })
})
