import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { stubInterface } from 'sinon-ts'
import { steadyClock } from '../../src/clock.ts'
import { AddressDialer } from '../../src/dialing/address-dialer.ts'
import { AutomaticTargets } from '../../src/dialing/automatic-targets.ts'
import { DialBudgets } from '../../src/dialing/budgets.ts'
import { DialHistory } from '../../src/dialing/dial-history.ts'
import { DialJob } from '../../src/dialing/dial-job.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { DialBudgetsInit } from '../../src/dialing/budgets.ts'
import type { DialJobOptions } from '../../src/dialing/dial-job.ts'
import type { Connection, OpenConnectionProgressEvents } from '@libp2p/interface'
import type { OpenConnectionOptions } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

const TCP = multiaddr('/ip4/1.2.3.4/tcp/1')
const NEIGHBOUR = multiaddr('/ip4/1.2.9.9/tcp/1')
const PRIVATE = multiaddr('/ip4/10.0.0.1/tcp/1')

interface Dialled {
  multiaddr: Multiaddr
  options: OpenConnectionOptions
  resolve(connection: Connection): void
}

describe('dialing/address-dialer', () => {
  const peerId = stubPeerId()
  let clock: VirtualClock
  let history: DialHistory
  let budgets: DialBudgets
  let dialled: Dialled[]
  let holds: number[]
  let controller: AbortController

  beforeEach(() => {
    clock = new VirtualClock()
    history = new DialHistory({}, steadyClock(clock))
    dialled = []
    holds = []
    controller = new AbortController()
  })

  function dial (multiaddr: Multiaddr, dialer: AddressDialer, options: Partial<DialJobOptions> = {}): Promise<Connection> {
    const job = new DialJob({ peerId, priority: 50, multiaddrs: new Set(), ...options }, clock)
    const connection = dialer.dial({ multiaddr, isCertified: false }, job, {
      signal: controller.signal,
      onHandshake: hold => { holds.push(hold) }
    })
    connection.catch(() => {})

    return connection
  }

  function createDialer (init: DialBudgetsInit = {}): AddressDialer {
    budgets = new DialBudgets(init)

    return new AddressDialer({
      clock,
      history,
      budgets,
      targets: new AutomaticTargets({ clock, isNearby: () => false, isNamed: () => false, relayAddress: () => undefined }),
      transportManager: {
        dial: async (multiaddr, options: OpenConnectionOptions = {}) => new Promise<Connection>((resolve, reject) => {
          options.signal?.throwIfAborted()
          options.signal?.addEventListener('abort', () => { reject(new Error('aborted')) })
          dialled.push({ multiaddr, options, resolve })
        })
      }
    }, { timeout: () => 3_000 })
  }

  it('dials no longer than the timeout, counted from when the dial begins', async () => {
    const dialer = createDialer({ maxParallelAddressDials: 1 })
    const first = dial(TCP, dialer)
    const second = dial(PRIVATE, dialer)
    await clock.advance(2_999)
    expect(dialled).to.have.lengthOf(1)

    await clock.advance(1)
    await expect(first).to.eventually.be.rejected.with.property('name', 'TimeoutError')
    expect(history.doubt(peerId, TCP)).to.equal('back-off')

    await clock.advance(3_000)
    await expect(second).to.eventually.be.rejected.with.property('name', 'TimeoutError')
    expect(budgets.running).to.equal(0)
    expect(clock.timers).to.equal(0)
  })

  it('holds nothing against an address whose dial was cancelled', async () => {
    const connection = dial(TCP, createDialer())
    await settle()
    controller.abort(new Error('another one won'))

    await expect(connection).to.eventually.be.rejectedWith('another one won')
    expect(history.doubt(peerId, TCP)).to.equal(undefined)
    expect(budgets.running).to.equal(0)
    expect(clock.timers).to.equal(0)
  })

  it('learns nothing of the network or the address from a forced dial, as a remote may have asked for it', async () => {
    const IPv6 = multiaddr('/ip6/2606:4700::1/tcp/1')
    history = new DialHistory({ blackHole: { window: 3, minSuccesses: 1 } }, steadyClock(clock))
    const dialer = createDialer()
    const fail = async (count: number, force: boolean): Promise<void> => {
      const dials = Array.from({ length: count }, async () => dial(IPv6, dialer, { force }))
      await clock.advance(3_000)
      await Promise.allSettled(dials)
    }

    await fail(8, true)
    expect(history.blackHoles?.states.ipv6).to.equal('probing')
    expect(history.doubt(peerId, IPv6)).to.equal(undefined)

    await fail(3, false)
    expect(history.blackHoles?.states.ipv6).to.equal('blocked')
    // the next probe belongs to those who want to know
    await clock.advance(60_000)
    await fail(1, true)
    expect(history.doubt(undefined, IPv6)).to.equal(undefined)
  })

  it('holds nothing against an address that was dialled through the network of before', async () => {
    const connection = dial(TCP, createDialer())
    await settle()
    history.forget()
    await clock.advance(3_000)
    await expect(connection).to.eventually.be.rejected.with.property('name', 'TimeoutError')
    expect(history.doubt(peerId, TCP)).to.equal(undefined)
  })

  it('does not begin when it is cancelled just before', async () => {
    const dialer = createDialer()
    const connection = dial(TCP, dialer)
    controller.abort(new Error('too late'))

    await expect(connection).to.eventually.be.rejectedWith('too late')
    expect(dialled).to.be.empty()
    expect(budgets.running).to.equal(0)
  })

  it('remembers that the peer could be connected to', async () => {
    history.recordFailure(peerId, NEIGHBOUR, new Error('failed'))
    const connection = dial(TCP, createDialer())
    await settle()
    const remote = stubInterface<Connection>({ remotePeer: peerId })
    // a stub answers every property, and would pass for a promise
    Reflect.set(remote, 'then', undefined)
    dialled[0].resolve(remote)

    expect(await connection).to.equal(remote)
    expect(history.doubt(peerId, NEIGHBOUR)).to.equal(undefined)
    expect(budgets.running).to.equal(0)
  })

  it('tells when the handshake begins, which takes longer on the internet', async () => {
    const dialer = createDialer()
    dial(TCP, dialer)
    dial(PRIVATE, dialer)
    await settle()
    const events = ['tcp:open-connection', 'upgrader:encrypt-outbound-connection', 'upgrader:multiplex-outbound-connection']
    dialled.forEach(({ options }) => {
      // transports have events of their own
      events.forEach(type => options.onProgress?.({ type, detail: undefined } as OpenConnectionProgressEvents))
    })

    expect(holds).to.deep.equal([250, 30])
  })

  it('lets the dial of a relay go before those that wait for it', async () => {
    dial(TCP, createDialer(), { priority: 60, initiator: false })
    await settle()
    expect(dialled[0].options).to.include({ priority: 61, initiator: false })
  })

  it('dials few addresses of one network at the same time, unless somebody asked for them', async () => {
    const dialer = createDialer({ maxParallelDialsPerGroup: 1 })
    dial(TCP, dialer, { automatic: true })
    dial(NEIGHBOUR, dialer, { automatic: true })
    dial(NEIGHBOUR, dialer)
    await settle()
    expect(dialled.map(({ multiaddr }) => multiaddr)).to.deep.equal([TCP, NEIGHBOUR])
  })

  it('dials a host a few times without being asked, whatever its port', async () => {
    const dialer = createDialer({ maxParallelDialsPerGroup: 100 })
    const dials = Array.from({ length: 10 }, async (_, i) => dial(multiaddr(`/ip4/1.2.3.4/tcp/${i + 1}`), dialer, { peerId: stubPeerId(), automatic: true }))
    await settle()
    expect(dialled).to.have.lengthOf(4)
    await expect(dials[4]).to.eventually.be.rejected.with.property('name', 'HostRateError')
    expect(history.doubt(peerId, multiaddr('/ip4/1.2.3.4/tcp/5'))).to.be.undefined()

    dial(multiaddr('/ip4/1.2.3.4/tcp/5'), dialer)
    await settle()
    expect(dialled).to.have.lengthOf(5)
  })

  it('dials a port of a host at most eight times at once, whoever asks', async () => {
    const dialer = createDialer()
    Array.from({ length: 20 }, async () => dial(TCP, dialer, { peerId: stubPeerId() }))
    dial(multiaddr('/ip4/1.2.3.4/tcp/2'), dialer)
    await settle()
    expect(dialled).to.have.lengthOf(9)

    dialled[0].resolve(stubInterface<Connection>())
    await settle()
    expect(dialled).to.have.lengthOf(10)
  })

  it('has the relay dialled as it dials, and knows that it waits for it', async () => {
    const relay = stubPeerId().toString()
    const dialer = createDialer({ maxParallelAddressDials: 1 })
    const relayed = dial(multiaddr(`/ip4/1.2.3.4/tcp/1/p2p/${relay}/p2p-circuit`), dialer, { automatic: true })
    dial(TCP, dialer)
    await settle()
    expect(dialled).to.have.lengthOf(2)
    expect(dialled[0].options).to.include({ automatic: true })
    expect(dialer.awaits(relay)).to.be.true()

    controller.abort()
    await expect(relayed).to.eventually.be.rejected()
    expect(dialer.awaits(relay)).to.be.false()
  })

  it('counts WebSockets as TCP', async () => {
    const dialer = createDialer({ maxParallelDialsPerTransport: { tcp: 1 } })
    dial(TCP, dialer)
    dial(multiaddr('/dns4/a.org/tcp/443/wss'), dialer)
    await settle()
    expect(dialled).to.have.lengthOf(1)
  })
})
