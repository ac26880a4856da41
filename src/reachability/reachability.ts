import { serviceCapabilities, serviceDependencies } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { isPublicIp, remoteIp, socketAddressOf } from '../addresses/index.ts'
import { steadyClock, systemClock } from '../clock.ts'
import { systemRandom } from '../random.ts'
import { assertOptionsOf } from '../start-checks.ts'
import { Agenda } from './agenda.ts'
import { ExternalPorts, ObservedIPs } from './external-ports.ts'
import { PortMapper } from './mapping/port-mapper.ts'
import { ReachabilityMetrics } from './metrics.ts'
import { systemNetwork } from './network/system-network.ts'
import { NodeWatch } from './node-watch.ts'
import { Announcer } from './probing/announcer.ts'
import { AutoNAT } from './probing/autonat.ts'
import { Prober } from './probing/prober.ts'
import { resolveOptions } from './resolve-options.ts'
import type { ReachabilityComponents, ReachabilityEnvironment } from './components.ts'
import type { AddressReachability, GatewayInfo, MappingInfo, ReachabilityEvents, ReachabilityStatus } from './events.ts'
import type { SocketAddress } from '../addresses/index.ts'
import type { MapperReports } from './mapping/mapper-environment.ts'
import type { Network } from './network/network.ts'
import type { ReachabilityInit } from './options.ts'
import type { AddressOrigin } from './probing/candidates.ts'
import type { ReachabilityOptions } from './resolve-options.ts'
import type { SteadyClock } from '../clock.ts'
import type { Random } from '../random.ts'
import type { IdentifyResult, Logger, Startable } from '@libp2p/interface'
import type { AddressType } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Finds out whether others can dial this node, opens the router's port so that
 * they can, and announces what was verified
 */
export class ReachabilityService extends TypedEventEmitter<ReachabilityEvents> implements Startable {
  private readonly components: ReachabilityComponents
  private readonly network?: Network
  private readonly clock: SteadyClock
  private readonly random: Random
  private readonly options: ReachabilityOptions
  private readonly log: Logger
  private readonly agenda: Agenda
  private readonly metrics: ReachabilityMetrics
  private readonly observed: ObservedIPs
  private readonly ports: ExternalPorts
  private readonly autonat: AutoNAT
  private readonly prober: Prober
  private readonly mapper?: PortMapper
  private readonly watch: NodeWatch
  private isRunning = false

  constructor (components: ReachabilityComponents, init: ReachabilityInit = {}, environment: ReachabilityEnvironment = { network: systemNetwork }) {
    super()

    this.components = components
    this.network = environment.network
    this.clock = steadyClock(environment.clock ?? systemClock)
    this.random = environment.random ?? systemRandom
    this.options = resolveOptions(init)
    this.log = components.logger.forComponent('libp2p:reachability')
    this.agenda = new Agenda(this.clock, err => { this.log.error('a planned task failed - %e', err) })
    this.observed = new ObservedIPs(this.options.probe.observedIpMinObservers)
    this.ports = new ExternalPorts(components)
    this.autonat = new AutoNAT(components, {
      clock: this.clock,
      random: this.random,
      options: this.options.server,
      protocolPrefix: this.options.protocolPrefix,
      timeout: this.options.probe.timeout,
      onServer: connection => { this.prober.addServer(connection) },
      onServerGone: ({ remotePeer }) => { this.prober.removeServer(remotePeer) },
      onRequest: status => { this.metrics.onServerRequest(status) }
    })
    this.prober = this.createProber()
    this.mapper = this.createMapper()
    this.watch = new NodeWatch({
      agenda: this.agenda,
      clock: this.clock,
      settleTime: this.options.probe.settleTime,
      requiredNetworks: this.options.probe.minConfidence,
      getCandidates: () => this.prober.getCandidates(),
      hasServers: () => this.prober.hasServers,
      lacksGateway: () => this.mapper?.isMissing === true,
      observedAddress: () => this.observed.get(4),
      onChange: detail => {
        this.log('reachability is %s because of %s', detail.state, detail.reason)
        this.components.connectionManager.reachabilityChanged?.(detail)
        this.safeDispatchEvent('reachability:change', { detail })
      },
      onDoubleNAT: detail => { this.safeDispatchEvent('double-nat', { detail }) }
    })
    this.metrics = new ReachabilityMetrics(components.metrics, {
      getReachability: () => this.getReachability(),
      getCandidates: () => this.prober.getCandidates(),
      getMappings: () => this.getMappings(),
      getGateways: () => this.getGateways()
    })
  }

