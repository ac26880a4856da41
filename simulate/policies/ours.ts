import { NotFoundError } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { isMultiaddr } from '@multiformats/multiaddr'
import { MemoryDatastore } from 'datastore-core'
import { TypedEventEmitter } from 'main-event'
import { addressGroup } from '../../src/addresses/index.ts'
import { steadyClock } from '../../src/clock.ts'
import { resolveConfig } from '../../src/config.ts'
import { autoScale } from '../../src/resources/index.ts'
import { createOutbound, createRooms, startRooms } from '../../src/wiring/index.ts'
import { SimulatedConnection, SimulatedHandshake, SimulatedStream, APPLICATION_PROTOCOL } from '../simulated-connection.ts'
import { SimulatedNode } from '../simulated-node.ts'
import type { ConnectionManagerConfig, ConnectionManagerInit } from '../../src/config.ts'
import type { OutboundControl } from '../../src/outbound/index.ts'
import type { OutboundNodeComponents, OutboundTargets, Rooms, RoomsContext } from '../../src/wiring/index.ts'
import type { Link } from '../link.ts'
import type { Policy, PolicyInit, PolicyWorld } from '../policy.ts'
import type { AbortOptions, Connection, DialTarget, Libp2pEvents, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The machine that the limits are made for, in bytes of memory and file descriptors.
 * On a larger one they are higher, and `maxConnections` decides alone.
 */
export const MACHINE = { memory: 32 * 2 ** 30, fileDescriptors: 65_536 }

/**
 * In ms: `inboundUpgradeTimeout` of libp2p
 */
const HANDSHAKE_TIMEOUT = 10_000

const USEFUL_TAG = 'useful'

/**
 * What is asked for: whether an address can be dialled at all
 */
const ANY_TRANSPORT = { dialTransportForMultiaddr: () => ({}) } as unknown as OutboundNodeComponents['transportManager']

/**
 * All that can be found is in the peer store
 */
const NO_ROUTING: OutboundNodeComponents['peerRouting'] = {
  findPeer: async () => { throw new NotFoundError('There is no peer routing') },
  getClosestPeers: async function * () {}
}

/**
 * The connection manager of this package, without the node around it: its rooms are
 * put together as in a node, and their outbound part dials in the simulated network
 */
export class OurPolicy implements Policy {
  readonly name = 'ours'
  readonly handshakeTimeout = HANDSHAKE_TIMEOUT
  private readonly world: PolicyWorld
  private readonly config: ConnectionManagerConfig
  private readonly events = new TypedEventEmitter<Libp2pEvents>()
  private readonly log = defaultLogger().forComponent('libp2p:connmgr:simulation')
  private readonly rooms: Rooms
  private readonly outbound: OutboundControl
  private readonly handshakes = new Map<Link, SimulatedHandshake>()
  private readonly connections = new Map<Link, SimulatedConnection>()

  constructor (world: PolicyWorld, init: PolicyInit, options: ConnectionManagerInit = {}) {
    const { random } = init
    this.world = world
    this.config = resolveConfig({
      maxConnections: init.maxConnections,
      lowWater: init.lowWater,
      limits: autoScale(MACHINE),

      // both look at the process, and would make the result depend on the machine
      load: false,
      liveness: false,
      ...options,
      outbound: { target: init.outbound, ...options.outbound }
    })

    const node = {
      peerId: new SimulatedNode(-1, 0, { isHonest: true, rtt: 0, value: 0 }).peerId,
      peerStore: world.peerStore,
      datastore: new MemoryDatastore(),
      events: this.events,
      logger: defaultLogger(),
      transportManager: ANY_TRANSPORT,
      peerRouting: NO_ROUTING
    }
    const context: RoomsContext = {
      clock: steadyClock(world.clock),
      random,
      log: this.log,
      emit: () => {},
      hashKey: [random.word(), random.word()]
    }
    const dialer = { openConnection: async (target: DialTarget, { signal }: AbortOptions = {}) => this.dial(firstAddress(target), signal) }

    this.rooms = createRooms(node, this.config, context)
    const targets: OutboundTargets = {
      dialable: async (_, multiaddrs) => [...multiaddrs],
      groupOf: multiaddr => addressGroup(multiaddr),
      groupOfConnection: ({ remoteAddr }) => addressGroup(remoteAddr)
    }
    this.outbound = createOutbound({ node, rooms: this.rooms, targets, dialer, connectionManager: dialer }, this.config).outbound
  }

  async start (): Promise<void> {
    await startRooms(this.rooms)
    await this.outbound.start()
    this.outbound.afterStart()
  }

  /**
   * Never trim or evict a peer
   */
  protect ({ peerId }: SimulatedNode): void {
    this.rooms.standing.protect(peerId, 'simulation')
  }

  accept (link: Link): boolean {
    const handshake = new SimulatedHandshake(link, this.world.clock.now())

    if (!this.rooms.charges.accept(handshake.asMultiaddrConnection())) {
      return false
    }

    this.world.clock.unsettle()
    this.handshakes.set(link, handshake)

    return true
  }

  opened (link: Link): boolean {
    const handshake = this.handshakes.get(link)
    this.world.clock.unsettle()

    if (handshake == null) {
      throw new Error('The connection was not accepted')
    }

    this.handshakes.delete(link)

    // it had to give way to another one
    if (handshake.status !== 'open') {
      this.rooms.pending.acceptedUpgradeEnded()

      return false
    }

    const refusal = this.rooms.charges.identify(handshake.asMultiaddrConnection(), link.node.peerId.toString())

    if (refusal != null) {
      handshake.fail()
      this.rooms.pending.acceptedUpgradeEnded()

      return false
    }

    this.open(link, handshake.timeline)
    this.rooms.pending.acceptedUpgradeEnded()

    return true
  }

  failed (link: Link): void {
    this.handshakes.get(link)?.fail()
    this.handshakes.delete(link)
    this.rooms.pending.acceptedUpgradeEnded()
    this.world.clock.unsettle()
  }

  closed (link: Link): void {
    this.world.clock.unsettle()
    this.connections.get(link)?.finish('closed')
  }

  used (link: Link, isFirst: boolean): void {
    const connection = this.connections.get(link)

    if (connection == null) {
      return
    }

    if (isFirst) {
      this.rooms.standing.tag(connection.remotePeer, USEFUL_TAG, link.node.value)
      this.rooms.use.onStream(connection.addStream(), connection)
    } else {
      this.rooms.use.onStream(new SimulatedStream(APPLICATION_PROTOCOL, 'closed') as unknown as Stream, connection)
    }
  }

  violations (): string[] {
    const { pipeline, resources, table } = this.rooms
    const { usage, limits } = resources.scopeStat('system') ?? {}
    const found: string[] = []

    if (usage != null && Number(limits?.connections) < usage.connections) {
      found.push(`${usage.connections} of ${String(limits?.connections)} connections reserved`)
    }

    if (pipeline.pending > pipeline.maxPending) {
      found.push(`${pipeline.pending} of ${pipeline.maxPending} handshakes`)
    }

    if (table.size !== this.connections.size) {
      found.push(`${table.size} connections in the table, ${this.connections.size} in the world`)
    }

    return found
  }

  /**
   * What the dial queue does once it is the turn of an address
   */
  private async dial (address: Multiaddr, signal?: AbortSignal): Promise<Connection> {
    const { rooms, world } = this
    const node = world.nodeOf(address)
    const controller = new AbortController()
    const reservation = rooms.charges.dial(address, node.peerId, controller.signal)

    try {
      const link = await new Promise<Link | undefined>((resolve, reject) => {
        signal?.addEventListener('abort', () => { reject(signal.reason) }, { once: true })
        world.dial(node, link => {
          world.clock.unsettle()
          resolve(link)
        }, () => signal?.aborted !== true)
      })

      if (link == null) {
        throw new Error('Nobody answers')
      }

      const socket = new SimulatedHandshake(link, world.clock.now())
      const ended = rooms.pending.upgrade(socket.asMultiaddrConnection(), true, controller.signal)
      const connection = this.open(link, socket.timeline)
      ended()

      return connection
    } finally {
      reservation.release()
    }
  }

  private open (link: Link, timeline: SimulatedConnection['timeline']): SimulatedConnection {
    const connection = new SimulatedConnection(link, timeline, () => {
      this.connections.delete(link)
      this.world.close(link)
      this.events.safeDispatchEvent('connection:close', { detail: connection })
    })

    this.connections.set(link, connection)
    this.events.safeDispatchEvent('connection:open', { detail: connection })

    return connection
  }
}

/**
 * Automatic dials are made by address
 */
function firstAddress (target: DialTarget): Multiaddr {
  const [first] = Array.isArray(target) ? target : [target]

  if (!isMultiaddr(first)) {
    throw new Error('Only addresses are dialled in the simulation')
  }

  return first
}
