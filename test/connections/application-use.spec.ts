import { expect } from 'aegir/chai'
import { ApplicationUse } from '../../src/connections/index.ts'
import { StubStream, stubConnection } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

describe('connections/application-use', () => {
  const START = 1_000_000
  let clock: VirtualClock
  let use: ApplicationUse

  beforeEach(() => {
    clock = new VirtualClock(START)
    use = new ApplicationUse(clock)
  })

  it('begins when a connection is opened', () => {
    const connection = stubConnection()

    expect(use.streams(connection)).to.equal(0)
    expect(use.lastUsed(connection)).to.equal(0)
    expect(use.idleSince(connection, 17)).to.equal(17)
  })

  it('counts the streams that are open', async () => {
    const connection = stubConnection()
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
    const connection = stubConnection()

    for (const protocol of ['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0', '/ipfs/ping/1.0.0', '/libp2p/autonat/2/dial-back', '/libp2p/dcutr']) {
      expect(use.onStream(new StubStream(protocol), connection)).to.be.false()
    }

    expect(use.streams(connection)).to.equal(0)
    expect(use.idleSince(connection, 17)).to.equal(17)
  })

  it('counts a stream that was closed at once as a use', () => {
    const connection = stubConnection()
    const stream = new StubStream()
    stream.finish()
    use.onStream(stream, connection)

    expect(use.streams(connection)).to.equal(0)
    expect(use.lastUsed(connection)).to.equal(START)
  })
})