  readonly [Symbol.toStringTag] = 'libp2p-connmgr/reachability'

  readonly [serviceCapabilities]: string[] = [
    '@libp2p/autonat',
    '@libp2p/nat-traversal'
  ]

  readonly [serviceDependencies]: string[] = [
    '@libp2p/identify'
  ]

  isStarted (): boolean {
    return this.isRunning
  }

  /**
   * Look for a gateway, and for servers, from now on. Does nothing where there
   * are no sockets.
   */
  async start (): Promise<void> {
    if (this.isRunning || this.network == null) {
      return
    }

    this.isRunning = true
    const { events } = this.components
    events.addEventListener('peer:identify', this.onIdentify)
    events.addEventListener('transport:listening', this.onListening)
    events.addEventListener('transport:close', this.onListening)
    events.addEventListener('self:peer:update', this.onListening)

    await this.autonat.start()
    this.prober.start()
    await this.meetServers()
    await this.mapper?.start()
  }

  /**
   * Stop, and give the router's ports back
   */
  async stop (): Promise<void> {
    if (!this.isRunning) {
      return
    }

    this.isRunning = false
    const { events } = this.components
    events.removeEventListener('peer:identify', this.onIdentify)
    events.removeEventListener('transport:listening', this.onListening)
    events.removeEventListener('transport:close', this.onListening)
    events.removeEventListener('self:peer:update', this.onListening)

    this.prober.stop()
    this.agenda.clear()
    await this.autonat.stop()
    await this.mapper?.stop()
    this.ports.clear()
    this.observed.clear()
    this.watch.reset()
    this.agenda.clear()
  }

  /**
   * Whether others can dial this node, and why
   */
  getReachability (): ReachabilityStatus {
    return this.watch.status
  }

  /**
   * What is known about each address that might be public
   */
  getAddressStates (): AddressReachability[] {
    return this.prober.getAddresses().map(address => ({
      ...address,
      lastVerified: address.lastVerified == null ? undefined : this.clock.dateOf(address.lastVerified)
    }))
  }

  /**
   * The ports the gateway forwards, or shall forward
   */
  getMappings (): MappingInfo[] {
    return this.mapper?.getMappings() ?? []
  }

  /**
   * The gateways there are, one per IP family at most
   */
  getGateways (): GatewayInfo[] {
    return this.mapper?.getGateways() ?? []
  }

  /**
   * Have an address verified again, or all of them, as soon as there is somebody
   * to ask. The outcome is an `address:*` event if it is another one.
   */
  probe (address?: Multiaddr): void {
    this.prober.request(address)
  }

  /**
   * Ask the gateway how it is, and have all addresses verified again
   */
  refresh (): void {
    this.mapper?.refresh()
    this.update()
    this.prober.request()
  }

  private readonly onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    const ip = detail.observedAddr == null ? undefined : remoteIp(detail.observedAddr)?.text
    const observer = remoteIp(detail.connection.remoteAddr)

