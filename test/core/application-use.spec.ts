import { expect } from 'aegir/chai'
import { ApplicationUse, ConnectionTable } from '../../src/core/index.ts'
import { StubStream, stubConnection } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { StubConnection } from '../fixtures/connections.ts'

describe('connections/application-use', () => {
  const START = 1_000_000
  let clock: VirtualClock
  let table: ConnectionTable
  let use: ApplicationUse

  beforeEach(() => {
    clock = new VirtualClock(START)
    table = new ConnectionTable()
    use = new ApplicationUse(table, clock)
  })

  function open (): StubConnection {
    const connection = stubConnection()
    table.add(connection, START)

    return connection
  }

  it('begins when a connection is opened', () => {
    const connection = open()

    expect(use.streams(connection)).to.equal(0)
    expect(use.lastUsed(connection)).to.equal(0)
    expect(use.idleSince(connection, 17)).to.equal(17)
  })

  it('counts the streams that are open', async () => {
    const connection = open()
    const [a, b] = [new StubStream(), new StubStream()]
    expect(use.onStream(a, connection)).to.be.true()
    await clock.advance(10)
    expect(use.onStream(b, connection)).to.be.true()

    expect(use.streams(connection)).to.equal(2)
    expect(use.lastUsed(connection)).to.equal(START + 10)
    expect(use.idleSince(connection, 17)).to.be.undefined()

    a.finish()
    expect(use.streams(connection)).to.equal(1)
    expect(use.idleSince(connection, 17)).to.be.undefined()

    await clock.advance(10)
    b.finish()
    expect(use.streams(connection)).to.equal(0)
    expect(use.idleSince(connection, 17)).to.equal(START + 20)
  })

  it('does not count what libp2p does by itself', () => {
    const connection = open()

    for (const protocol of ['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0', '/ipfs/ping/1.0.0', '/libp2p/autonat/2/dial-back', '/libp2p/dcutr']) {
      expect(use.onStream(new StubStream(protocol), connection)).to.be.false()
    }

    expect(use.streams(connection)).to.equal(0)
    expect(use.idleSince(connection, 17)).to.equal(17)
  })

  it('counts a stream that was closed at once as a use', () => {
    const connection = open()
    const stream = new StubStream()
    stream.finish()
    use.onStream(stream, connection)

    expect(use.streams(connection)).to.equal(0)
    expect(use.lastUsed(connection)).to.equal(START)
  })
})
