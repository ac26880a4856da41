import { expect } from 'aegir/chai'
import { settle } from '../fixtures/virtual-clock.ts'
import { TrimWorld, closedAmong } from './trim-world.ts'

describe('trimming/trimmer: how many', () => {
  describe('how many', () => {
    it('closes 21 of 31 connections down to a low watermark of 10', async () => {
      const world = new TrimWorld()
      await world.openSettled(31)
      const result = await world.trimmer.trim()

      expect(result.closed).to.have.lengthOf(21)
      expect(result).to.deep.include({ reason: 'requested', before: 31, wanted: 21, complete: true, kept: { protected: 0, inGrace: 0, allowListed: 0 } })
      expect(world.table.size).to.equal(10)
    })

    it('closes 21 of 31 connections also when 5 are protected, so that 10 are left in all', async () => {
      const world = new TrimWorld()
      const connections = await world.openSettled(31)

      for (const { remotePeer } of connections.slice(0, 5)) {
        world.standing.protect(remotePeer, 'test')
      }

      const result = await world.trimmer.trim()

      expect(result.closed).to.have.lengthOf(21)
      expect(result.kept.protected).to.equal(5)
      expect(world.table.size).to.equal(10)
      expect(closedAmong(connections.slice(0, 5))).to.be.empty()
    })

    it('closes nothing while all are in their grace period', async () => {
      const world = new TrimWorld()
      world.openMany(31)
      const result = await world.trimmer.trim()

      expect(result.closed).to.be.empty()
      expect(result).to.deep.include({ wanted: 21, complete: false, kept: { protected: 0, inGrace: 31, allowListed: 0 } })
    })

    it('does not let newcomers push out those who have been here longer', async () => {
      const world = new TrimWorld()
      const settled = await world.openSettled(8)
      world.openMany(23)
      await world.trimmer.trim()

      expect(closedAmong(settled)).to.be.empty()
      expect(world.table.size).to.equal(31)
    })

    it('leaves as many settled ones as the low watermark says beside newcomers', async () => {
      const world = new TrimWorld()
      const settled = await world.openSettled(15)
      const newcomers = world.openMany(15)
      await world.trimmer.trim()

      expect(closedAmong(settled)).to.have.lengthOf(5)
      expect(closedAmong(newcomers)).to.be.empty()
    })

    it('closes nothing at or below the low watermark', async () => {
      const world = new TrimWorld()
      await world.openSettled(10)
      const result = await world.trimmer.trim()

      expect(result).to.deep.include({ wanted: 0, complete: true })
      expect(world.table.size).to.equal(10)
      expect(world.results).to.be.empty()
    })

    it('says so when what is kept leaves too few', async () => {
      const world = new TrimWorld()
      const connections = await world.openSettled(31)
      connections.slice(0, 15).forEach(({ remotePeer }) => { world.standing.protect(remotePeer, 'test') })
      connections.slice(15, 18).forEach(connection => { world.allowed.add(connection) })
      const result = await world.trimmer.trim()

      expect(result.closed).to.have.lengthOf(13)
      expect(result).to.deep.include({ wanted: 21, complete: false, kept: { protected: 15, inGrace: 0, allowListed: 3 } })
      expect(world.results).to.deep.equal([result])
    })

    it('does not close others in place of those that are closing already', async () => {
      const world = new TrimWorld()
      const connections = await world.openSettled(15, { onClose: 'deaf' })

      for (const connection of connections.slice(0, 4)) {
        connection.close().catch(() => {})
      }

      connections.slice(4).forEach(connection => { connection.onClose = 'clean' })

      // whether they may be closed makes no difference to those that are
      world.standing.protect(connections[0].remotePeer, 'test')
      world.open({ remotePeer: connections[1].remotePeer })

      const result = await world.trimmer.trim()

      expect(result.wanted).to.equal(2)
      expect(result.kept.protected).to.equal(0)
      expect(result.closed).to.have.lengthOf(2)
      expect(world.table.size).to.equal(10 + 4)
    })

    it('closes no more than it has to when others close while it is at work', async () => {
      const world = new TrimWorld()
      const connections = await world.openSettled(100)
      let asked = 0
      const left = new TrimWorld({
        clock: world.clock,
        valueOf: () => {
          // towards the end of the choice, remotes hang up
          if (++asked === 95) {
            connections.slice(85, 95).forEach(connection => { connection.remoteClose() })
          }

          return asked
        }
      })
      connections.forEach(connection => {
        left.table.add(connection, 0)
        connection.addEventListener('close', () => { left.table.remove(connection) })
      })
      await left.trimmer.trim()

      expect(left.table.size).to.equal(10)
    })

    it('takes watermarks that are not whole numbers', async () => {
      const world = new TrimWorld({ lowWater: 7.5, highWater: 20.5 })
      await world.openSettled(21)
      const result = await world.trimmer.trim()

      expect(result.wanted).to.equal(14)
      expect(world.table.size).to.equal(7)
    })
  })

  describe('trimConnections', () => {
    it('closes as many as it is told, whatever the watermarks', async () => {
      const world = new TrimWorld()
      await world.openSettled(8)
      const result = await world.trimmer.trimConnections(3)

      expect(result).to.deep.include({ reason: 'count', before: 8, wanted: 3, complete: true })
      expect(world.table.size).to.equal(5)
    })

    it('counts only connections that were not closing already', async () => {
      const world = new TrimWorld()
      const connections = await world.openSettled(8)
      connections[0].onClose = 'deaf'
      connections[0].close().catch(() => {})
      await world.trimmer.trimConnections(3)

      expect(closedAmong(connections)).to.have.lengthOf(4)
    })

    it('keeps what must not be closed', async () => {
      const world = new TrimWorld()
      const [connection] = await world.openSettled(1)
      world.standing.protect(connection.remotePeer, 'test')
      world.openMany(2)
      const result = await world.trimmer.trimConnections(5)

      expect(result).to.deep.include({ wanted: 5, closed: [], complete: false, kept: { protected: 1, inGrace: 2, allowListed: 0 } })
    })

    it('closes nothing for 0', async () => {
      const world = new TrimWorld()
      await world.openSettled(8)

      expect(await world.trimmer.trimConnections(0)).to.deep.include({ wanted: 0, closed: [], complete: true })
    })

    it('adds up when it is called twice', async () => {
      const world = new TrimWorld()
      await world.openSettled(8)
      await Promise.all([world.trimmer.trimConnections(3), world.trimmer.trimConnections(2)])

      expect(world.table.size).to.equal(3)
    })

    it('does not keep the watermark from being enforced', async () => {
      const world = new TrimWorld({ gracePeriod: 0 })
      world.openMany(25)
      await world.trimmer.trimConnections(1)
      expect(world.table.size).to.equal(24)

      await world.clock.advance(0)
      expect(world.table.size).to.equal(10)
    })
  })

  describe('emergency', () => {
    it('closes connections in their grace period too', async () => {
      const world = new TrimWorld()
      world.openMany(31)
      const result = await world.trimmer.trim({ emergency: true })

      expect(result).to.deep.include({ reason: 'emergency', complete: true })
      expect(world.table.size).to.equal(10)
    })

    it('closes those with many streams before those with few', async () => {
      const world = new TrimWorld({ lowWater: 2 })
      const connections = [1, 3, 2].map(streams => world.open({ streams }))
      await world.trimmer.trim({ emergency: true })

      expect(closedAmong(connections)).to.deep.equal([1])
    })

    it('closes 60 unprotected of 100 and no protected one', async () => {
      const world = new TrimWorld({ lowWater: 0, highWater: 200 })
      const connections = world.openMany(100)
      connections.slice(0, 40).forEach(({ remotePeer }) => { world.standing.protect(remotePeer, 'test') })
      const result = await world.trimmer.trim({ emergency: true })

      expect(result.closed).to.have.lengthOf(60)
      expect(result).to.deep.include({ wanted: 100, complete: false })
      expect(closedAmong(connections.slice(0, 40))).to.be.empty()
    })

    it('closes all 100 when it may close protected ones, these last', async () => {
      const world = new TrimWorld({ lowWater: 0, highWater: 200 })
      const connections = world.openMany(100)
      connections.slice(0, 40).forEach(({ remotePeer }) => { world.standing.protect(remotePeer, 'test') })
      const result = await world.trimmer.trim({ emergency: true, includeProtected: true })

      expect(result.closed).to.have.lengthOf(100)
      expect(result).to.deep.include({ before: 100, wanted: 100, complete: true })
      expect(result.closed.slice(60).map(({ connection }) => connection)).to.have.members(connections.slice(0, 40))
    })

    it('does not touch protected ones when closing the others is enough', async () => {
      const world = new TrimWorld({ lowWater: 50, highWater: 200 })
      const connections = world.openMany(100)
      connections.slice(0, 40).forEach(({ remotePeer }) => { world.standing.protect(remotePeer, 'test') })
      const result = await world.trimmer.trim({ emergency: true, includeProtected: true })

      expect(result.closed).to.have.lengthOf(50)
      expect(closedAmong(connections.slice(0, 40))).to.be.empty()
    })

    it('never closes what is on the allow list', async () => {
      const world = new TrimWorld({ lowWater: 0 })
      const connection = world.open()
      world.allowed.add(connection)
      await world.trimmer.trim({ emergency: true, includeProtected: true })

      expect(connection.status).to.equal('open')
    })

    it('needs to be asked for, to include protected ones', async () => {
      const world = new TrimWorld({ lowWater: 0 })
      const [connection] = await world.openSettled(1)
      world.standing.protect(connection.remotePeer, 'test')
      await world.trimmer.trim({ includeProtected: true })

      expect(connection.status).to.equal('open')
    })
  })

  describe('closing', () => {
    it('aborts connections that do not close in time', async () => {
      const world = new TrimWorld({ lowWater: 0, connectionCloseTimeout: 2_000 })
      const [hanging] = await world.openSettled(1, { onClose: 'hang' })
      const [deaf] = await world.openSettled(1, { onClose: 'deaf' })
      const [rejecting] = await world.openSettled(1, { onClose: 'reject' })
      const trim = world.trimmer.trim()

      await world.clock.advance(1_999)
      expect([hanging, deaf, rejecting].map(({ status }) => status)).to.deep.equal(['closing', 'closing', 'aborted'])

      await world.clock.advance(1)
      const result = await trim
      expect([hanging, deaf].map(({ status }) => status)).to.deep.equal(['aborted', 'aborted'])
      expect(result.closed).to.have.lengthOf(3)
      expect(hanging.abortReason).to.have.property('name', 'TimeoutError')
    })

    it('does not report as closed what cannot even be aborted', async () => {
      const world = new TrimWorld({ lowWater: 0 })
      const [connection] = await world.openSettled(1, { onClose: 'reject' })
      connection.abort = () => { throw new Error('Urk!') }
      const result = await world.trimmer.trim()

      expect(result).to.deep.include({ wanted: 1, closed: [], complete: false })
    })

    it('never happens in the turn of the event loop that asks for it', () => {
      const world = new TrimWorld({ gracePeriod: 0 })
      const connections = world.openMany(31)
      world.trimmer.trim().catch(() => {})

      expect(closedAmong(connections)).to.be.empty()
    })

    it('leaves out a peer that was protected since it was chosen', async () => {
      let asked = 0
      const world = new TrimWorld({
        lowWater: 0,
        valueOf: peerId => {
          // the last one is asked about when the others were chosen
          if (++asked === 3) {
            world.standing.protect(connections[0].remotePeer, 'test')
          }

          return 0
        }
      })
      const connections = await world.openSettled(3)
      const result = await world.trimmer.trim()

      expect(result.closed).to.have.lengthOf(2)
      expect(connections[0].status).to.equal('open')
    })

    it('lets the event loop have turns', async () => {
      const world = new TrimWorld({ lowWater: 0, highWater: 1_000 })
      const { clock } = world
      await world.openSettled(500)
      const start = clock.now()
      let turns = 0

      // time passes while connections are looked at
      clock.now = () => start + 10 * world.valueCalls
      clock.nextTurn = async () => {
        turns++
        await settle()
      }
      await world.trimmer.trim()

      expect(turns).to.be.at.least(10)
      expect(world.table.size).to.equal(0)
    })
  })
})