    if (isPublicIp(ip) && observer != null) {
      this.observed.add(ip, observer)
      this.update()
    }
  }

  private readonly onListening = (): void => {
    this.mapper?.update()
    this.update()
  }

  /**
   * Look at the addresses again, once what caused it is over
   */
  private update (): void {
    if (!this.isRunning) {
      return
    }

    this.agenda.set('update', this.clock.now(), () => {
      this.ports.guess(this.observed.get(4), this.listening())
      this.prober.update()
      this.watch.update()
    })
  }

  /**
   * Where this node listens, as far as a gateway could forward to it
   */
  private listening (): SocketAddress[] {
    const local = new Set(this.network?.interfaceAddresses().filter(({ internal }) => !internal).map(({ address }) => address))

    return this.components.transportManager.getAddrs()
      .map(socketAddressOf)
      .filter(address => address != null)
      .filter(({ host }) => local.has(host))
  }

  /**
   * Those that were connected before this service started
   */
  private async meetServers (): Promise<void> {
    for (const connection of this.components.connectionManager.getConnections()) {
      try {
        const { protocols } = await this.components.peerStore.get(connection.remotePeer)

        if (this.autonat.isServer(protocols)) {
          this.prober.addServer(connection)
        }
      } catch {
        // nothing is known about it yet, identify will tell
      }
    }
  }

  private originOf (socket: SocketAddress, type: AddressType): AddressOrigin {
    if (this.ports.isMapped(socket)) {
      return 'mapped'
    }

    return type === 'transport' ? 'direct' : 'forwarded'
  }

  private createProber (): Prober {
    return new Prober({
      components: this.components,
      autonat: this.autonat,
      announcer: new Announcer(this.components),
      agenda: this.agenda,
      clock: this.clock,
      random: this.random,
      options: this.options.probe,
      log: this.log,
      originOf: (socket, type) => this.originOf(socket, type),
      onChange: (type, detail) => {
        this.log('%a is %s', detail.addr, type)
        this.safeDispatchEvent(`address:${type}`, { detail })
      },
      onLie: detail => {
        this.log('%p claims to have dialled %a and did not, it is not asked again', detail.server, detail.addr)
        this.safeDispatchEvent('server:distrusted', { detail })
      },
      onProbe: verdict => { this.metrics.onProbe(verdict) },
      onUpdate: () => { this.watch.update() }
    })
  }

  private createMapper (): PortMapper | undefined {
    if (this.network == null || !this.options.mapping.enabled) {
      return undefined
    }

    return new PortMapper({
      network: this.network,
      clock: this.clock,
      random: this.random,
      agenda: this.agenda,
      options: this.options.mapping,
      log: this.log,
      listening: () => this.listening(),
      reports: this.createReports()
    })
  }

  private createReports (): MapperReports {
    const { components } = this

    return {
      gateway: (type, detail) => {
        this.safeDispatchEvent(type, { detail })
        this.watch.update()
      },
      mapping: (type, detail) => { this.safeDispatchEvent(type, { detail }) },
      mappingFailed: detail => { this.safeDispatchEvent('mapping:failed', { detail }) },
      externalAddress: detail => {
        this.metrics.onAddressChange()
        this.observed.clear()
        this.safeDispatchEvent('external-address:change', { detail })

        // while there is no address nothing can be replaced
        if (detail.current != null) {
          components.connectionManager.networkChanged?.(detail)
          this.prober.networkChanged()
        }
      },
      request: (via, result) => { this.metrics.onMappingRequest(via, result) },
      mapped: (request, external) => {
        this.ports.add(request, external)
        this.update()
      },
      unmapped: (request, external) => {
        this.prober.withdraw(this.ports.remove(request, external))
        this.update()
      },
      evidence: (gatewayAddress, previousAddress) => { this.watch.setEvidence(gatewayAddress, previousAddress) }
    }
  }
}

/**
 * Create the reachability service: it opens the router's port by PCP, NAT-PMP
 * or UPnP, has the address verified by AutoNAT v2 and announces only what was
 * verified. It stands in for `autoNATv2()`, `autoNAT()` and `uPnPNAT()`, and
 * must not be used beside them.
 *
 * @example
 *
 * ```typescript
 * import { identify } from '@libp2p/identify'
 * import { createLibp2p } from 'libp2p'
 * import { reachability } from 'libp2p-connmgr'
 *
 * const node = await createLibp2p({
 *   // ...other options
 *   services: {
 *     identify: identify(),
 *     reachability: reachability()
 *   }
 * })
 *
 * node.services.reachability.addEventListener('reachability:change', ({ detail }) => {
 *   console.info(detail.state, detail.reason)
 * })
 * ```
 *
 * @throws {InvalidOptionError} an option has a value that it may not have
 */
export function reachability (init: ReachabilityInit = {}): (components: ReachabilityComponents) => ReachabilityService {
  assertOptionsOf('reachability', init)

  return components => new ReachabilityService(components, init)
}
