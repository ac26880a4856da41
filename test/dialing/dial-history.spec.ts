import { AbortError, TimeoutError } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { MemoryDatastore } from 'datastore-core'
import { steadyClock } from '../../src/clock.ts'
import { DialHistory } from '../../src/dialing/dial-history.ts'
import { DialDeniedError } from '../../src/errors.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

const quic = multiaddr('/ip4/1.2.3.4/udp/1/quic-v1')
const tcp = multiaddr('/ip4/1.2.3.4/tcp/1')
const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })

describe('dialing/dial-history', () => {
  const peerId = stubPeerId()
  let clock: VirtualClock
  let history: DialHistory

  beforeEach(() => {
    clock = new VirtualClock()
    history = new DialHistory({ backOff: { jitter: 0 }, blackHole: { window: 3, minSuccesses: 1 } }, steadyClock(clock))
  })

  it('doubts an address that failed, for a while', async () => {
    history.recordFailure(peerId, tcp, new TimeoutError())
    expect(history.doubt(peerId, tcp)).to.equal('back-off')
    expect(history.doubt(peerId, quic)).to.equal(undefined)
    expect(history.doubt(stubPeerId(), tcp)).to.equal(undefined)

    await clock.advance(5_000)
    expect(history.doubt(peerId, tcp)).to.equal(undefined)
  })

  it('doubts an address of an unknown peer, too', () => {
    history.recordFailure(undefined, tcp, refused)
    expect(history.doubt(undefined, tcp)).to.equal('back-off')

    history.recordSuccess(peerId, tcp)
    expect(history.doubt(undefined, tcp)).to.equal(undefined)
  })

  it('doubts no address of a peer that is connected', () => {
    history.recordFailure(peerId, tcp, refused)
    history.recordSuccess(peerId, quic)
    expect(history.doubt(peerId, tcp)).to.equal(undefined)
  })

  it('does not blame an address for what is not its fault', () => {
    for (const error of [new AbortError(), new DialDeniedError(), Object.assign(new Error(), { code: 'EMFILE' }), Object.assign(new Error(), { name: 'ResourceLimitError' })]) {
      history.recordFailure(peerId, tcp, error)
      expect(history.doubt(peerId, tcp), error.name).to.equal(undefined)
    }
  })

  it('doubts UDP when nothing ever comes back, and not when remotes refuse us', () => {
    const other = multiaddr('/ip4/5.6.7.8/udp/1/quic-v1')

    for (let i = 0; i < 3; i++) {
      history.recordFailure(stubPeerId(), quic, refused)
    }

    expect(history.doubt(peerId, other)).to.equal(undefined)

    for (let i = 0; i < 3; i++) {
      history.recordFailure(stubPeerId(), quic, new TimeoutError())
    }

    expect(history.doubt(peerId, other)).to.equal('black-hole')
    expect(history.doubt(peerId, tcp)).to.equal(undefined)
  })

  it('forgets everything when the network changes, says what, and learns nothing from dials that began before', () => {
    const { network } = history
    history.recordFailure(peerId, tcp, refused)

    for (let i = 0; i < 3; i++) {
      history.recordFailure(stubPeerId(), quic, new TimeoutError())
    }

    expect(history.forget()).to.deep.equal({ backOff: 4, blackHoles: ['udp'] })
    expect(history.doubt(peerId, tcp)).to.equal(undefined)
    expect(history.doubt(peerId, quic)).to.equal(undefined)

    for (let i = 0; i < 3; i++) {
      history.recordFailure(peerId, quic, new TimeoutError(), network)
    }

    expect(history.doubt(peerId, quic)).to.equal(undefined)
    expect(history.forget()).to.deep.equal({ backOff: 0, blackHoles: [] })
  })

  it('does not take up what was stored when the network has changed while it was read', async () => {
    const datastore = new MemoryDatastore()
    history.recordFailure(peerId, tcp, refused)
    await history.save(datastore)
    history.forget()
    const loaded = history.load(datastore)
    history.forget()
    await loaded
    expect(history.doubt(peerId, tcp)).to.equal(undefined)
  })

  it('can forget everything', () => {
    history = new DialHistory({ backOff: false, blackHole: false }, steadyClock(clock))

    for (let i = 0; i < 200; i++) {
      history.recordFailure(peerId, quic, new TimeoutError())
    }

    expect(history.doubt(peerId, quic)).to.equal(undefined)
  })

  it('is remembered by a later run', async () => {
    const datastore = new MemoryDatastore()
    history.recordFailure(peerId, tcp, refused)
    await history.save(datastore)

    const later = new DialHistory({}, steadyClock(clock))
    await later.load(datastore)
    expect(later.doubt(peerId, tcp)).to.equal('back-off')
  })

  it('is stored with dates, whatever the clock did before', async () => {
    const datastore = new MemoryDatastore()
    clock.set(3_600_000)
    history.recordStart(tcp)
    expect(history.doubt(peerId, tcp)).to.equal(undefined)
    clock.set(-3_600_000)
    history.recordFailure(peerId, tcp, refused)
    await history.save(datastore)
    await clock.advance(4_999)

    const later = new DialHistory({}, steadyClock(clock))
    await later.load(datastore)
    expect(later.doubt(peerId, tcp)).to.equal('back-off')
    await clock.advance(1)
    expect(later.doubt(peerId, tcp)).to.equal(undefined)

    // and read as such
    await history.load(datastore)
    expect(history.doubt(peerId, tcp)).to.equal(undefined)
  })
})
