import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { DialBacks, LATE_DIAL_BACK } from '../../../src/reachability/probing/dial-backs.ts'
import { VirtualClock } from '../../fixtures/virtual-clock.ts'
import type { DialBackOutcome, ExpectedDialBack } from '../../../src/reachability/probing/dial-backs.ts'
import type { Connection } from '@libp2p/interface'

const ADDRESS = multiaddr('/ip4/81.2.69.10/tcp/4001')
const { signal } = new AbortController()

describe('dial-backs', () => {
  let clock: VirtualClock
  let open: Connection[]
  let dialBacks: DialBacks

  beforeEach(() => {
    clock = new VirtualClock()
    open = []
    dialBacks = new DialBacks({ clock, log: defaultLogger().forComponent('test'), timeout: 1_000, getConnections: () => open })
  })

  function connection (more: Partial<Connection> & { maConn?: object } = {}): Connection {
    return { id: 'new', direction: 'inbound', remoteAddr: multiaddr('/ip4/5.5.5.5/tcp/50000'), ...more } as unknown as Connection
  }

  async function outcome (expected: ExpectedDialBack): Promise<DialBackOutcome> {
    const promise = expected.outcome(clock, signal)
    await clock.advance(LATE_DIAL_BACK)

    return promise
  }

  it('prove an address when they open a connection through it', async () => {
    const expected = dialBacks.expect(ADDRESS)

    expect(expected.arrive(connection())).to.be.true()
    expect(await expected.outcome(clock, signal)).to.equal('proven')
  })

  it('prove nothing over a connection that was open before the request, nor over one that this node opened', async () => {
    open = [connection({ id: 'old' })]
    const expected = dialBacks.expect(ADDRESS)

    expect(expected.arrive(open[0])).to.be.false()
    expect(expected.arrive(connection({ direction: 'outbound' }))).to.be.false()
    expect(await outcome(expected)).to.equal('none')
  })

  it('prove nothing through a hole that was punched, which this node helped to make', async () => {
    const expected = dialBacks.expect(ADDRESS)

    expect(expected.arrive(connection({ maConn: { direction: 'outbound' } }))).to.be.false()
    expect(await outcome(expected)).to.equal('none')
    expect(expected.arrive(connection({ maConn: { direction: 'inbound' } }))).to.be.true()
  })

  ;['/ip4/5.5.5.5/udp/4001/quic-v1', '/ip6/2a02::1/tcp/4001', '/memory/1', '/ip4/5.5.5.5/tcp/1/p2p/12D3KooWJyivmZZNmhYcTWUwE3Rx4dey635v8kV6JNRhNgKFCGqY/p2p-circuit'].forEach(from => {
    it(`from ${from} do not prove a TCP address of IPv4`, async () => {
      const expected = dialBacks.expect(ADDRESS)
      expected.arrive(connection({ remoteAddr: multiaddr(from) }))

      expect(await outcome(expected)).to.equal('elsewhere')
    })
  })

  it('are waited for a moment after the answer that tells of them', async () => {
    const expected = dialBacks.expect(ADDRESS)
    const late = expected.outcome(clock, signal)
    await clock.advance(LATE_DIAL_BACK - 1)
    expected.arrive(connection())

    expect(await late).to.equal('proven')
    expect(clock.timers).to.equal(0)
  })
})
