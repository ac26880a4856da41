import { DialError } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { stubInterface } from 'sinon-ts'
import { steadyClock } from '../../src/clock.ts'
import { dialReport } from '../../src/dialing/dial-failure.ts'
import { DialHistory } from '../../src/dialing/dial-history.ts'
import { DialJob } from '../../src/dialing/dial-job.ts'
import { PeerDial } from '../../src/dialing/peer-dial.ts'
import { DialDeniedError } from '../../src/errors.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { DialJobOptions } from '../../src/dialing/dial-job.ts'
import type { Address, Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const A = multiaddr('/ip4/1.2.3.4/tcp/1')
const B = multiaddr('/ip4/1.2.3.4/tcp/2')
const C = multiaddr('/ip4/1.2.3.4/tcp/3')

describe('dialing/peer-dial', () => {
  const peerId = stubPeerId()
  let clock: VirtualClock
  let history: DialHistory
  let connection: Connection

  /**
   * What is known of the peer
   */
  let known: Multiaddr[]

  /**
   * Which addresses were dialled, and when, in ms after the start
   */
  let dialled: Record<string, number>

  /**
   * How the dials of addresses end. Those that are not listed never do.
   */
  let ends: Map<Multiaddr, Error | Connection>
  let lookups: number
  let recorded: number

  beforeEach(() => {
    clock = new VirtualClock(0)
    history = new DialHistory({ backOff: { jitter: 0 } }, steadyClock(clock))
    connection = stubInterface<Connection>()
    // a stub answers every property, and would pass for a promise
    Reflect.set(connection, 'then', undefined)
    known = []
    dialled = {}
    ends = new Map()
    lookups = 0
    recorded = 0
  })

  function start (multiaddrs: Multiaddr[], options: Partial<DialJobOptions> = {}, maxPeerAddrsToDial = 25): { job: DialJob, joined: Promise<Connection>, result: Promise<Connection> } {
    const job = new DialJob({ peerId, priority: 50, multiaddrs: new Set(), ...options }, clock)
    const joined = job.join({ timeout: 10_000 }, multiaddrs)
    joined.catch(() => {})
    job.start()

    const { result } = new PeerDial(job, {
      clock,
      history,
      maxPeerAddrsToDial,
      ranker: addresses => addresses.map((address, i) => ({ address, delay: i * 250 })),
      addressBook: {
        find: async (_, multiaddrs) => {
          lookups += Number(multiaddrs.length === 0)
          const addresses = (multiaddrs.length === 0 ? known : multiaddrs).map(multiaddr => ({ multiaddr, isCertified: false }))

          if (addresses.length === 0) {
            throw new DialDeniedError('nothing is known')
          }

          return { addresses, report: { failures: [], omitted: 0 } }
        }
      },
      addressDialer: { dial },
      onAttemptFailed: async () => { recorded++ },
      onConnected: async () => { recorded++ }
    }).run()
    result.catch(() => {})

    return { job, joined, result }
  }

  async function dial ({ multiaddr }: Address): Promise<Connection> {
    dialled[multiaddr.toString()] = clock.now()
    const end = ends.get(multiaddr)

    if (end instanceof Error) {
      throw end
    }

    return end ?? new Promise(() => {})
  }

  function times (...multiaddrs: Multiaddr[]): Array<number | undefined> {
    return multiaddrs.map(multiaddr => dialled[multiaddr.toString()])
  }

  it('dials the addresses as they are ranked, and records the connection before it is returned', async () => {
    ends.set(B, connection)
    const { result } = start([A, B, C])
    await clock.advance(250)

    expect(await result).to.equal(connection)
    expect(recorded).to.equal(1)
    expect(times(A, B, C)).to.deep.equal([0, 250, undefined])
  })

  it('dials at once when both ends dial at the same moment', async () => {
    start([A, B], { initiator: false })
    await settle()
    expect(times(A, B)).to.deep.equal([0, 0])
  })

  it('closes a second connection that was there before it could be cancelled', async () => {
    const second = stubInterface<Connection>()
    Reflect.set(second, 'then', undefined)
    ends.set(A, connection).set(B, second)

    expect(await start([A, B], { initiator: true }).result).to.equal(connection)
    await settle()
    expect(second.close.callCount).to.equal(1)
  })

  it('fails with the only error, or with all of them', async () => {
    ends.set(A, new Error('a')).set(B, new Error('b'))

    await expect(start([A]).result).to.eventually.be.rejectedWith('a')
    const error = await start([A, B]).result.catch(error => error)
    expect(error).to.be.an.instanceOf(AggregateError)
    expect(error.errors.map(({ message }: Error) => message)).to.deep.equal(['a', 'b'])
    expect(dialReport(error)?.failures.map(({ multiaddr, error }) => [multiaddr, error?.message])).to.deep.equal([[A, 'a'], [B, 'b']])
    expect(recorded).to.equal(3)
  })

  it('fails as the search for addresses does', async () => {
    await expect(start([]).result).to.eventually.be.rejected.with.property('name', DialDeniedError.name)
  })

  it('dials no more than maxPeerAddrsToDial', async () => {
    ends.set(A, new Error('a')).set(B, new Error('b'))

    await expect(start([A, B], {}, 1).result).to.eventually.be.rejected.with.property('name', DialError.name)
    expect(times(A, B)).to.deep.equal([0, undefined])
  })

  it('dials what failed a short time ago after the others, when somebody asks for the peer', async () => {
    history.recordFailure(peerId, A, new Error('a'))
    start([A, B, C])
    await clock.advance(5_000)
    expect(times(B, C, A)).to.deep.equal([0, 250, 1_250])
  })

  it('does not dial what failed a short time ago when nobody asks for the peer', async () => {
    history.recordFailure(peerId, A, new Error('a'))
    ends.set(B, new Error('b'))
    const error = await start([A, B], { automatic: true }).result.catch(error => error)

    expect(error.message).to.equal('b')
    expect(times(A)).to.deep.equal([undefined])
    expect(dialReport(error)?.failures.map(({ reason }) => reason)).to.deep.equal(['back-off', 'unknown'])
    await expect(start([A], { automatic: true }).result).to.eventually.be.rejected.with.property('name', 'NoValidAddressesError')
  })

  it('dials it when somebody who asks for the peer joins', async () => {
    history.recordFailure(peerId, A, new Error('a'))
    const { job } = start([A, B], { automatic: true })
    await clock.advance(1_000)
    expect(times(A, B)).to.deep.equal([undefined, 0])

    job.options.automatic = false
    job.join({}, [A]).catch(() => {})
    await clock.advance(3_000)
    expect(times(A)[0]).to.be.greaterThan(999)
  })

  it('forgets the past when it is forced', async () => {
    history.recordFailure(peerId, A, new Error('a'))
    start([A, B], { force: true })
    await settle()
    expect(times(A)).to.deep.equal([0])
  })

  it('dials the addresses of those who join after those that run, each one once', async () => {
    const { job } = start([A])
    await clock.advance(1_000)
    job.join({}, [A, B]).catch(() => {})
    job.join({}, [B]).catch(() => {})
    await clock.advance(1_000)

    expect(times(A, B)).to.deep.equal([0, 1_250])
  })

  it('dials what is known of the peer when somebody joins without addresses, and looks it up once', async () => {
    known = [A, B]
    const { job } = start([A])
    await clock.advance(1_000)
    job.join().catch(() => {})
    job.join().catch(() => {})
    await clock.advance(1_000)

    expect(times(A, B)).to.deep.equal([0, 1_500])
    expect(lookups).to.equal(1)
  })

  it('tells who stops waiting what has failed by then', async () => {
    ends.set(A, new Error('a'))
    const { joined } = start([A, B])
    await clock.advance(10_000)
    const error = await joined.catch(error => error)

    expect(error).to.have.property('name', 'TimeoutError')
    expect(dialReport(error)?.failures.map(({ multiaddr }) => multiaddr)).to.deep.equal([A])
    expect(clock.timers).to.equal(0)
  })
})
