import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { ApplicationUse, ConnectionTable } from '../../src/core/index.ts'
import { PathKeeper } from '../../src/upkeep/index.ts'
import { StubStream, stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { idsOf } from '../fixtures/managers.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { PeerEntry } from '../../src/core/index.ts'
import type { ConnectionUpgrade, SelectConnection } from '../../src/upkeep/index.ts'
import type { StubConnection, StubConnectionInit } from '../fixtures/connections.ts'
import type { Connection, PeerId } from '@libp2p/interface'

const START = 1_000_000
const DUPLICATE_DELAY = 2_500
const DRAIN_TIMEOUT = 60_000
const RELAYED: StubConnectionInit = { direct: false, limits: { seconds: 120 }, direction: 'outbound' }

describe('connections/path-keeper', () => {
  let clock: VirtualClock
  let table: ConnectionTable
  let upgrades: ConnectionUpgrade[]
  let [localPeer, remotePeer]: PeerId[] = []
  let paths: PathKeeper
  let use: ApplicationUse

  beforeEach(() => {
    clock = new VirtualClock(START)
    table = new ConnectionTable()
    use = new ApplicationUse(table, clock, ['/housekeeping/1.0.0'])
    upgrades = []
    // the connections that we have dialled stay
    ;[localPeer, remotePeer] = [stubPeerId(), stubPeerId()].sort((a, b) => a.toString() < b.toString() ? -1 : 1)
    paths = create()
  })

  afterEach(() => {
    paths.stop()
    expect(clock.timers).to.equal(0)
  })

  function create (init: { selectConnection?: SelectConnection, closeDuplicates?: boolean } = {}, local = localPeer): PathKeeper {
    return new PathKeeper({
      clock,
      log: defaultLogger().forComponent('test'),
      table,
      localPeer: local,
      close: async connection => connection.close(),
      onUpgrade: upgrade => { upgrades.push(upgrade) }
    }, { drainTimeout: DRAIN_TIMEOUT, duplicateDelay: DUPLICATE_DELAY, closeDuplicates: true, ...init })
  }

  function open (init: StubConnectionInit = {}): StubConnection {
    const connection = stubConnection({ remotePeer, openedAt: clock.now(), ...init })
    table.add(connection, clock.now())
    connection.addEventListener('close', () => {
      const closed = table.remove(connection)

      if (closed != null) {
        paths.onClose(closed)
      }
    })
    paths.onOpen(connection, entry())

    return connection
  }

  function openStream (connection: Connection, protocol?: string): StubStream {
    const stream = new StubStream(protocol)
    use.onStream(stream, connection)

    return stream
  }

  function markDialBack (connection: Connection): void {
    const entry = table.get(connection)

    if (entry == null) {
      throw new Error('The connection is not open')
    }

    paths.markDialBack(entry)
  }

  function entry (): PeerEntry {
    const peer = table.getPeer(remotePeer)

    if (peer == null) {
      throw new Error('The peer is not connected')
    }

    return peer
  }

  function selected (): Connection | undefined {
    return paths.select(entry())
  }

  describe('the connection to open streams on', () => {
    it('is the direct one as soon as there is one', () => {
      const relayed = open(RELAYED)
      expect(selected()).to.equal(relayed)

      const direct = open()
      expect(selected()).to.equal(direct)
    })

    it('stays the same while it is as good as another', () => {
      const first = open({ direction: 'outbound' })
      expect(selected()).to.equal(first)

      open({ direction: 'outbound' })
      expect(selected()).to.equal(first)
    })

    it('is never one that is closing or closed, if there is another', () => {
      const first = open({ direction: 'outbound' })
      const second = open({ direction: 'outbound', direct: false })
      expect(selected()).to.equal(first)

      first.status = 'closing'
      expect(selected()).to.equal(second)
      second.status = 'closed'
      expect(selected()).to.be.undefined()
    })

    it('changes when another one becomes faster by far', () => {
      const first = open({ direction: 'outbound' })
      const second = open({ direction: 'outbound' })
      first.rtt = 100
      second.rtt = 90
      expect(selected()).to.equal(second)

      first.rtt = 80
      expect(selected()).to.equal(second)
      first.rtt = 70
      expect(selected()).to.equal(first)
    })

    it('is not one on which a node is dialled back', () => {
      const connection = open({ direction: 'outbound' })
      const dialBack = open({ direction: 'inbound' })
      markDialBack(dialBack)

      expect(selected()).to.equal(connection)
    })

    it('is the choice of the user', () => {
      const seen: Array<[string[], string | undefined]> = []
      paths = create({
        selectConnection: (connections, current) => {
          seen.push([idsOf(...connections), current?.id])

          return connections.find(({ direct }) => !direct)
        }
      })
      const relayed = open({ direct: false, direction: 'outbound' })
      const other = open({ direct: false, direction: 'outbound' })

      expect(selected()).to.equal(relayed)
      expect(selected()).to.equal(relayed)
      expect(seen).to.deep.equal([
        [idsOf(relayed, other), undefined],
        [idsOf(relayed, other), relayed.id]
      ])
    })

    it('is the best one if the user has no choice, a wrong one, or fails', () => {
      for (const selectConnection of [() => undefined, () => stubConnection(), () => { throw new Error('Not today') }]) {
        table = new ConnectionTable()
        paths = create({ selectConnection })
        open({ direct: false, direction: 'outbound' })
        const direct = open({ direction: 'outbound' })

        expect(selected()).to.equal(direct)
        paths.stop()
      }
    })
  })

  describe('a relayed connection', () => {
    it('is closed when there is a direct one for a while, and that is told', async () => {
      const relayed = open(RELAYED)
      const direct = open()
      expect(upgrades).to.deep.equal([{ peerId: remotePeer, from: relayed, to: direct }])
      expect(relayed.status, 'not within the event').to.equal('open')

      await clock.advance(DUPLICATE_DELAY - 1)
      expect(relayed.status).to.equal('open')

      await clock.advance(1)
      expect(relayed.status).to.equal('closed')
      expect(direct.status).to.equal('open')
    })

    it('is closed if it comes when there is a direct one already', async () => {
      const direct = open()
      const relayed = open(RELAYED)
      expect(upgrades).to.have.lengthOf(1)

      await clock.advance(DUPLICATE_DELAY)
      expect(relayed.status).to.equal('closed')
      expect(direct.status).to.equal('open')
    })

    it('is closed only when the application has no stream open on it', async () => {
      const relayed = open(RELAYED)
      const stream = openStream(relayed)
      open()
      await clock.advance(30_000)
      expect(relayed.status).to.equal('open')

      stream.finish()
      await clock.advance(250)
      expect(relayed.status).to.equal('closed')
    })

    it('does not stay for a stream that is declared to be housekeeping', async () => {
      const relayed = open({ ...RELAYED, streams: ['/housekeeping/1.0.0'] })
      openStream(relayed, '/housekeeping/1.0.0')
      open()
      await clock.advance(DUPLICATE_DELAY)
      expect(relayed.status).to.equal('closed')
    })

    it('stays while the user prefers it to the direct one', async () => {
      paths = create({ selectConnection: connections => connections.find(({ direct }) => !direct) })
      const relayed = open(RELAYED)
      open()
      await clock.advance(DRAIN_TIMEOUT)

      expect(selected()).to.equal(relayed)
      expect(relayed.status).to.equal('open')
      expect(upgrades).to.be.empty()
    })

    it('that is better than a direct one with limits stays', async () => {
      const relayed = open({ ...RELAYED, limits: undefined })
      open({ limits: { seconds: 120 } })
      await clock.advance(DRAIN_TIMEOUT)

      expect(selected()).to.equal(relayed)
      expect(relayed.status).to.equal('open')
    })

    it('is closed after a limit of time although a stream is open on it', async () => {
      const relayed = open(RELAYED)
      openStream(relayed)
      open()
      await clock.advance(DRAIN_TIMEOUT - 1)
      expect(relayed.status).to.equal('open')

      await clock.advance(1_000)
      expect(relayed.status).to.equal('closed')
    })

    it('stays, and takes streams again, if the direct one is lost', async () => {
      const relayed = open(RELAYED)
      const direct = open()
      expect(selected()).to.equal(direct)
      await clock.advance(1_000)
      direct.remoteClose()
      expect(selected()).to.equal(relayed)

      await clock.advance(DRAIN_TIMEOUT)
      expect(relayed.status).to.equal('open')

      // and the next direct one is an upgrade again
      open()
      await clock.advance(DUPLICATE_DELAY)
      expect(relayed.status).to.equal('closed')
      expect(upgrades).to.have.lengthOf(2)
    })

    it('stays if the direct one is there to find out whether a node can be dialled', async () => {
      const relayed = open(RELAYED)
      markDialBack(open())
      await clock.advance(DRAIN_TIMEOUT)

      expect(relayed.status).to.equal('open')
      expect(selected()).to.equal(relayed)
    })

    it('stays if it is alone', async () => {
      const relayed = open(RELAYED)
      await clock.advance(DRAIN_TIMEOUT)

      expect(relayed.status).to.equal('open')
      expect(upgrades).to.be.empty()
    })
  })

  describe('two connections that both ends have dialled', () => {
    it('become one', async () => {
      const outbound = open({ direction: 'outbound' })
      const inbound = open({ direction: 'inbound' })
      await clock.advance(DUPLICATE_DELAY)
      expect(inbound.status).to.equal('open')
      expect(selected(), 'no new streams from now on').to.equal(outbound)

      await clock.advance(250)
      expect(inbound.status).to.equal('closed')
      expect(outbound.status).to.equal('open')
    })

    it('become the same one at the other end, which lets us close it first', async () => {
      paths = create({}, remotePeer)
      remotePeer = localPeer
      const outbound = open({ direction: 'outbound' })
      const inbound = open({ direction: 'inbound' })
      await clock.advance(DUPLICATE_DELAY + 999)
      expect(outbound.status).to.equal('open')
      expect(selected()).to.equal(inbound)

      await clock.advance(1)
      expect(outbound.status).to.equal('closed')
      expect(inbound.status).to.equal('open')
    })

    it('are told apart from the beginning: streams are opened on the one that stays', async () => {
      const outbound = open({ direction: 'outbound' })
      await clock.advance(1)
      const inbound = open({ direction: 'inbound' })
      inbound.rtt = 1
      outbound.rtt = 500

      expect(selected()).to.equal(outbound)
      expect(paths.best(entry(), [inbound, outbound])).to.equal(outbound)
      expect(paths.best(entry(), [inbound])).to.equal(inbound)
    })

    it('lose nothing that is in flight', async () => {
      open({ direction: 'outbound' })
      const inbound = open({ direction: 'inbound' })
      const stream = openStream(inbound)
      await clock.advance(30_000)
      expect(inbound.status).to.equal('open')

      stream.finish()
      await clock.advance(250)
      expect(inbound.status).to.equal('closed')
    })

    it('stay if one of them was dialled on purpose', async () => {
      const outbound = open({ direction: 'outbound' })
      const inbound = open({ direction: 'inbound' })
      paths.markForced(outbound)
      await clock.advance(DRAIN_TIMEOUT)

      expect([outbound.status, inbound.status]).to.deep.equal(['open', 'open'])
    })

    it('stay if one of them is there to find out whether we can be dialled', async () => {
      const outbound = open({ direction: 'outbound' })
      const inbound = open({ direction: 'inbound' })
      markDialBack(inbound)
      await clock.advance(DRAIN_TIMEOUT)

      expect([outbound.status, inbound.status]).to.deep.equal(['open', 'open'])
    })

    it('stay if the user wants it so', async () => {
      paths = create({ closeDuplicates: false })
      const outbound = open({ direction: 'outbound' })
      const inbound = open({ direction: 'inbound' })
      await clock.advance(DRAIN_TIMEOUT)

      expect([outbound.status, inbound.status]).to.deep.equal(['open', 'open'])
    })

    it('keep the other one if that which was to stay is lost', async () => {
      const outbound = open({ direction: 'outbound' })
      const inbound = open({ direction: 'inbound', streams: 1 })
      await clock.advance(DUPLICATE_DELAY)
      outbound.remoteClose()
      inbound.streams = []
      await clock.advance(DRAIN_TIMEOUT)

      expect(inbound.status).to.equal('open')
      expect(selected()).to.equal(inbound)
    })

    it('are only one when the other is closed in time', async () => {
      open({ direction: 'outbound' }).remoteClose()
      const inbound = open({ direction: 'inbound' })
      await clock.advance(DRAIN_TIMEOUT)

      expect(inbound.status).to.equal('open')
    })
  })
})
