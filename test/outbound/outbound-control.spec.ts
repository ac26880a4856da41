import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import { OutboundControl } from '../../src/outbound/outbound-control.ts'
import { noSkips } from '../../src/outbound/outbound-stat.ts'
import { stubPeerId } from '../fixtures/connections.ts'
import type { OutboundControlComponents } from '../../src/outbound/outbound-control.ts'
import type { PeerId } from '@libp2p/interface'

type TopUp = Awaited<ReturnType<NonNullable<OutboundControlComponents['loadTopUp']>>>

const TARGET = 8

describe('outbound/outbound-control', () => {
  let calls: string[]

  beforeEach(() => {
    calls = []
  })

  /**
   * A part that does nothing but note what it is told
   */
  function part <T extends object> (name: string): T {
    return new Proxy({}, {
      // it is returned by an async function, which asks whether it is a promise
      get: (_, method) => method === 'then' ? undefined : async () => { calls.push(`${name} ${String(method)}`) }
    }) as T
  }

  function control (loadTopUp?: () => Promise<TopUp>): OutboundControl {
    return new OutboundControl({
      log: defaultLogger().forComponent('libp2p:connmgr:outbound'),
      loadTopUp,
      target: TARGET,
      skips: noSkips(),
      staticPeers: part('static'),
      relayedPeers: part('relayed'),
      reconnectQueue: part('reconnect')
    })
  }

  it('tells the target before what dials up to it was fetched', () => {
    const { stat } = control(async () => part('top-up'))

    expect(stat).to.include({ target: TARGET, connected: 0, dialling: 0, paused: true })
    expect(stat.skipped.banned).to.equal(0)
  })

  it('has fetched it when it is started, once', async () => {
    let fetched = 0
    const outbound = control(async () => {
      fetched++

      return part('top-up')
    })
    await outbound.load()
    await outbound.start()
    await outbound.stop()
    await outbound.start()
    outbound.afterStart()

    expect(fetched).to.equal(1)
    expect(calls.filter(call => call.startsWith('top-up'))).to.deep.equal(['top-up start', 'top-up stop', 'top-up start', 'top-up resume'])
  })

  it('tells it on whom the user has hung up before, and not on whom he has dialled since', async () => {
    const left: string[] = []
    const [gone, back] = [stubPeerId(), stubPeerId()]
    const outbound = control(async () => ({ ...part<TopUp>('top-up'), hangUp: (peerId: PeerId) => { left.push(peerId.toString()) } }) as TopUp)
    outbound.hangUp(gone, false)
    outbound.hangUp(back, false)
    outbound.want(back)
    await outbound.load()
    await outbound.load()

    expect(left).to.deep.equal([gone.toString()])
  })

  it('does not start what is fetched after it was stopped', async () => {
    const { promise, resolve } = Promise.withResolvers<TopUp>()
    const outbound = control(async () => promise)
    const started = outbound.start()
    await outbound.stop()
    resolve(part('top-up'))
    await started

    expect(calls).to.not.include('top-up start')
  })

  it('does not start without it', async () => {
    const outbound = control(async () => { throw new Error('Not found') })

    await expect(outbound.start()).to.eventually.be.rejectedWith('Not found')
  })

  it('needs nothing of it without a target', async () => {
    const outbound = control()
    await outbound.start()
    outbound.afterStart()
    outbound.networkChanged()

    expect(calls).to.include.members(['static start', 'static networkChanged', 'reconnect start'])
  })
})
