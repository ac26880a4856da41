import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { ApplicationUse, ConnectionTable } from '../../src/core/index.ts'
import { IdleCloser } from '../../src/upkeep/index.ts'
import { StubStream, stubConnection } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { StubConnection, StubConnectionInit } from '../fixtures/connections.ts'
import type { Connection } from '@libp2p/interface'

describe('connections/idle-closer', () => {
  const START = 1_000_000
  let clock: VirtualClock
  let table: ConnectionTable
  let use: ApplicationUse
  let exempt: Set<Connection>
  let idle: IdleCloser

  beforeEach(() => {
    clock = new VirtualClock(START)
    table = new ConnectionTable()
    use = new ApplicationUse(table, clock, ['/ipfs/ping/1.0.0', '/mine/1.0.0'])
    exempt = new Set()
    idle = create({ idleTimeout: 60_000, firstStreamTimeout: Infinity })
  })

  afterEach(() => {
    idle.stop()
    expect(clock.timers).to.equal(0)
  })

  function create (init: { idleTimeout: number, firstStreamTimeout: number }): IdleCloser {
    return new IdleCloser({
      clock,
      log: defaultLogger().forComponent('test'),
      use,
      openedAt: connection => connection.timeline.open,
      isExempt: connection => exempt.has(connection),
      close: async connection => connection.close()
    }, init)
  }

  function open (init: StubConnectionInit = {}): StubConnection {
    const connection = stubConnection({ openedAt: clock.now(), ...init })
    connection.addEventListener('close', () => { idle.unwatch(connection) })
    table.add(connection, clock.now())
    idle.watch(connection)

    return connection
  }

  function openStream (connection: Connection, protocol = '/app/1.0.0'): StubStream {
    const stream = new StubStream(protocol)
    use.onStream(stream, connection)

    return stream
  }

  describe('a connection that the application does not use', () => {
    it('is closed after a while', async () => {
      const connection = open()
      await clock.advance(59_999)
      expect(connection.status).to.equal('open')

      await clock.advance(1)
      expect(connection.status).to.equal('closed')
    })

    it('is closed although it is pinged, or used for what the user does not count', async () => {
      const connection = open()

      for (let i = 0; i < 6; i++) {
        openStream(connection, i % 2 === 0 ? '/ipfs/ping/1.0.0' : '/mine/1.0.0')
        await clock.advance(10_000)
      }

      expect(connection.status).to.equal('closed')
    })

    it('is closed a whole timeout after its last stream was', async () => {
      const connection = open()
      const stream = openStream(connection)
      await clock.advance(600_000)
      expect(connection.status).to.equal('open')

      stream.finish()
      await clock.advance(59_999)
      expect(connection.status).to.equal('open')

      await clock.advance(1)
      expect(connection.status).to.equal('closed')
    })

    it('is kept while it is exempt, and closed soon after', async () => {
      const connection = open()
      exempt.add(connection)
      await clock.advance(600_000)
      expect(connection.status).to.equal('open')

      exempt.delete(connection)
      await clock.advance(60_000)
      expect(connection.status).to.equal('closed')
    })

    it('does not matter any more when it was closed', async () => {
      const connection = open()
      connection.remoteClose()

      expect(clock.timers).to.equal(0)
      await clock.advance(60_000)
      expect(connection.closeCalls).to.equal(0)
    })
  })

  describe('an inbound connection on which nothing was asked', () => {
    beforeEach(() => {
      idle = create({ idleTimeout: Infinity, firstStreamTimeout: 5_000 })
    })

    it('is closed', async () => {
      const connection = open({ direction: 'inbound' })
      await clock.advance(5_000)

      expect(connection.status).to.equal('closed')
    })

    it('is left alone when something was', async () => {
      const connection = open({ direction: 'inbound' })
      openStream(connection).finish()
      await clock.advance(600_000)

      expect(connection.status).to.equal('open')
    })

    it('is another thing than an outbound one', async () => {
      const connection = open({ direction: 'outbound' })
      await clock.advance(600_000)

      expect(connection.status).to.equal('open')
    })

    it('is kept while it is exempt', async () => {
      const connection = open({ direction: 'inbound' })
      exempt.add(connection)
      await clock.advance(600_000)

      expect(connection.status).to.equal('open')
    })
  })

  it('is not too busy with exempt connections when there is no patience at all', async () => {
    idle = create({ idleTimeout: 0, firstStreamTimeout: 0 })
    const kept = stubConnection({ openedAt: START })
    exempt.add(kept)
    idle.watch(kept)
    const other = open()
    await clock.advance(3_000)

    expect(kept.status).to.equal('open')
    expect(other.status).to.equal('closed')
  })

  it('needs no timer if nothing has a limit', () => {
    idle = create({ idleTimeout: Infinity, firstStreamTimeout: Infinity })
    open()

    expect(clock.timers).to.equal(0)
  })
})
