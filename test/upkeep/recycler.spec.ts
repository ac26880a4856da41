import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { Recycler } from '../../src/upkeep/later.ts'
import { stubConnection } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { StubConnection } from '../fixtures/connections.ts'
import type { Connection, PeerId } from '@libp2p/interface'

describe('connections/recycler', () => {
  let clock: VirtualClock
  let open: Set<StubConnection>
  let steps: string[]
  let dial: (peerId: PeerId) => Promise<Connection>
  let recycler: Recycler

  beforeEach(() => {
    clock = new VirtualClock()
    open = new Set()
    steps = []
    dial = async remotePeer => connect({ remotePeer })
    recycler = new Recycler({
      clock,
      log: defaultLogger().forComponent('test'),
      peerCount: () => open.size,
      reserve: ({ reason }) => {
        steps.push(`reserve ${reason}`)

        return () => { steps.push('give up') }
      },
      close: async connection => {
        steps.push('close')
        await connection.close()
      },
      onRecycle: () => { steps.push('tell') },
      dial: async peerId => {
        steps.push('dial')

        return dial(peerId)
      }
    }, { recycleCooldown: 120_000 })
  })

  function connect (init: { remotePeer?: PeerId } = {}): StubConnection {
    const connection = stubConnection(init)
    open.add(connection)
    connection.addEventListener('close', () => { open.delete(connection) })

    return connection
  }

  it('closes a connection and dials its peer, which keeps its place meanwhile', async () => {
    connect()
    const connection = connect()
    const next = await recycler.recycle({ connection, reason: 'stalled' })

    expect(connection.status).to.equal('closed')
    expect(next).to.not.equal(connection)
    expect(next?.remotePeer).to.equal(connection.remotePeer)
    expect(steps).to.deep.equal(['reserve stalled', 'tell', 'close', 'dial', 'give up'])
  })

  it('gives up the place if the peer cannot be dialled', async () => {
    connect()
    const connection = connect()
    dial = async () => { throw new Error('Nobody there') }

    await expect(recycler.recycle({ connection, reason: 'stalled' })).to.eventually.be.rejectedWith('Nobody there')
    expect(steps).to.include('give up')
  })

  it('leaves a peer alone for a while after that', async () => {
    connect()
    const next = await recycler.recycle({ connection: connect(), reason: 'stalled' })

    if (next == null) {
      throw new Error('Not recycled')
    }

    await clock.advance(119_999)
    expect(recycler.refusal(next)).to.equal('cooldown')
    expect(await recycler.recycle({ connection: next, reason: 'stalled' })).to.be.undefined()
    expect(next.status).to.equal('open')

    await clock.advance(1)
    expect(recycler.refusal(next)).to.be.undefined()
  })

  it('never closes the connection to the last peer', async () => {
    const connection = connect()

    expect(recycler.refusal(connection)).to.equal('last')
    expect(await recycler.recycle({ connection, reason: 'stalled' })).to.be.undefined()
    expect(connection.status).to.equal('open')
  })

  it('never closes those to all peers at the same time', async () => {
    const connections = [connect(), connect(), connect()]
    let release = (): void => {}
    const dialled = new Promise<void>(resolve => { release = resolve })
    dial = async remotePeer => {
      await dialled

      return connect({ remotePeer })
    }
    const recycling = connections.map(async connection => recycler.recycle({ connection, reason: 'stalled' }))
    await clock.advance(0)
    expect(connections.map(({ status }) => status)).to.deep.equal(['closed', 'closed', 'open'])

    release()
    expect((await Promise.all(recycling)).map(connection => connection?.status)).to.deep.equal(['open', 'open', undefined])
  })

  it('does nothing about a connection that is closed or closing', async () => {
    connect()
    const connection = connect()
    connection.status = 'closing'

    expect(recycler.refusal(connection)).to.equal('not-open')
    expect(await recycler.recycle({ connection, reason: 'stalled' })).to.be.undefined()
    expect(steps).to.be.empty()
  })
})
