import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { StreamBuffers } from '../../src/upkeep/index.ts'
import { StubStream } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

describe('connections/stream-buffers', () => {
  let clock: VirtualClock
  let buffers: StreamBuffers

  beforeEach(() => {
    clock = new VirtualClock()
    buffers = create(1_000)
  })

  afterEach(() => {
    buffers.stop()
    expect(clock.timers).to.equal(0)
  })

  function create (maxStreamBuffer: number): StreamBuffers {
    return new StreamBuffers({ maxStreamBuffer, streamBufferGracePeriod: 10_000 }, clock, defaultLogger().forComponent('test'))
  }

  function watched (): StubStream {
    const stream = new StubStream()
    buffers.watch(stream)

    return stream
  }

  it('resets a stream that holds too much for the whole of the grace period', async () => {
    const stream = watched()
    stream.readBufferLength = 600
    stream.writeBufferLength = 401
    await clock.advance(10_000)
    expect(stream.status).to.equal('open')

    await clock.advance(5_000)
    expect(stream.status).to.equal('aborted')
    expect(stream.abortReason).to.have.property('name', 'StreamBufferError')
  })

  it('leaves one alone that holds as much as it may', async () => {
    const stream = watched()
    stream.readBufferLength = 1_000
    await clock.advance(600_000)

    expect(stream.status).to.equal('open')
  })

  it('leaves one alone that is read again in between', async () => {
    const stream = watched()

    for (let i = 0; i < 20; i++) {
      stream.readBufferLength = i % 2 === 0 ? 5_000 : 0
      await clock.advance(5_000)
    }

    expect(stream.status).to.equal('open')
  })

  it('forgets streams that were closed', () => {
    watched().finish()
    expect(clock.timers).to.equal(0)

    const closed = new StubStream()
    closed.finish()
    buffers.watch(closed)
    expect(clock.timers).to.equal(0)
  })

  it('costs nothing if there is no limit', () => {
    buffers = create(Infinity)
    watched()

    expect(clock.timers).to.equal(0)
  })
})
