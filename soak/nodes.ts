import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { plaintext } from '@libp2p/plaintext'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { connectionManager } from '../src/index.ts'
import type { ConnectionManagerInit, ConnectionManagerService } from '../src/index.ts'
import type { Libp2p, Stream, StreamHandler } from '@libp2p/interface'
import type { ServiceFactoryMap } from 'libp2p'
import type { Registry } from 'prom-client'

export interface SubjectServices extends Record<string, unknown> {
  connectionManager: ConnectionManagerService
}

export type Subject = Libp2p<SubjectServices>

/**
 * What is spoken. A peer that speaks the second one is in the realm `chain`.
 */
export const PROTOCOLS = ['/soak/echo/1.0.0', '/realm/chain/1.0.0'] as const

/**
 * Small enough that everything that is bounded comes to its bound
 */
export const SETTINGS: ConnectionManagerInit = {
  maxConnections: 28,
  highWater: 20,
  lowWater: 14,
  gracePeriod: 300,
  silencePeriod: 200,
  idleTimeout: 2_000,
  firstStreamTimeout: 1_000,
  connectionCloseTimeout: 500,
  dialTimeout: 2_000,
  addressDialTimeout: 1_000,
  flapping: false,
  recycleCooldown: 100,
  reputation: { size: 16, ttl: 5_000 },
  liveness: { interval: 1_000, minSilence: 200, maxMisses: 5 },
  misbehaviour: { banDuration: 1_000, maxPeers: 16, halfLife: 1_000 },
  bans: { refreshInterval: 500 },
  discouraged: { maxEntries: 16 },
  backOff: { base: 100, max: 500 },
  reconnectRetries: 2,
  reconnectRetryInterval: 50,
  limits: {
    system: { connections: 40 },
    peer: { connections: 4, streams: 64 },
    realms: { chain: { connections: 8, reserved: 2 }, other: { connections: 6 } }
  },
  outbound: { target: 3, interval: 500, anchors: 2, groupLimit: 100, softGroups: true, churn: { interval: [1_000, 2_000], minAge: 500 }, feelers: { interval: 2_000 } }
}

/**
 * In ms. What has a timeout of its own and is given up earlier stays in memory until its time has
 * come, so libp2p's usual 10 seconds would keep all that was opened in the meantime.
 */
const TIMEOUT = 2_000

const LIBP2P_TIMEOUTS = { inboundUpgradeTimeout: TIMEOUT, inboundStreamProtocolNegotiationTimeout: TIMEOUT, outboundStreamProtocolNegotiationTimeout: TIMEOUT }

/**
 * The node that is watched. It always listens on the same port, as libp2p's TCP transport has
 * metrics of their own for every port that it ever listened on.
 */
export async function createSubject (registry: Registry, port: number, managed: boolean): Promise<Libp2p> {
  const services: ServiceFactoryMap = { identify: identify({ timeout: TIMEOUT }), ping: ping({ timeout: TIMEOUT }) }
  const node = await createLibp2p({
    start: false,
    addresses: { listen: ['/memory/soak-subject', `/ip4/127.0.0.1/tcp/${port}`] },
    transports: [tcp(), memory()],
    connectionEncrypters: [plaintext(), noise()],
    streamMuxers: [yamux()],
    connectionManager: LIBP2P_TIMEOUTS,
    metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }),
    services: managed ? { connectionManager: connectionManager(SETTINGS), ...services } : services
  })

  for (const protocol of PROTOCOLS) {
    await node.handle(protocol, echo, { maxInboundStreams: 1_000, maxOutboundStreams: 1_000 })
  }

  return node
}

/**
 * One of the other nodes. It keeps its identity and its address however often it is
 * started.
 */
export class Remote {
  readonly name: string
  node?: Libp2p
  private readonly privateKey: Awaited<ReturnType<typeof generateKeyPair>>
  private readonly overTcp: boolean
  private port = 0

  /**
   * It is started and stopped one after the other
   */
  private lastChange: Promise<unknown> = Promise.resolve()

  private constructor (name: string, overTcp: boolean, privateKey: Awaited<ReturnType<typeof generateKeyPair>>) {
    this.name = name
    this.overTcp = overTcp
    this.privateKey = privateKey
  }

  static async create (name: string, overTcp: boolean): Promise<Remote> {
    return new Remote(name, overTcp, await generateKeyPair('Ed25519'))
  }

  async start (): Promise<void> {
    await this.change(async () => {
      // the port may have been taken in the meantime
      this.node ??= await this.listen(this.port).catch(async () => this.listen(0))
      this.port = Number(this.node.getMultiaddrs()[0]?.getComponents().find(({ name }) => name === 'tcp')?.value ?? 0)
    })
  }

  async stop (): Promise<void> {
    await this.change(async () => {
      const { node } = this
      this.node = undefined
      await node?.stop()
    })
  }

  private async change (task: () => Promise<void>): Promise<void> {
    const changed = this.lastChange.then(task)
    this.lastChange = changed.catch(() => {})
    await changed
  }

  private async listen (port: number): Promise<Libp2p> {
    const node = await createLibp2p({
      privateKey: this.privateKey,
      addresses: { listen: [this.overTcp ? `/ip4/127.0.0.1/tcp/${port}` : `/memory/soak-${this.name}`] },
      transports: this.overTcp ? [tcp()] : [memory()],
      connectionEncrypters: [this.overTcp ? noise() : plaintext()],
      streamMuxers: [yamux()],
      connectionManager: { reconnectRetries: 0, dialTimeout: TIMEOUT, addressDialTimeout: TIMEOUT, ...LIBP2P_TIMEOUTS },
      connectionMonitor: { enabled: false },
      services: { identify: identify({ timeout: TIMEOUT }), ping: ping({ timeout: TIMEOUT }) }
    })

    await node.handle(PROTOCOLS[0], echo, { maxInboundStreams: 1_000 })

    // every third one is in a realm by what it speaks
    if (this.name.endsWith('0') || this.name.endsWith('3') || this.name.endsWith('6')) {
      await node.handle(PROTOCOLS[1], echo, { maxInboundStreams: 1_000 })
    }

    return node
  }
}

const echo: StreamHandler = (stream: Stream) => {
  respond(stream).catch(() => {
    // the other side has given up
  })
}

async function respond (stream: Stream): Promise<void> {
  for await (const bytes of stream) {
    stream.send(bytes)
  }

  await stream.close()
}
