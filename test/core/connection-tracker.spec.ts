import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { TypedEventEmitter } from 'main-event'
import { ConnectionTracker } from '../../src/core/index.ts'
import { reportOpen, stubConnection, stubPeerId, stubRSAPeerId } from '../fixtures/connections.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { StubConnection, StubConnectionInit } from '../fixtures/connections.ts'
import type { AbortOptions, Libp2pEvents, Peer, PeerData, PeerId } from '@libp2p/interface'

describe('connections/connection-tracker', () => {
  let clock: VirtualClock
  let events: TypedEventEmitter<Libp2pEvents>
  let tracker: ConnectionTracker

  /**
   * What happened, in order
   */
  let happened: string[]
  let names: Map<string, string>
  let patch: (peerId: PeerId, data: PeerData, options?: AbortOptions) => Promise<Peer>

  function nameOf (peerId: PeerId): string {
    return names.get(peerId.toString()) ?? 'somebody'
  }

  /**
   * A peer with a name, for `happened`
   */
  function peer (name: string, peerId = stubPeerId()): PeerId {
    names.set(peerId.toString(), name)

    return peerId
  }

  function rsaPeer (name: string): PeerId {
    // nothing but being there is asked of the key
    return Object.assign(peer(name, stubRSAPeerId()), { publicKey: { type: 'RSA' } })
  }

  function open (init: StubConnectionInit): StubConnection {
    return reportOpen(events, stubConnection(init))
  }

  beforeEach(() => {
    clock = new VirtualClock()
    events = new TypedEventEmitter()
    happened = []
    names = new Map()
    patch = async () => { throw new Error('Urk!') }
    tracker = new ConnectionTracker({
      events,
      peerStore: {
        patch: async (peerId, data, options) => {
          happened.push(`store ${nameOf(peerId)}`)

          return patch(peerId, data, options)
        }
      }
    }, {
      onPeerConnect: ({ peerId }) => { happened.push(`onPeerConnect ${nameOf(peerId)}`) },
      onPeerDisconnect: ({ peerId }) => { happened.push(`onPeerDisconnect ${nameOf(peerId)}`) },
      onOpen: ({ remotePeer }) => { happened.push(`onOpen ${nameOf(remotePeer)}`) }
    }, clock, defaultLogger().forComponent('test'))
    tracker.start()

    events.addEventListener('peer:connect', ({ detail }) => { happened.push(`peer:connect ${nameOf(detail)}`) })
    events.addEventListener('peer:disconnect', ({ detail }) => { happened.push(`peer:disconnect ${nameOf(detail)}`) })
  })

  it('reports a peer with its first connection and with its last', () => {
    const remotePeer = peer('a')
    const [first, second] = [open({ remotePeer }), open({ remotePeer })]
    expect(tracker.table.allConnections()).to.deep.equal([first, second])

    first.remoteClose()
    second.remoteClose()
    expect(tracker.table.size).to.equal(0)
    expect(happened).to.deep.equal([
      'onPeerConnect a', 'peer:connect a', 'onOpen a',
      'onOpen a',
      'onPeerDisconnect a', 'peer:disconnect a'
    ])
  })

  it('reports a peer again when it returns', () => {
    const remotePeer = peer('a')
    open({ remotePeer }).remoteClose()
    open({ remotePeer })

    expect(happened.filter(what => what.startsWith('peer:'))).to.deep.equal(['peer:connect a', 'peer:disconnect a', 'peer:connect a'])
  })

  it('has the connection in its table when the peer is reported', () => {
    const counts: number[] = []
    events.addEventListener('peer:connect', () => { counts.push(tracker.table.size) })
    events.addEventListener('peer:disconnect', () => { counts.push(tracker.table.size) })
    open({}).remoteClose()

    expect(counts).to.deep.equal([1, 0])
  })

  it('does not track a connection that the remote has closed already', () => {
    const connection = stubConnection({ remotePeer: peer('a') })
    connection.remoteClose()
    reportOpen(events, connection)
    tracker.adopt(connection)

    expect(tracker.table.size).to.equal(0)
    expect(happened).to.be.empty()
  })

  it('tracks a connection once when its event is sent twice', () => {
    const connection = open({ remotePeer: peer('a') })
    events.safeDispatchEvent('connection:open', { detail: connection })
    connection.remoteClose()
    events.safeDispatchEvent('connection:close', { detail: connection })

    expect(happened).to.deep.equal(['onPeerConnect a', 'peer:connect a', 'onOpen a', 'onPeerDisconnect a', 'peer:disconnect a'])
  })

  it('does not mind that a connection closes which it does not know', () => {
    events.safeDispatchEvent('connection:close', { detail: stubConnection() })

    expect(happened).to.be.empty()
  })

  it('does not throw out of its handlers', () => {
    events.safeDispatchEvent('connection:open', { detail: undefined })
    events.safeDispatchEvent('connection:open', { detail: { status: 'open' } })
    events.safeDispatchEvent('connection:close', { detail: undefined })

    open({})
    expect(tracker.table.size).to.equal(1)
  })

  it('does not throw out of its handlers when what it tells fails', () => {
    const failing = new ConnectionTracker({ events, peerStore: { patch: async () => { throw new Error('Urk!') } } }, {
      onPeerConnect: () => { throw new Error('Urk!') },
      onPeerDisconnect: () => { throw new Error('Urk!') },
      onOpen: () => { throw new Error('Urk!') }
    }, clock, defaultLogger().forComponent('test'))
    failing.start()
    open({}).remoteClose()

    expect(failing.table.size).to.equal(0)
  })

  describe('a connection that was dialled', () => {
    it('is tracked when no event was sent, until it closes', () => {
      const connection = stubConnection({ remotePeer: peer('a') })
      tracker.adopt(connection)
      expect(tracker.table.size).to.equal(1)

      connection.remoteClose()
      expect(tracker.table.size).to.equal(0)
      expect(happened).to.deep.equal(['onPeerConnect a', 'peer:connect a', 'onOpen a', 'onPeerDisconnect a', 'peer:disconnect a'])
    })

    it('is tracked once when an event was sent before, or is after', () => {
      const before = open({ remotePeer: peer('a') })
      tracker.adopt(before)
      const after = stubConnection({ remotePeer: peer('b') })
      tracker.adopt(after)
      reportOpen(events, after)
      expect(tracker.table.size).to.equal(2)

      before.remoteClose()
      after.remoteClose()
      expect(happened.filter(what => what.startsWith('peer:'))).to.deep.equal(['peer:connect a', 'peer:connect b', 'peer:disconnect a', 'peer:disconnect b'])
    })
  })

  describe('the key of an RSA peer', () => {
    it('is stored before anybody hears of the peer', async () => {
      const remotePeer = rsaPeer('a')
      const stored = Promise.withResolvers<Peer>()
      const data: PeerData[] = []
      patch = async (_, patched) => {
        data.push(patched)
        return stored.promise
      }
      open({ remotePeer })
      await settle()
      expect(happened).to.deep.equal(['onPeerConnect a', 'store a', 'onOpen a'])
      expect(data).to.deep.equal([{ publicKey: remotePeer.publicKey }])

      // @ts-expect-error nobody looks at it
      stored.resolve()
      await settle()
      expect(happened.slice(3)).to.deep.equal(['peer:connect a'])
      expect(clock.timers).to.equal(0)
    })

    it('is stored once per peer', async () => {
      const remotePeer = rsaPeer('a')
      open({ remotePeer })
      open({ remotePeer })
      await settle()

      expect(happened.filter(what => what === 'store a')).to.have.lengthOf(1)
    })

    it('that is not known is not stored', () => {
      open({ remotePeer: peer('a', stubRSAPeerId()) })

      expect(happened).to.deep.equal(['onPeerConnect a', 'peer:connect a', 'onOpen a'])
    })

    it('that cannot be stored does not keep the peer from being reported', async () => {
      open({ remotePeer: rsaPeer('a') })
      await settle()

      expect(happened).to.include('peer:connect a')
    })

    it('that takes forever to be stored does not either', async () => {
      let signal: AbortSignal | undefined
      patch = async (_, __, options) => {
        signal = options?.signal
        return new Promise(() => {})
      }
      open({ remotePeer: rsaPeer('a') })
      await clock.advance(4_999)
      expect(happened).to.not.include('peer:connect a')

      await clock.advance(1)
      expect(happened).to.include('peer:connect a')
      expect(signal?.aborted).to.be.true()
    })

    it('of a peer that is gone before it is stored: nobody hears of the peer', async () => {
      const stored = Promise.withResolvers<Peer>()
      patch = async () => stored.promise
      open({ remotePeer: rsaPeer('a') }).remoteClose()
      // @ts-expect-error nobody looks at it
      stored.resolve()
      await settle()

      expect(happened).to.deep.equal(['onPeerConnect a', 'store a', 'onOpen a', 'onPeerDisconnect a'])
    })

    it('of a peer that is gone and back before it is stored: the peer is reported once', async () => {
      const remotePeer = rsaPeer('a')
      const stored = Promise.withResolvers<Peer>()
      patch = async () => stored.promise
      open({ remotePeer }).remoteClose()
      open({ remotePeer })
      // @ts-expect-error nobody looks at it
      stored.resolve()
      await settle()

      expect(happened.filter(what => what.startsWith('peer:'))).to.deep.equal(['peer:connect a'])
    })
  })

  describe('while the node stops', () => {
    it('closes connections that open late, but not in the event of their opening', async () => {
      tracker.beforeStop()
      const connection = open({ remotePeer: peer('a') })
      expect(connection.closeCalls).to.equal(0)

      await settle()
      expect(connection.status).to.equal('closed')
      expect(tracker.table.size).to.equal(0)
      expect(happened).to.be.empty()
    })

    it('aborts connections that open late and do not close', async () => {
      tracker.beforeStop()
      const connections = (['hang', 'deaf', 'reject'] as const).map(onClose => open({ onClose }))
      await clock.advance(500)

      expect(connections.map(({ status }) => status)).to.deep.equal(['aborted', 'aborted', 'aborted'])
    })

    it('does not track connections that were dialled', () => {
      tracker.beforeStop()
      tracker.adopt(stubConnection())

      expect(tracker.table.size).to.equal(0)
    })

    it('reports no peer', async () => {
      const stored = Promise.withResolvers<Peer>()
      patch = async () => stored.promise
      const connection = open({ remotePeer: peer('a') })
      const adopted = stubConnection({ remotePeer: peer('b') })
      tracker.adopt(adopted)
      open({ remotePeer: rsaPeer('c') })
      happened = []

      tracker.beforeStop()
      connection.remoteClose()
      adopted.remoteClose()
      // @ts-expect-error nobody looks at it
      stored.resolve()
      await settle()

      expect(happened).to.be.empty()
    })

    it('has nothing left when it is stopped', async () => {
      const connection = open({})
      tracker.beforeStop()
      tracker.stop()
      connection.remoteClose()
      const late = open({})
      await settle()

      expect(tracker.table.size).to.equal(0)
      expect(late.status).to.equal('open')
    })

    it('can be started again', () => {
      tracker.beforeStop()
      tracker.stop()
      tracker.start()
      open({ remotePeer: peer('a') }).remoteClose()

      expect(happened).to.deep.equal(['onPeerConnect a', 'peer:connect a', 'onOpen a', 'onPeerDisconnect a', 'peer:disconnect a'])
    })
  })

  it('reports each peer alternately as connected and disconnected, in any interleaving', async () => {
    const step = fc.record({ what: fc.constantFrom('open' as const, 'adopt' as const, 'close' as const, 'store' as const), index: fc.nat(5) })

    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      const peers = [peer('a'), rsaPeer('b'), rsaPeer('c')]
      const connections = new Map<number, StubConnection>()
      const storing: Array<() => void> = []
      happened = []
      patch = async () => new Promise((resolve, reject) => { storing.push(() => { reject(new Error('Urk!')) }) })

      for (const { what, index } of steps) {
        const connection = connections.get(index)

        if (what === 'store') {
          storing.shift()?.()
          await settle()
        } else if (what === 'close') {
          connection?.remoteClose()
          connections.delete(index)
        } else if (connection == null) {
          const opened = stubConnection({ remotePeer: peers[index % 3] })
          connections.set(index, what === 'open' ? reportOpen(events, opened) : opened)
          tracker.adopt(opened)
        }
      }

      storing.forEach(store => { store() })
      await settle()

      for (const [i, name] of ['a', 'b', 'c'].entries()) {
        const reports = happened.filter(what => what.startsWith('peer:') && what.endsWith(name))
        const isConnected = [...connections.values()].some(({ remotePeer }) => remotePeer === peers[i])

        expect(reports).to.deep.equal(reports.map((_, j) => j % 2 === 0 ? `peer:connect ${name}` : `peer:disconnect ${name}`))
        expect(reports.length % 2 === 1).to.equal(isConnected)
      }

      connections.forEach(connection => { connection.remoteClose() })
      expect(tracker.table.size).to.equal(0)
    }), { numRuns: 100 })
  })
})
