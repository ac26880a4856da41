import { generateKeyPair } from '@libp2p/crypto/keys'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { Agenda } from '../../../src/reachability/agenda.ts'
import { Announcer } from '../../../src/reachability/probing/announcer.ts'
import { Prober } from '../../../src/reachability/probing/prober.ts'
import { resolveOptions } from '../../../src/reachability/resolve-options.ts'
import { settle, VirtualClock } from '../../fixtures/virtual-clock.ts'
import type { ProbeInit } from '../../../src/reachability/options.ts'
import type { AddressOrigin } from '../../../src/reachability/probing/candidates.ts'
import type { DialVerdict } from '../../../src/reachability/probing/messages.ts'
import type { ProberComponents } from '../../../src/reachability/probing/prober.ts'
import type { Connection, PeerId } from '@libp2p/interface'
import type { NodeAddress } from '@libp2p/interface-internal'

const ADDRESS = '/ip4/81.2.69.10/tcp/4001'

describe('prober', () => {
  let clock: VirtualClock
  let asked: Array<{ address: string, at: number, server: string }>
  let events: string[]
  let addresses: NodeAddress[]
  let verdict: DialVerdict
  let origin: AddressOrigin
  let walks: number
  let redialled: number
  let connections: number
  let lies: string[]
  let hangs: boolean
  let random: number[]
  let prober: Prober

  function create (init: ProbeInit = {}): Prober {
    clock = new VirtualClock(0)
    asked = []
    events = []
    addresses = [{ multiaddr: multiaddr(ADDRESS), type: 'ip-mapping', verified: false, expires: 0 }]
    verdict = 'reachable'
    origin = 'mapped'
    walks = 0
    redialled = 0
    connections = 1
    lies = []
    hangs = false
    random = []

    const addressManager = {
      getAddressesWithMetadata: () => addresses.map(entry => ({ ...entry })),
      confirmObservedAddr: (ma: { equals(other: unknown): boolean }) => { addresses.filter(entry => ma.equals(entry.multiaddr)).forEach(entry => { entry.verified = true }) },
      removeObservedAddr: (ma: { equals(other: unknown): boolean }) => { addresses.filter(entry => ma.equals(entry.multiaddr)).forEach(entry => { entry.verified = false }) }
    }
    const components = {
      addressManager,
      connectionManager: {
        getConnections: () => Array.from({ length: connections }, () => ({})),
        getMaxConnections: () => 10,
        openConnection: async () => {
          redialled++
          throw new Error('No')
        }
      },
      peerStore: { get: async () => ({ addresses: [] }) },
      randomWalk: {
        walk: async function * () {
          walks++
          yield * []
        }
      }
    } as unknown as ProberComponents

    prober = new Prober({
      components,
      autonat: {
        probe: async (address, connection, signal) => {
          asked.push({ address: address.toString(), at: clock.now(), server: connection.remotePeer.toString() })

          if (hangs) {
            await new Promise<void>(resolve => { signal.addEventListener('abort', () => { resolve() }) })

            return 'failed'
          }

          return verdict
        }
      },
      announcer: new Announcer(components),
      agenda: new Agenda(clock, err => { throw err }),
      clock,
      random: { next: () => random.shift() ?? 0.5 },
      options: resolveOptions({ probe: init }).probe,
      log: defaultLogger().forComponent('test'),
      originOf: () => origin,
      onChange: (type, { success, failure }) => { events.push(`${type} ${success}:${failure}`) },
      onLie: ({ server, addr }) => { lies.push(`${server} ${addr}`) },
      onProbe: () => {},
      onUpdate: () => {}
    })

    return prober
  }

  async function connect (count: number): Promise<PeerId[]> {
    return Promise.all(Array.from({ length: count }, async (_, i) => connectFrom(`${asked.length + i + 5}.5.5.5`)))
  }

  async function connectFrom (ip: string, peer?: PeerId): Promise<PeerId> {
    const remotePeer = peer ?? peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    prober.addServer({ remotePeer, remoteAddr: multiaddr(`/ip4/${ip}/tcp/1`), status: 'open', timeline: { open: 0 } } as unknown as Connection)
    await settle()

    return remotePeer
  }

  afterEach(() => {
    prober.stop()
  })

  it('asks three servers about a mapped address at once, and again after an hour', async () => {
    create().start()
    await connect(5)
    await settle()

    expect(asked).to.have.lengthOf(3)
    expect(events).to.deep.equal(['verifying 0:0', 'reachable 1:0'])
    expect(addresses[0].verified).to.be.true()
    await clock.advance(3_599_000)
    expect(asked).to.have.lengthOf(3)
    await clock.advance(1_000)
    expect(asked).to.have.lengthOf(6)
  })

  it('waits a second before it asks about an address that nobody mapped', async () => {
    create()
    origin = 'direct'
    prober.start()
    await connect(1)
    expect(asked).to.be.empty()
    await clock.advance(1_000)
    expect(asked).to.have.lengthOf(1)
  })

  it('needs two servers for an address that somebody may have forwarded', async () => {
    create({ newAddressDelay: 0 })
    origin = 'forwarded'
    prober.start()
    await connect(1)
    expect(addresses[0].verified).to.be.false()
    await connect(1)
    await settle()
    expect(addresses[0].verified).to.be.true()
  })

  it('knows after two servers that an address is unreachable, and asks again after five minutes', async () => {
    create()
    verdict = 'unreachable'
    prober.start()
    await connect(3)
    await settle()

    expect(events).to.deep.equal(['verifying 0:0', 'unreachable 0:2'])
    verdict = 'reachable'
    await clock.advance(300_000)
    expect(events.at(-1)).to.match(/^reachable/)
  })

  it('asks one server of each network', async () => {
    create({ newAddressDelay: 1_000 })
    origin = 'direct'
    prober.start()
    const crowd = await Promise.all(Array.from({ length: 5 }, async (_, i) => connectFrom(`45.1.${i}.2`)))
    const other = await connectFrom('62.1.1.1')
    await clock.advance(1_000)

    expect(asked.map(({ server }) => crowd.some(peer => peer.toString() === server))).to.have.members([true, false])
    expect(asked.map(({ server }) => server)).to.include(other.toString())
  })

  it('asks in an order that nobody knows', async () => {
    create({ newAddressDelay: 1_000, concurrency: 1 })
    verdict = 'refused'
    origin = 'direct'
    prober.start()
    const peers = []

    for (const ip of ['45.1.1.1', '62.1.1.1', '77.1.1.1']) {
      peers.push(await connectFrom(ip))
    }

    // one of each network, then which network is first
    random = [0, 0, 0, 0.3, 0.1, 0.2]
    await clock.advance(1_000)

    expect(asked[0].server).to.equal(peers[1].toString())
  })

  it('does not ask again who claims to have dialled what it did not, nor whoever else is at its address, and tells of it', async () => {
    create()
    verdict = 'lied'
    prober.start()
    const liar = await connectFrom('45.1.1.1')
    expect(lies).to.deep.equal([`${liar} ${ADDRESS}`])
    expect(prober.hasServers).to.be.false()
    expect(addresses[0].verified).to.be.false()

    await connectFrom('62.1.1.1', liar)
    await connectFrom('45.1.1.1')
    prober.stop()
    prober.start()
    await connectFrom('62.1.1.1', liar)
    await clock.advance(600_000)
    expect(asked).to.have.lengthOf(1)

    verdict = 'reachable'
    await connectFrom('45.1.1.2')
    await clock.advance(600_000)
    expect(asked).to.have.lengthOf(2)
    expect(addresses[0].verified).to.be.true()
  })

  it('does not conclude anything from failures when there is no room for a dial back', async () => {
    create()
    verdict = 'unreachable'
    connections = 8
    prober.start()
    await connect(3)

    expect(events).to.deep.equal(['verifying 0:0'])
  })

  it('leaves a server that rejects alone for two minutes', async () => {
    create()
    verdict = 'rejected'
    prober.start()
    await connect(1)
    await clock.advance(119_000)
    expect(asked).to.have.lengthOf(1)
    // the address waits between rounds in which nobody could be asked
    await clock.advance(40_000)
    expect(asked).to.have.lengthOf(2)
  })

  it('does not ask the same server about the same address again and again', async () => {
    create()

    for (verdict of ['refused', 'dial-back-failed', 'failed'] as const) {
      asked = []
      prober.start()
      await connect(1)
      await settle()
      await clock.advance(4_000)
      expect(asked).to.have.lengthOf(1)
      prober.stop()
    }
  })

  it('looks for servers while there are none, less and less often', async () => {
    create().start()
    await clock.advance(60_000)
    expect(walks).to.be.within(3, 6)
    const [peer] = await connect(1)
    expect(asked).to.have.lengthOf(1)
    prober.removeServer(peer)
    expect(prober.hasServers).to.be.false()
  })

  it('looks for none if it shall not', async () => {
    create({ walk: 'never' }).start()
    await clock.advance(60_000)
    expect(walks).to.equal(0)
  })

  it('makes new connections when the network changed, and asks over old ones if that fails', async () => {
    create().start()
    await connect(2)
    await settle()
    asked = []
    addresses = [{ ...addresses[0], multiaddr: multiaddr('/ip4/81.2.69.77/tcp/4001') }]
    prober.networkChanged()
    prober.update()
    expect(redialled).to.equal(2)
    await settle()
    expect(asked.map(({ address }) => address)).to.deep.equal(['/ip4/81.2.69.77/tcp/4001', '/ip4/81.2.69.77/tcp/4001'])
  })

  it('makes new connections to servers that were lost before it was told that the network changed', async () => {
    create().start()
    const peers = await connect(2)
    await settle()
    peers.forEach(peer => { prober.removeServer(peer) })
    prober.networkChanged()
    expect(redialled).to.equal(2)
  })

  it('gives up the requests that run when the network changes, and holds it against nobody', async () => {
    create()
    hangs = true
    prober.start()
    await connect(3)
    expect(asked).to.have.lengthOf(3)

    hangs = false
    addresses = [{ ...addresses[0], multiaddr: multiaddr('/ip4/81.2.69.77/tcp/4001') }]
    prober.networkChanged()
    prober.update()
    await settle()

    expect(asked.slice(3).map(({ address }) => address)).to.deep.equal(Array.from({ length: 3 }, () => '/ip4/81.2.69.77/tcp/4001'))
    expect(addresses[0].verified).to.be.true()
  })

  it('forgets an address that was withdrawn', async () => {
    create().start()
    await connect(1)
    await settle()
    prober.withdraw({ family: 4, host: '81.2.69.10', port: 4001, protocol: 'tcp' })

    expect(addresses[0].verified).to.be.false()
    expect(prober.getAddresses()).to.be.empty()
  })
})
