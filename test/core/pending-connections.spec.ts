import { StreamCloseEvent } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { ConnectionEntry, PendingConnections } from '../../src/core/index.ts'
import type { MultiaddrConnection } from '@libp2p/interface'

const ADDRESS = multiaddr('/ip4/192.0.2.1/tcp/4001')

class StubSocket extends EventTarget {
  readonly remoteAddr = ADDRESS
  readonly timeline = { open: 1 }
  status = 'open'

  /**
   * As what transports pass on: nothing but these is read of it
   */
  get asSocket (): MultiaddrConnection {
    return this as unknown as MultiaddrConnection
  }

  end (): void {
    this.status = 'closed'
    this.dispatchEvent(new StreamCloseEvent(false))
  }
}

describe('core/pending-connections', () => {
  let pending: PendingConnections
  let given: ConnectionEntry[]

  beforeEach(() => {
    pending = new PendingConnections(entry => { entry.giveBack(err => { throw err }) })
    given = []
  })

  function accept (socket = new StubSocket()): ConnectionEntry {
    const entry = new ConnectionEntry('accepted', ADDRESS, false)
    entry.socket = socket.asSocket
    entry.undo(undo)
    pending.accepted(entry)

    return entry
  }

  function dial (): { entry: ConnectionEntry, signal: AbortSignal, ended(): void } {
    const { signal } = new AbortController()
    const entry = new ConnectionEntry('dialling', ADDRESS, true)
    entry.undo(undo)

    return { entry, signal, ended: pending.dialled(entry, signal) }
  }

  const undo = (entry: ConnectionEntry): void => { given.push(entry) }

  it('finds the record of an accepted socket by the timeline of its connection, once', () => {
    const entries = Array.from({ length: 20 }, () => accept())

    for (const entry of entries.reverse()) {
      const timeline = entry.socket?.timeline ?? {}
      expect(pending.take(timeline)).to.equal(entry)
      expect(pending.take(timeline)).to.equal(undefined)
    }

    pending.acceptedUpgradeEnded()
    expect(given).to.deep.equal([])
  })

  it('finds the record of a dial by the signal of its transport, though several dial one address', () => {
    const dials = Array.from({ length: 3 }, () => dial())

    for (const { entry, signal, ended } of dials.reverse()) {
      const { asSocket } = new StubSocket()
      const upgraded = pending.upgrade(asSocket, true, signal)
      expect(pending.take(asSocket.timeline)).to.equal(entry)
      entry.phase = 'open'
      upgraded()
      ended()
    }

    expect(given, 'an open connection keeps what its dial has taken').to.deep.equal([])
  })

  it('gives back what a dial has taken that came to nothing', () => {
    const { entry, signal, ended } = dial()
    const { asSocket } = new StubSocket()
    pending.upgrade(asSocket, true, signal)()
    ended()
    ended()

    expect(given).to.deep.equal([entry])
    expect(entry.phase).to.equal('closed')
    expect(pending.get(asSocket.timeline)).to.equal(undefined)
  })

  it('makes a record for a socket that nobody was asked about, for as long as it is upgraded', () => {
    const { asSocket } = new StubSocket()
    const upgraded = pending.upgrade(asSocket, false)

    expect(pending.get(asSocket.timeline)).to.deep.include({ phase: 'accepted', socket: asSocket })
    upgraded()
    expect(pending.get(asSocket.timeline)).to.equal(undefined)
  })

  it('does not hand out the record of one that had to give way to others', () => {
    const socket = new StubSocket()
    const entry = accept(socket)
    entry.phase = 'closed'

    expect(pending.get(socket.timeline), 'its peer is refused').to.equal(entry)
    expect(pending.take(socket.timeline)).to.equal(undefined)
  })

  it('gives back what was accepted when the last upgrade has ended', () => {
    const [first, second] = [accept(), accept()]
    pending.acceptedUpgradeEnded()
    expect(given, 'nobody says which has ended').to.deep.equal([])
    pending.acceptedUpgradeEnded()
    expect(given).to.have.members([first, second])
  })

  it('gives back what was accepted when its socket closes, while others are upgraded', () => {
    const sockets = Array.from({ length: 12 }, () => new StubSocket())
    const entries = sockets.map(socket => accept(socket))
    pending.acceptedUpgradeEnded()
    sockets[3].end()
    sockets[3].end()

    expect(given).to.deep.equal([entries[3]])
  })
})
