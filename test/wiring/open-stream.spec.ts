import { StreamCloseEvent } from '@libp2p/interface'
import { expect } from 'aegir/chai'
import { TypedEventEmitter } from 'main-event'
import { openStream } from '../../src/wiring/open-stream.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { OpenStreamComponents, PeerStreamOptions } from '../../src/wiring/open-stream.ts'
import type { StubConnection, StubConnectionInit } from '../fixtures/connections.ts'
import type { Connection, Libp2pEvents, Stream } from '@libp2p/interface'

const RELAYED: StubConnectionInit = { direct: false }
const DIAL_TIMEOUT = 10_000

describe('wiring/open-stream', () => {
  const peerId = stubPeerId()
  let clock: VirtualClock
  let events: TypedEventEmitter<Libp2pEvents>
  let best: StubConnection | undefined
  let dialled: StubConnection
  let components: OpenStreamComponents

  beforeEach(() => {
    clock = new VirtualClock()
    events = new TypedEventEmitter()
    best = undefined
    dialled = stubConnection({ remotePeer: peerId })
    components = {
      clock,
      events,
      getConnection: () => best,
      openConnection: async () => {
        best ??= dialled

        return best
      }
    }
  })

  afterEach(() => {
    expect(clock.timers).to.equal(0)
    expect(events.listenerCount('connection:open')).to.equal(0)
  })

  async function open (options: PeerStreamOptions = {}): Promise<Stream> {
    return openStream(components, peerId, '/app/1.0.0', options, DIAL_TIMEOUT)
  }

  function connect (init: StubConnectionInit = {}): StubConnection {
    best = stubConnection({ remotePeer: peerId, ...init })
    events.safeDispatchEvent('connection:open', { detail: best })

    return best
  }

  it('dials the peer if it is not connected', async () => {
    const stream = await open()

    expect(dialled.streams).to.include(stream)
  })

  it('rejects with an error where a stream rejects with the event that ended it', async () => {
    const event = new StreamCloseEvent(false, new Error('The remote has reset it'))
    dialled.newStream = async () => Promise.reject(event)
    await expect(open()).to.eventually.be.rejectedWith(Error, 'The remote has reset it')

    event.error = undefined
    await expect(open()).to.eventually.be.rejectedWith(Error, 'close')
  })

  it('takes the best connection at once if nobody waits', async () => {
    const relayed = connect(RELAYED)

    expect(relayed.streams).to.include(await open())
  })

  it('takes the direct connection that is waited for', async () => {
    const relayed = connect(RELAYED)
    const opening = open({ waitForDirect: 5_000 })
    await clock.advance(4_999)
    events.safeDispatchEvent('connection:open', { detail: stubConnection() })
    await settle()
    expect(relayed.streams).to.be.empty()

    const direct = connect()
    expect(direct.streams).to.include(await opening)
  })

  it('takes the relayed connection when the time is over', async () => {
    const relayed = connect(RELAYED)
    const opening = open({ waitForDirect: true })
    await clock.advance(DIAL_TIMEOUT - 1)
    expect(relayed.streams).to.be.empty()

    await clock.advance(1)
    expect(relayed.streams).to.include(await opening)
  })

  it('does not wait if there is a direct one', async () => {
    const direct = connect()

    expect(direct.streams).to.include(await open({ waitForDirect: true }))
  })

  it('dials again when the peer is lost while a direct connection is waited for', async () => {
    connect(RELAYED)
    const opening = open({ waitForDirect: true })
    await settle()
    best = undefined
    events.safeDispatchEvent('peer:disconnect', { detail: peerId })

    expect(dialled.streams).to.include(await opening)
  })

  it('does not wait for longer than the signal allows', async () => {
    connect(RELAYED)
    const controller = new AbortController()
    const opening = open({ waitForDirect: true, signal: controller.signal })
    await settle()
    controller.abort(new Error('Enough'))
    await expect(opening).to.eventually.be.rejectedWith('Enough')

    await expect(open({ waitForDirect: true, signal: controller.signal })).to.eventually.be.rejectedWith('Enough')
  })

  describe('when the connection is closed meanwhile', () => {
    function failing (connection: StubConnection, then: () => void): void {
      connection.newStream = async () => {
        then()
        throw new Error('The connection was closed')
      }
    }

    it('takes the one that has taken its place', async () => {
      const connection = connect()
      let other: Connection | undefined
      failing(connection, () => {
        connection.remoteClose()
        other = connect()
      })

      const stream = await open()
      expect(other?.streams).to.include(stream)
    })

    it('fails if there is no other', async () => {
      const connection = connect()
      failing(connection, () => {
        connection.remoteClose()
        best = undefined
      })

      await expect(open()).to.eventually.be.rejectedWith('The connection was closed')
    })

    it('fails if the connection is open, as the reason is another one', async () => {
      const connection = connect()
      failing(connection, () => { connect() })

      await expect(open()).to.eventually.be.rejectedWith('The connection was closed')
    })
  })
})
