import { serviceDependencies } from '@libp2p/interface'
import { systemClock } from '../clock.ts'
import { InvalidOptionError } from '../errors.ts'
import { assertOptionsOf } from '../start-checks.ts'
import { act } from './actions.ts'
import { DecisionReader } from './decisions.ts'
import { isInspectedManager, isInspectedReachability } from './inspected.ts'
import { resolveInspector } from './options.ts'
import { overview } from './overview.ts'
import { PeerRows } from './peer-rows.ts'
import { Samples } from './samples.ts'
import { InspectorServer } from './server.ts'
import type { StreamMessage } from './event-streams.ts'
import type { InspectedManager, InspectedReachability } from './inspected.ts'
import type { InspectorConfig, InspectorInit } from './options.ts'
import type { Sample } from './samples.ts'
import type { Clock, Timer } from '../clock.ts'
import type { ComponentLogger, Logger, PeerId, Startable } from '@libp2p/interface'

/**
 * What the inspector uses of a libp2p node
 */
export interface InspectorComponents {
  logger: ComponentLogger
  peerId: PeerId

  /**
   * Has to be the one of this package
   */
  connectionManager: object
}

/**
 * A look at the manager may take this part of the time
 */
const MAX_LOAD = 0.05

/**
 * Shows what the connection manager does on a page: connections, peers, limits,
 * realms, decisions, dials, bans, reachability. In Node.js only; in browsers it does
 * nothing.
 */
export class Inspector implements Startable {
  /**
   * Where the page is, `undefined` while there is none
   */
  url?: string

  private readonly components: InspectorComponents
  private readonly config: InspectorConfig
  private readonly clock: Clock
  private readonly log: Logger
  private readonly server: InspectorServer
  private readonly samples = new Samples()
  private peers: PeerRows
  private manager?: InspectedManager
  private decisions?: DecisionReader
  private timer?: Timer
  private overviewText = ''

  constructor (components: InspectorComponents, init: InspectorInit = {}, clock: Clock = systemClock) {
    this.components = components
    this.config = resolveInspector(init)
    this.clock = clock
    this.log = components.logger.forComponent('libp2p:connmgr:inspector')
    this.peers = new PeerRows(this.config.maxPeers)
    this.server = new InspectorServer({
      log: this.log,
      welcome: () => this.welcome(),
      explain: async peer => this.inspected().explain(peer),
      act: async request => act(this.inspected(), request)
    }, this.config)
  }

  readonly [Symbol.toStringTag] = 'libp2p-connmgr/inspector'

  readonly [serviceDependencies]: string[] = [
    '@libp2p/connection-manager'
  ]

  isStarted (): boolean {
    return this.manager != null
  }

  /**
   * @throws {InvalidOptionError} if the node has another connection manager
   * @throws {Error} if it is not possible to listen
   */
  async start (): Promise<void> {
    if (this.manager != null) {
      return
    }

    const { connectionManager } = this.components

    if (!isInspectedManager(connectionManager)) {
      throw new InvalidOptionError('services.connectionManager', connectionManager, 'the connection manager of this package')
    }

    this.manager = connectionManager

    try {
      this.url = await this.server.start()
    } catch (err) {
      this.manager = undefined
      throw err
    }

    if (this.url == null) {
      return
    }

    this.decisions = new DecisionReader(connectionManager)
    this.look()
    this.log('the inspector is at %s', this.url)
  }

  async stop (): Promise<void> {
    this.timer?.clear()
    this.manager = undefined
    this.url = undefined
    this.peers = new PeerRows(this.config.maxPeers)
    await this.server.stop()
  }

  /**
   * Look at the manager, and tell the pages what has changed. While no page is open
   * only the number of connections is looked at.
   */
  private look (): void {
    const began = this.clock.now()

    try {
      this.broadcast()
    } catch (err) {
      this.log.error('could not look at the connection manager - %e', err)
    }

    const cost = this.clock.now() - began
    this.timer = this.clock.setTimeout(() => { this.look() }, Math.max(this.config.interval, cost / MAX_LOAD))
  }

  private broadcast (): void {
    const sample = this.sample()

    if (this.server.streams.size === 0) {
      return
    }

    const messages: StreamMessage[] = [{ type: 'sample', data: sample }]
    const changes = this.peers.update(this.inspected())
    const decisions = this.decisions?.read(this.clock.now()) ?? []
    const now = this.overview()
    const text = JSON.stringify(now)

    if (text !== this.overviewText) {
      this.overviewText = text
      messages.push({ type: 'overview', data: now })
    }

    if (changes.rows.length > 0 || changes.gone.length > 0) {
      messages.push({ type: 'peers', data: changes })
    }

    if (decisions.length > 0) {
      messages.push({ type: 'decisions', data: decisions })
    }

    this.server.streams.broadcast(messages)
  }

  /**
   * What has happened until now. What happens from now on is told to all pages, so
   * they have to know the same before.
   */
  private welcome (): StreamMessage[] {
    this.broadcast()

    if (this.server.streams.size === 0) {
      this.peers.update(this.inspected())
      this.decisions?.read(this.clock.now())
    }

    return [
      { type: 'samples', data: this.samples.list() },
      { type: 'overview', data: this.overview() },
      { type: 'peers', data: { rows: this.peers.list(), gone: [], isAll: true } },
      { type: 'decisions', data: this.decisions?.list() ?? [] }
    ]
  }

  private sample (): Sample {
    const sample = { time: this.clock.now(), connections: this.inspected().connectionCount() }
    this.samples.add(sample)

    return sample
  }

  private overview (): ReturnType<typeof overview> {
    return overview({
      peerId: this.components.peerId.toString(),
      manager: this.inspected(),
      reachability: this.reachability(),
      isWritable: this.config.token != null
    })
  }

  /**
   * The service with this name, if it is ours. What a node does not have may not even
   * be asked for.
   */
  private reachability (): InspectedReachability | undefined {
    try {
      const service: unknown = Reflect.get(this.components, 'reachability')

      return isInspectedReachability(service) ? service : undefined
    } catch {
      return undefined
    }
  }

  private inspected (): InspectedManager {
    if (this.manager == null) {
      throw new Error('The inspector is not started')
    }

    return this.manager
  }
}

/**
 * A page on which people can see what the connection manager does. Off unless it is
 * listed in the services, on loopback by default, and read-only unless there is a
 * token. In Node.js only; in browsers it does nothing.
 *
 * @throws {InvalidOptionError} if the options are not usable
 */
export function inspector (init: InspectorInit = {}): (components: InspectorComponents) => Inspector {
  assertOptionsOf('inspector', init)

  return components => new Inspector(components, init)
}
