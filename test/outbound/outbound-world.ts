import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { MemoryDatastore } from 'datastore-core'
import { TypedEventEmitter } from 'main-event'
import { addressGroup } from '../../src/addresses/index.ts'
import { noSkips } from '../../src/outbound/outbound-stat.ts'
import { Outbound } from '../../src/outbound/outbound.ts'
import { resolveTopUp } from '../../src/outbound/top-up-config.ts'
import { reportOpen, stubConnection, stubPeerId } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { TopUpInit } from '../../src/outbound/index.ts'
import type { OutboundComponents } from '../../src/outbound/outbound.ts'
import type { Random } from '../../src/random.ts'
import type { StubConnection } from '../fixtures/connections.ts'
import type { Connection, Libp2pEvents, Peer, PeerId } from '@libp2p/interface'

/**
 * A peer of the world. Its name says in which network it is: `a1` and `a2` share one,
 * `b1` is in another.
 */
export interface WorldPeer {
  readonly name: string
  readonly peerId: PeerId
  protocols: string[]
  tags: string[]
}

export interface WorldDial {
  readonly name: string
  readonly at: number
  readonly signal: AbortSignal
  resolve(connection: Connection): void
  reject(error: Error): void
}

/**
 * A number from 0 to 1, always the same
 */
export const MIDDLE: Random = { next: () => 0.5 }

/**
 * The automatic dials of a node, on a virtual clock and without a network
 */
export class OutboundWorld {
  readonly clock = new VirtualClock(10_000_000)
  readonly events = new TypedEventEmitter<Libp2pEvents>()
  readonly datastore = new MemoryDatastore()
  readonly self = stubPeerId()
  readonly peers = new Map<string, WorldPeer>()

  /**
   * Dials that run
   */
  readonly running = new Map<string, WorldDial>()

  /**
   * All that were started
   */
  readonly started: WorldDial[] = []
  readonly open = new Map<string, StubConnection>()
  readonly banned = new Set<string>()
  readonly parked = new Set<string>()
  readonly protectedPeers = new Set<string>()
  readonly inUse = new Set<string>()
  readonly values = new Map<string, number>()
  readonly closed: string[] = []
  outbound: Outbound
  lowWater = 100

  /**
   * Set while nobody can dial the node
   */
  privateFactor?: number

  /**
   * Called when a dial begins
   */
  onDial: (name: string) => void = () => {}
  private readonly names = new Map<string, string>()

  constructor (init: TopUpInit, overrides: Partial<OutboundComponents> = {}) {
    this.outbound = this.create(init, overrides)
  }

  /**
   * Another run of the same node
   */
  create (init: TopUpInit, overrides: Partial<OutboundComponents> = {}): Outbound {
    const log = defaultLogger().forComponent('libp2p:connmgr:outbound')
    const nameOf = (peerId: PeerId): string => this.names.get(peerId.toString()) ?? 'nobody'

    this.outbound = new Outbound({
      clock: this.clock,
      random: MIDDLE,
      log,
      peerId: this.self,
      events: this.events,
      datastore: this.datastore,
      peerStore: {
        all: async (query = {}) => [...this.peers.values()].map(toStored).filter(peer => (query.filters ?? []).every(filter => filter(peer))),
        merge: async (peerId, { tags = {} }) => {
          const peer = this.peer(nameOf(peerId))
          peer.tags = peer.tags.filter(tag => !(tag in tags))

          return toStored(peer)
        }
      },
      peerRouting: { getClosestPeers: async function * () {} },
      lookUp: async peerId => {
        const peer = this.peers.get(nameOf(peerId))

        return peer == null ? undefined : toStored(peer)
      },
      isDialable: () => true,
      isPeerBanned: peerId => this.banned.has(nameOf(peerId)),
      isAddressBanned: () => false,
      connections: () => [...this.open.values()],
      connectionCount: () => this.open.size,
      lowWater: () => this.lowWater,
      privateFactor: () => this.privateFactor,
      isConnected: peerId => this.open.has(nameOf(peerId)),
      isParked: peerId => this.parked.has(nameOf(peerId)),
      groupOf: address => addressGroup(address),
      groupOfConnection: ({ remoteAddr }) => addressGroup(remoteAddr),
      dialable: async (_, multiaddrs) => [...multiaddrs],
      dial: async ([address], signal) => this.dial(nameOfAddress(address.toString()), signal),
      close: async connection => { this.disconnect(nameOf(connection.remotePeer)) },
      isInUse: connection => this.inUse.has(nameOf(connection.remotePeer)),
      isProtected: peerId => this.protectedPeers.has(nameOf(peerId)),
      valueOf: peerId => this.values.get(nameOf(peerId)) ?? 0,
      tagsOf: peerId => this.peers.get(nameOf(peerId))?.tags ?? [],
      onSkip: () => {},
      skips: noSkips(),
      ...overrides
    }, resolveTopUp(init), 10_000)

    return this.outbound
  }

