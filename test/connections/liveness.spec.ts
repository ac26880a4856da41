import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { Liveness } from '../../src/connections/index.ts'
import { PingedConnection } from '../fixtures/pinged-connection.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { LivenessTimes } from '../../src/connections/index.ts'
import type { Connection } from '@libp2p/interface'

const TIMES: LivenessTimes = { interval: 30_000, maxMisses: 3, minSilence: 60_000 }
const START = 1_000_000

describe('connections/liveness', () => {
  let clock: VirtualClock
  let dead: Array<{ connection: Connection, networkChanged: boolean, at: number }>
  let times: (connection: Connection) => LivenessTimes | false
  let random: number
  let liveness: Liveness

  beforeEach(() => {
    clock = new VirtualClock(START)
    dead = []
    times = () => TIMES
    random = 0
    liveness = new Liveness({
      clock,
      random: { next: () => random },
      log: defaultLogger().forComponent('test'),
      byteSource: connection => connection instanceof PingedConnection ? connection.raw : undefined,
      timesOf: connection => times(connection),
      onDead: (connection, record, networkChanged) => { dead.push({ connection, networkChanged, at: clock.now() - START }) }
    })
  })

  afterEach(async () => {
    liveness.stop()
    await settle()
    expect(clock.timers).to.equal(0)
  })

  function open (behaviour: PingedConnection['behaviour'] = 'echo'): PingedConnection {
    const connection = new PingedConnection(clock)
    connection.behaviour = behaviour
    connection.addEventListener('close', () => { liveness.unwatch(connection) })
    liveness.watch(connection)

    return connection
  }

  function pingTimes ({ pings }: PingedConnection): number[] {
    return pings.map(at => at - START)
  }

  describe('a connection that is alive', () => {
    it('is pinged when it is silent, once in an interval', async () => {
      const connection = open()
      await clock.advance(95_000)

      expect(pingTimes(connection)).to.deep.equal([30_000, 60_010, 90_020])
      expect(connection.status).to.equal('open')
    })

    it('is never pinged while bytes come', async () => {
      const connection = open('none')

      for (let i = 0; i < 60; i++) {
        connection.receive()
        await clock.advance(10_000)
      }

      expect(connection.pings).to.be.empty()
      expect(connection.status).to.equal('open')
    })

    it('is never pinged while its remote opens streams', async () => {
      const connection = open('none')

      for (let i = 0; i < 60; i++) {
        liveness.heard(connection)
        await clock.advance(10_000)
      }

      expect(connection.pings).to.be.empty()
    })

    it('keeps a smoothed round trip time', async () => {
      const connection = open()
      connection.roundTrip = 100
      await clock.advance(31_000)
      expect(connection.rtt).to.equal(100)

      connection.roundTrip = 180
      await clock.advance(31_000)
      expect(connection.rtt).to.equal(110)
      expect(liveness.record(connection)).to.include({ rtt: 110, misses: 0 })
    })

    it('is not thought to be slow because the clock was set forward during a ping', async () => {
      const connection = open()
      connection.roundTrip = 100
      await clock.advance(31_000)
      await clock.advance(29_150)
      clock.set(3_600_000)
      await clock.advance(1_000)

      expect(connection.pings).to.have.lengthOf(2)
      expect(connection.rtt).to.equal(100)
      expect(liveness.record(connection)).to.include({ rtt: 100, misses: 0 })
    })

    it('need not know the ping protocol', async () => {
      const connection = open('unsupported')
      await clock.advance(600_000)

      expect(connection.pings).to.have.lengthOf.above(15)
      expect(connection.rtt).to.equal(10)
      expect(connection.status).to.equal('open')
      expect(dead).to.be.empty()
    })

    it('need not close the stream of a ping', async () => {
      const connection = open('half-open')
      await clock.advance(600_000)

      expect(connection.rtt).to.equal(10)
      expect(liveness.record(connection)?.misses).to.equal(0)
      expect(connection.status).to.equal('open')
    })

    it('survives answers that are wrong, as they are a sign of life', async () => {
      const connection = open('garble')
      await clock.advance(600_000)

      expect(connection.status).to.equal('open')
    })

    it('survives pings that were never sent, as when too many streams are open', async () => {
      const connection = open('crowded')
      await clock.advance(600_000)

      expect(connection.status).to.equal('open')
    })

    it('survives pings that are lost, if other bytes come', async () => {
      const connection = open('none')

      for (let i = 0; i < 20; i++) {
        await clock.advance(35_000)
        connection.receive()
      }

      expect(connection.pings).to.have.lengthOf.above(10)
      expect(connection.status).to.equal('open')
    })

    it('has not missed a ping during which other bytes came', async () => {
      const connection = open('none')
      await clock.advance(35_000)
      expect(connection.pings).to.have.lengthOf(1)
      connection.receive()
      await clock.advance(6_000)

      expect(liveness.record(connection)?.misses).to.equal(0)
    })

    it('survives a break that is shorter than the minimum of silence', async () => {
      const connection = open('none')
      await clock.advance(59_000)
      expect(connection.pings).to.not.be.empty()

      connection.behaviour = 'echo'
      await clock.advance(600_000)
      expect(connection.status).to.equal('open')
    })
  })

  describe('a connection that is dead', () => {
    it('is aborted soon after the minimum of silence', async () => {
      const connection = open('none')
      await clock.advance(59_999)
      expect(connection.status).to.equal('open')

      await clock.advance(20_001)
      expect(connection.status).to.equal('aborted')
      expect(connection.abortReason).to.have.property('name', 'TimeoutError')
      expect(connection.pings).to.have.lengthOf(3)
      expect(dead).to.have.lengthOf(1)
      expect(dead[0]).to.include({ connection, networkChanged: false })
      expect(dead[0].at).to.be.within(60_000, 80_000)
    })

    it('is found sooner if its round trip time is known', async () => {
      const connection = open()
      await clock.advance(30_010)
      connection.behaviour = 'none'
      await clock.advance(100_000)

      expect(dead).to.have.lengthOf(1)
      expect(dead[0].at - 30_010).to.be.within(60_000, 63_000)
    })

    it('is not aborted by a single ping that was missed, however long the silence is', async () => {
      times = () => ({ interval: 300_000, maxMisses: 3, minSilence: 60_000 })
      const connection = open('none')
      await clock.advance(311_000)

      expect(connection.pings).to.have.lengthOf(2)
      expect(connection.status).to.equal('open')
    })

    it('is found by fast times in 20 seconds', async () => {
      times = () => ({ interval: 5_000, maxMisses: 3, minSilence: 20_000 })
      const connection = open()
      await clock.advance(5_010)
      connection.behaviour = 'none'
      await clock.advance(23_000)

      expect(connection.status).to.equal('aborted')
    })
  })

  describe('times', () => {
    it('may differ from peer to peer', async () => {
      times = ({ remotePeer }) => remotePeer === fast.remotePeer ? { ...TIMES, interval: 5_000 } : TIMES
      const fast = new PingedConnection(clock)
      liveness.watch(fast)
      const slow = open()
      await clock.advance(29_000)

      expect(fast.pings).to.have.lengthOf(5)
      expect(slow.pings).to.be.empty()
    })

    it('may be none', async () => {
      times = () => false
      const connection = open('none')
      await clock.advance(600_000)

      expect(liveness.size).to.equal(0)
      expect(connection.status).to.equal('open')
    })

    it('may become none', async () => {
      const connection = open('none')
      await clock.advance(35_000)
      times = () => false
      await clock.advance(600_000)

      expect(liveness.size).to.equal(0)
      expect(connection.status).to.equal('open')
    })
  })

  describe('the load', () => {
    it('is spread', async () => {
      const connections = Array.from({ length: 100 }, () => {
        random = (random + 0.01) % 1

        return open()
      })
      const spread = (index: number): number => {
        const times = connections.map(({ pings }) => pings[index])

        return Math.max(...times) - Math.min(...times)
      }
      random = 0

      await clock.advance(29_999)
      expect(connections.every(({ pings }) => pings.length === 0)).to.be.true()

      await clock.advance(8_000)
      expect(spread(0)).to.be.above(7_000)

      liveness.networkChanged()
      await clock.advance(1_000)
      expect(spread(1)).to.equal(0)
    })

    it('is one timer for all that are silent, and none for those that were closed', async () => {
      const connections = Array.from({ length: 50 }, () => open())
      expect(clock.timers).to.equal(1)

      connections.forEach(connection => { connection.remoteClose() })
      expect(liveness.size).to.equal(0)
      expect(clock.timers).to.equal(0)
    })

    it('ends with a connection that is closed while it is pinged', async () => {
      const connection = open('none')
      await clock.advance(31_000)
      expect(connection.pings).to.have.lengthOf(1)

      connection.remoteClose()
      await clock.advance(600_000)
      expect(connection.pings).to.have.lengthOf(1)
      expect(dead).to.be.empty()
    })
  })

  describe('a process that was suspended', () => {
    it('asks before anything else', async () => {
      const connections = [open(), open(), open()]
      await clock.advance(1_000)
      clock.set(3_600_000)
      await clock.advance(31_000)

      for (const connection of connections) {
        expect(connection.pings).to.have.lengthOf(1)
        expect(connection.status).to.equal('open')
      }
    })

    it('does not count the pings that it has missed, nor the silence', async () => {
      const connection = open('none')

      // one ping before the end
      await clock.advance(55_000)
      expect(liveness.record(connection)?.misses).to.be.at.least(1)
      clock.set(3_600_000)
      await clock.advance(30_000)
      expect(connection.status).to.equal('open')

      connection.behaviour = 'echo'
      await clock.advance(60_000)
      expect(connection.status).to.equal('open')
      expect(liveness.record(connection)?.misses).to.equal(0)
    })

    it('begins to count anew what was missed before', async () => {
      const connection = open('none')
      await clock.advance(45_000)
      expect(liveness.record(connection)?.misses).to.equal(1)

      clock.set(3_600_000)
      await clock.advance(50_000)
      expect(connection.status).to.equal('open')
    })

    it('still finds what is dead', async () => {
      const connection = open('none')
      clock.set(3_600_000)
      await clock.advance(180_000)

      expect(connection.status).to.equal('aborted')
    })
  })

  describe('a change of the network', () => {
    it('has all connections asked at once', async () => {
      random = 0.5
      const connections = [open(), open()]
      await clock.advance(1_000)
      liveness.networkChanged()
      await clock.advance(1_000)

      expect(connections.map(pingTimes)).to.deep.equal([[1_500], [1_500]])
    })

    it('has those found that are dead, and told as such', async () => {
      const connection = open()
      await clock.advance(100_000)
      connection.behaviour = 'none'
      liveness.networkChanged()
      await clock.advance(61_000)

      expect(connection.status).to.equal('aborted')
      expect(dead).to.have.nested.property('[0].networkChanged', true)
    })

    it('is forgotten when something is heard', async () => {
      const connection = open()
      liveness.networkChanged()
      await clock.advance(5_000)
      connection.behaviour = 'none'
      await clock.advance(180_000)

      expect(dead).to.have.nested.property('[0].networkChanged', false)
    })

    it('does not count the ping that runs', async () => {
      const connection = open('none')
      await clock.advance(35_000)
      expect(connection.pings).to.have.lengthOf(1)
      liveness.networkChanged()
      await clock.advance(5_000)
      expect(liveness.record(connection)?.misses).to.equal(0)

      expect(connection.pings).to.have.lengthOf(2)
      connection.behaviour = 'echo'
      await clock.advance(20_000)
      expect(liveness.record(connection)?.misses).to.equal(0)
    })
  })
})
