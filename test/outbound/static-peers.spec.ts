import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { TypedEventEmitter } from 'main-event'
import { StaticPeers, TrustedPeers } from '../../src/outbound/index.ts'
import { Protection } from '../../src/trimming/protection.ts'
import { reportOpen, stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { StubConnection } from '../fixtures/connections.ts'
import type { Libp2pEvents, PeerId } from '@libp2p/interface'

describe('outbound: static peers', () => {
  const self = stubPeerId()
  const address = '/ip4/192.0.2.1/tcp/4001'
  let peerId: PeerId
  let clock: VirtualClock
  let events: TypedEventEmitter<Libp2pEvents>
  let connection: StubConnection | undefined
  let relayed: StubConnection | undefined
  let leadsToRelay: boolean
  let told: number
  let dials: Array<{ at: number, multiaddrs: string[] }>
  let lookUps: number[]
  let found: string[]
  let isReachable: boolean
  let isSilent: boolean
  let isParked: boolean
  let peers: StaticPeers
  let protection: Protection

  beforeEach(() => {
    peerId = stubPeerId()
    clock = new VirtualClock()
    events = new TypedEventEmitter()
    connection = undefined
    relayed = undefined
    leadsToRelay = false
    told = 0
    dials = []
    lookUps = []
    found = []
    isReachable = true
    isSilent = false
    isParked = false
    protection = new Protection()
    peers = new StaticPeers({
      clock,
      random: { next: () => 0 },
      log: Object.assign(() => {}, defaultLogger().forComponent('libp2p:connmgr:outbound'), { error: () => { told++ } }),
      peerId: self,
      events,
      dialTimeout: 10_000,
      protection: {
        protect: (peer, tag) => { protection.protect(peer.toString(), tag) },
        unprotect: (peer, tag) => protection.unprotect(peer.toString(), tag)
      },
      isConnected: (_, { limited = false } = {}) => connection?.status === 'open' || (limited && relayed?.status === 'open'),
      isParked: () => isParked,
      lookUp: async () => undefined,
      findPeer: async id => {
        lookUps.push(clock.now())

        return { id, multiaddrs: found.map(text => multiaddr(text)) }
      },
      dial: async (multiaddrs, signal) => {
        dials.push({ at: clock.now(), multiaddrs: multiaddrs.map(String) })

        if (isSilent) {
          await new Promise((resolve, reject) => { signal.addEventListener('abort', () => { reject(signal.reason) }) })
        }

        if (!isReachable) {
          throw new Error('Unreachable')
        }

        return leadsToRelay ? connectRelayed() : connect()
      }
    })
  })

  afterEach(async () => {
    peers.stop()
    await settle()
    expect(clock.timers).to.equal(0)
  })

  function connect (): StubConnection {
    connection = reportOpen(events, stubConnection({ remotePeer: peerId, direction: 'outbound' }))

    return connection
  }

  function connectRelayed (): StubConnection {
    relayed = reportOpen(events, stubConnection({ remotePeer: peerId, direction: 'inbound', limits: { seconds: 120 } }))

    return relayed
  }

  async function lose (): Promise<void> {
    connection?.remoteClose()
    events.safeDispatchEvent('peer:disconnect', { detail: peerId })
    await clock.advance(0)
  }

  async function start (): Promise<void> {
    peers.add(`${address}/p2p/${peerId}`)
    peers.start()
    await clock.advance(0)
  }

  function gaps (): number[] {
    return dials.map(({ at }, i) => at - (dials[i - 1]?.at ?? at)).slice(1)
  }

  it('are dialled when the node starts, at their address', async () => {
    await start()
    expect(dials.map(({ multiaddrs }) => multiaddrs)).to.deep.equal([[`${address}/p2p/${peerId}`]])
    expect(peers.list()).to.have.nested.property('[0].state', 'connected')
    expect(protection.isProtected(peerId.toString(), 'static')).to.be.true()
  })

  it('that were closed to make room are dialled when there is some', async () => {
    await start()
    isParked = true
    await lose()
    await clock.advance(120_000)
    expect(dials).to.have.lengthOf(1)
    expect(peers.list()).to.have.nested.property('[0].state', 'parked')

    isParked = false
    peers.check()
    await clock.advance(1_000)
    expect(dials).to.have.lengthOf(2)
  })

  it('are dialled after 1 s, 2 s, 4 s and so on up to 5 min, for ever', async () => {
    isReachable = false
    await start()
    await clock.advance(3_600_000)
    expect(gaps().slice(0, 11)).to.deep.equal([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000])
    expect(clock.now() - (dials.at(-1)?.at ?? 0)).to.be.at.most(300_000)
  })

  it('sessions of less than 30 s do not make up for failures, one of 30 s does', async () => {
    await start()

    for (const { session, wait } of [{ session: 100, wait: 1_000 }, { session: 29_999, wait: 2_000 }, { session: 1, wait: 4_000 }, { session: 30_000, wait: 1_000 }, { session: 60_000, wait: 1_000 }]) {
      await clock.advance(session)
      await lose()
      const before = dials.length
      await clock.advance(wait - 1)
      expect(dials, `${wait} ms after ${session} ms`).to.have.lengthOf(before)
      await clock.advance(1)
      expect(dials, `${wait} ms after ${session} ms`).to.have.lengthOf(before + 1)
    }
  })

  it('are dialled although no event has told that they are gone', async () => {
    await start()
    await clock.advance(60_000)
    connection = undefined
    await clock.advance(31_000)
    expect(dials).to.have.lengthOf(2)
  })

  it('a dial that never ends is given up', async () => {
    isSilent = true
    await start()
    await clock.advance(11_000)
    expect(dials).to.have.lengthOf(2)
  })

  it('others are asked where a peer is after it could not be dialled, less often each time', async () => {
    isReachable = false
    await start()
    await clock.advance(24 * 3_600_000)
    const waits = lookUps.map((at, i) => at - lookUps[i - 1]).slice(1)
    const minimum = [60_000, 120_000, 240_000, 480_000, 960_000, 1_920_000, 3_600_000, 3_600_000]
    minimum.forEach((wait, i) => {
      expect(waits[i]).to.be.at.least(wait)
      // it is asked with the dial that follows
      expect(waits[i]).to.be.below(wait + 300_000)
    })
  })

  it('is dialled where others say that it is', async () => {
    isReachable = false
    found = ['/ip4/192.0.2.2/tcp/4001']
    await start()
    expect(dials.map(({ multiaddrs }) => multiaddrs)).to.deep.equal([
      [`${address}/p2p/${peerId}`],
      [`/ip4/192.0.2.2/tcp/4001/p2p/${peerId}`]
    ])
  })

  it('one that was hung up on is left alone, whatever happens, until it connects', async () => {
    await start()
    peers.hangUp(peerId)
    await lose()
    peers.networkChanged()
    await clock.advance(3_600_000)
    expect(dials).to.have.lengthOf(1)
    expect(peers.list()).to.have.nested.property('[0].state', 'hung-up')

    connect()
    await lose()
    await clock.advance(1_000)
    expect(dials).to.have.lengthOf(2)
  })

  it('hanging up ends the dial that runs', async () => {
    isSilent = true
    await start()
    peers.hangUp(peerId)
    await clock.advance(3_600_000)
    expect(dials).to.have.lengthOf(1)
  })

  it('one that was hung up on is dialled when it is added again', async () => {
    await start()
    peers.hangUp(peerId)
    await lose()
    peers.add(peerId)
    await clock.advance(0)
    expect(dials).to.have.lengthOf(2)
    expect(peers.size).to.equal(1)
  })

  it('one that was removed is left alone, and not protected', async () => {
    isReachable = false
    await start()
    expect(peers.remove(peerId)).to.be.true()
    expect(peers.remove(peerId)).to.be.false()
    await clock.advance(3_600_000)
    expect(dials).to.have.lengthOf(1)
    expect(protection.size).to.equal(0)
  })

  it('are dialled at once when the network has changed', async () => {
    isReachable = false
    await start()
    await clock.advance(3_600_000 - 1)
    const before = dials.length
    peers.networkChanged()
    await clock.advance(0)
    expect(dials).to.have.lengthOf(before + 1)
  })

  it('forget when the network changes how long to wait, whether they are paused or not, and whom they had asked', async () => {
    isReachable = false
    await start()
    await clock.advance(3_600_000 - 1)
    const asked = lookUps.length
    peers.stop()
    peers.networkChanged()
    peers.start()
    await clock.advance(0)
    expect(dials.at(-1)).to.have.property('at', clock.now())
    expect(lookUps).to.have.lengthOf(asked + 1)
  })

  it('give up a dial through the network of before when it changes, and dial anew', async () => {
    isSilent = true
    await start()
    await clock.advance(5_000)
    isSilent = false
    expect(peers.networkChanged()).to.equal(1)
    await clock.advance(0)
    expect(dials).to.have.lengthOf(2)
    expect(peers.list()).to.have.nested.property('[0].state', 'connected')
    expect(peers.networkChanged()).to.equal(0)
  })

  it('are not connected while they are only over a limited relay, and dialled at their direct addresses until they are', async () => {
    connectRelayed()
    isReachable = false
    const viaRelay = `/ip4/192.0.2.9/tcp/1/p2p/${stubPeerId()}/p2p-circuit/p2p/${peerId}`
    peers.add(viaRelay)
    await start()
    await clock.advance(20_000)
    expect(gaps()).to.deep.equal([1_000, 2_000, 4_000, 8_000])
    expect(dials.every(({ multiaddrs }) => multiaddrs.join() === `${address}/p2p/${peerId}`)).to.be.true()
    expect(peers.list()).to.have.nested.property('[0].state', 'waiting')

    isReachable = true
    await clock.advance(20_000)
    expect(peers.list()).to.have.nested.property('[0].state', 'connected')
  })

  it('are dialled again when the direct connection is lost and the relayed one is left', async () => {
    connectRelayed()
    await start()
    expect(dials).to.have.lengthOf(1)
    const direct = connection
    direct?.remoteClose()
    events.safeDispatchEvent('connection:close', { detail: direct })
    await clock.advance(1_000)
    expect(dials).to.have.lengthOf(2)
  })

  it('wait longer each time a dial leads to a limited relay only', async () => {
    leadsToRelay = true
    await start()
    await clock.advance(10_000)
    expect(gaps()).to.deep.equal([1_000, 2_000, 4_000])
    expect(peers.list()).to.have.nested.property('[0].failures', 4)
  })

  it('leave out the node itself, and tell so once', async () => {
    peers.add(`${address}/p2p/${self}`)
    peers.add(self)
    peers.start()
    await clock.advance(60_000)
    expect(dials).to.be.empty()
    expect(peers.list()).to.be.empty()
    expect(protection.size).to.equal(0)
    expect(told).to.equal(1)
  })

  it('stopped they are left alone, and started again they are dialled', async () => {
    await start()
    peers.stop()
    await lose()
    await clock.advance(3_600_000)
    expect(dials).to.have.lengthOf(1)
    expect(clock.timers).to.equal(0)
    peers.start()
    await clock.advance(1_000)
    expect(dials).to.have.lengthOf(2)
  })

  it('are nothing but peers and their addresses', () => {
    const inputs: unknown[] = ['/ip4/192.0.2.1/tcp/4001', '/ip4/192.0.2.1', 'nobody', '', '/p2p/nobody', 7, null, {}, []]

    inputs.forEach(input => {
      // @ts-expect-error not of the right type
      expect(() => { peers.add(input) }).to.throw().with.property('option', 'peer')
      // @ts-expect-error not of the right type
      expect(() => { peers.remove(input) }).to.throw().with.property('name', 'InvalidParametersError')
    })
  })

  it('trusted peers are protected until they are not trusted any more', () => {
    const trusted = new TrustedPeers({
      protect: (peer, tag) => { protection.protect(peer.toString(), tag) },
      unprotect: (peer, tag) => protection.unprotect(peer.toString(), tag)
    }, [peerId.toString()])

    expect(trusted.has(peerId)).to.be.true()
    expect(trusted.list().map(String)).to.deep.equal([peerId.toString()])
    expect(protection.isProtected(peerId.toString(), 'trusted')).to.be.true()
    expect(trusted.remove(peerId)).to.be.true()
    expect(trusted.remove(peerId)).to.be.false()
    expect(protection.isProtected(peerId.toString())).to.be.false()
    // @ts-expect-error an address is no peer
    expect(() => { trusted.add(multiaddr(address)) }).to.throw().with.property('option', 'peer')
  })
})