  async start (): Promise<void> {
    await this.outbound.start()
    this.outbound.resume()
    await this.clock.advance(0)
  }

  /**
   * The node learns of peers
   */
  add (...names: string[]): void {
    for (const name of names) {
      const peer = { name, peerId: stubPeerId(), protocols: [], tags: [] }
      this.peers.set(name, peer)
      this.names.set(peer.peerId.toString(), name)
    }
  }

  peer (name: string): WorldPeer {
    const peer = this.peers.get(name)

    if (peer == null) {
      throw new Error(`There is no peer ${name}`)
    }

    return peer
  }

  /**
   * The running dial of a peer ends with a connection
   */
  async succeed (...names: string[]): Promise<void> {
    for (const name of names) {
      const dial = this.running.get(name)

      if (dial != null) {
        this.running.delete(name)
        dial.resolve(this.connect(name))
      }
    }

    await this.clock.advance(0)
  }

  async fail (...names: string[]): Promise<void> {
    for (const name of names) {
      const dial = this.running.get(name)
      this.running.delete(name)
      dial?.reject(new Error('Connection refused'))
    }

    await this.clock.advance(0)
  }

  /**
   * There is a connection that nobody here has dialled
   */
  connect (name: string, direction: 'inbound' | 'outbound' = 'outbound'): StubConnection {
    const connection = stubConnection({ remotePeer: this.peer(name).peerId, remoteAddr: addressOf(name), direction })
    this.open.set(name, connection)
    reportOpen(this.events, connection)

    return connection
  }

  disconnect (name: string): void {
    const connection = this.open.get(name)
    this.open.delete(name)
    this.closed.push(name)
    connection?.remoteClose()
  }

  /**
   * The names of those that were dialled since the last time
   */
  takeStarted (): string[] {
    return this.started.splice(0).map(({ name }) => name)
  }

  private async dial (name: string, signal: AbortSignal): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>()
    const dial = { name, at: this.clock.now(), signal, resolve, reject }
    this.onDial(name)
    this.running.set(name, dial)
    this.started.push(dial)
    signal.addEventListener('abort', () => {
      if (this.running.get(name) === dial) {
        this.running.delete(name)
        reject(signal.reason)
      }
    })

    return promise
  }
}

/**
 * `b3` is 21.1.0.3
 */
export function addressOf (name: string): string {
  return `/ip4/${20 + name.charCodeAt(0) - 97}.1.0.${name.slice(1)}/tcp/4001`
}

function nameOfAddress (address: string): string {
  const [, , ip] = address.split('/')
  const [network, , , host] = ip.split('.')

  return `${String.fromCharCode(Number(network) - 20 + 97)}${host}`
}

function toStored ({ name, peerId, protocols, tags }: WorldPeer): Peer {
  return {
    id: peerId,
    addresses: [{ multiaddr: multiaddr(addressOf(name)), isCertified: false }],
    protocols,
    metadata: new Map(),
    tags: new Map(tags.map(tag => [tag, { value: 1 }]))
  }
}
