import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { ConnectionTable } from '../../src/core/index.ts'
import { BanList } from '../../src/gating/index.ts'
import { enforceBans } from '../../src/wiring/ban-enforcer.ts'
import { stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { StubConnection, StubConnectionInit } from '../fixtures/connections.ts'
import type { Connection } from '@libp2p/interface'

describe('wiring/ban-enforcer', () => {
  let clock: VirtualClock
  let table: ConnectionTable
  let bans: BanList
  let leaving: Connection[]
  let told: string[]

  beforeEach(() => {
    clock = new VirtualClock()
    table = new ConnectionTable()
    bans = new BanList({ clock, logger: defaultLogger() })
    leaving = []
    told = []
    enforceBans({
      clock,
      log: defaultLogger().forComponent('test'),
      bans,
      table,
      departures: { add: connection => { leaving.push(connection) } },
      emit: type => { told.push(type) }
    })
  })

  function open (init?: StubConnectionInit): StubConnection {
    const connection = stubConnection(init)
    table.add(connection, 0)

    return connection
  }

  it('lets all connections of a banned peer go at once', async () => {
    const remotePeer = stubPeerId()
    const banned = [open({ remotePeer }), open({ remotePeer })]
    open()

    await bans.ban(remotePeer)
    expect(leaving).to.deep.equal(banned)
    expect(told).to.deep.equal(['peer:ban'])
  })

  it('lets what comes from a banned range or through a banned relay go on the next turn', async () => {
    const relay = stubPeerId()
    const banned = [
      open({ remoteAddr: '/ip4/198.51.100.7/tcp/1' }),
      open({ remoteAddr: '/ip6/::ffff:198.51.100.8/tcp/1' }),
      open({ remoteAddr: `/ip4/203.0.113.1/tcp/1/p2p/${relay.toString()}/p2p-circuit` })
    ]
    open({ remoteAddr: '/ip4/203.0.113.1/tcp/1' })

    await bans.ban('198.51.100.0/24')
    await bans.ban(relay)
    expect(leaving).to.be.empty()
    await clock.advance(0)
    expect(leaving).to.deep.equal(banned)
  })

  it('looks through the connections once for many bans', async () => {
    let passes = 0
    const { allConnections } = table
    table.allConnections = () => {
      passes++

      return allConnections.call(table)
    }
    open({ remoteAddr: '/ip4/198.51.100.7/tcp/1' })

    await Promise.all(Array.from({ length: 100 }, async (_, i) => bans.ban(`198.51.100.${i}`)))
    await clock.advance(0)
    await settle()
    expect(passes).to.equal(1)
    expect(leaving).to.have.lengthOf(1)
  })

  it('tells of bans that end, and closes nothing for them', async () => {
    await bans.ban('198.51.100.7', { for: 10 })
    await clock.advance(20)
    open({ remoteAddr: '/ip4/198.51.100.7/tcp/1' })
    await bans.refresh()
    expect(told).to.deep.equal(['peer:ban', 'peer:unban'])
    await clock.advance(0)
    expect(leaving).to.be.empty()
  })
})
