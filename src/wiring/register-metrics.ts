import { registerConnectionMetrics, registerDecisionMetrics, registerDialMetrics, registerManagerMetrics, registerResourceMetrics, registerUpstreamMetrics } from '../metrics/later.ts'
import { cachedStandings } from './register-metrics-standing.ts'
import type { CreatedDialer } from './create-dialer.ts'
import type { ConnectionManagerEvents } from './events.ts'
import type { GraceAt } from './register-metrics-standing.ts'
import type { Rooms } from './rooms.ts'
import type { Clock } from '../clock.ts'
import type { NamedScopeFigures } from '../metrics/index.ts'
import type { OutboundControl } from '../outbound/index.ts'
import type { Metrics } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

export interface RegisterMetricsComponents extends Omit<CreatedDialer, 'targets'> {
  clock: Clock

  /**
   * Must not throw, neither now nor later
   */
  metrics: Metrics
  rooms: Rooms
  outbound: Pick<OutboundControl, 'stat'>

  /**
   * The grace period as it is at a time
   */
  graceAt: GraceAt
  events: TypedEventTarget<ConnectionManagerEvents>
}

/**
 * The scopes of which there is always one
 */
const SCOPES = ['system', 'transient', 'allowListed', 'allowListedTransient']

/**
 * To be called once, as a node that is started again has the same metrics
 */
export function registerMetrics (components: RegisterMetricsComponents): void {
  const { metrics, rooms, events } = components

  registerUpstream(components)
  registerManagerMetrics(metrics, events)
  registerDecisions(components)
  registerDials(components)
  registerConnections(components)
  registerResources(components, rooms)
}

function registerUpstream ({ clock, dialer, metrics, rooms: { pipeline, table } }: RegisterMetricsComponents): void {
  registerUpstreamMetrics(metrics, {
    clock,
    counts: () => ({
      inbound: table.inbound,
      outbound: table.outbound,
      inboundPending: pipeline.pending,
      outboundPending: dialer.pending
    }),
    connections: () => table.allConnections()
  })
}

function registerDecisions ({ metrics, events }: RegisterMetricsComponents): void {
  const { onBan, onCross, onEvict, onRefuseResource, onReplace } = registerDecisionMetrics(metrics)

  events.addEventListener('connection:evict', ({ detail: { realm } }) => { onEvict(realm == null ? 'node' : 'realm') })
  events.addEventListener('peer:ban', ({ detail: { kind } }) => { onBan(kind) })
  events.addEventListener('resource:refuse', ({ detail: { error } }) => { onRefuseResource(error.scope, error.resource) })
  events.addEventListener('connection:dead', () => { onReplace('dead') })
  events.addEventListener('connection:recycle', () => { onReplace('recycle') })
  events.addEventListener('connection:upgrade', () => { onReplace('upgrade') })
  events.addEventListener('watermark:cross', ({ detail: { watermark, direction } }) => { onCross(watermark, direction) })
}

function registerDials ({ dialQueue: { history }, metrics, events }: RegisterMetricsComponents): void {
  const { onAttempt, onDial } = registerDialMetrics(metrics, {
    blackHoles: () => history.blackHoles?.states,
    backOffEntries: () => history.backOff?.size ?? 0
  })

  events.addEventListener('dial:attempt', ({ detail: { delay } }) => { onAttempt(delay) })
  events.addEventListener('dial:end', ({ detail: { outcome, duration } }) => { onDial(outcome, duration) })
}

function registerConnections ({ clock, graceAt, metrics, outbound, rooms, events }: RegisterMetricsComponents): void {
  const { bans, discouraged, liveness, pipeline, realms, standing, table, trimmer } = rooms

  const { onClose, onOpen, onPing, onSkip } = registerConnectionMetrics(metrics, {
    watermarks: () => ({ 'low-water': trimmer.lowWater, 'high-water': trimmer.highWater, 'max-connections': pipeline.maxConnections }),
    standing: cachedStandings(rooms, graceAt, clock),
    peers: () => ({ connected: table.peerCount, protected: standing.protection.size, discouraged: discouraged.size, 'tagged and absent': standing.tags.absentPeers }),
    outbound: () => {
      const { target, connected, dialling } = outbound.stat

      return { target, connected, dialling }
    },
    bans: () => bans.size,
    realms: () => realms.realms.usages(table.size).map(({ realm = 'none', connections, reserved = 0 }) => ({ realm, connections, reserved })),
    watched: () => liveness?.size ?? 0
  })

  events.addEventListener('connection:open', ({ detail: { direction } }) => { onOpen(direction) })
  events.addEventListener('connection:close', ({ detail: { reason, duration } }) => { onClose(reason, duration) })
  events.addEventListener('connection:ping', ({ detail: { rtt } }) => { onPing(rtt) })
  events.addEventListener('outbound:skip', ({ detail: { reason } }) => { onSkip(reason) })
}

function registerResources ({ clock, metrics }: RegisterMetricsComponents, { realms, resources, table }: Rooms): void {
  const named = (scopes: Iterable<string>): NamedScopeFigures[] => [...scopes].flatMap(scope => {
    const stat = resources.scopeStat(scope)

    return stat == null ? [] : [[scope, stat] as const]
  })

  registerResourceMetrics(metrics, {
    clock,
    scopes: () => named(SCOPES),
    realms: () => named(realms.realms.usages(table.size).flatMap(({ realm }) => realm == null ? [] : [`realm:${realm}`])),
    protocols: () => [...resources.protocolStats()].map(([protocol, stat]) => [`protocol:${protocol}`, stat] as const)
  })
}
