import type { MeasuredEvents } from './events.ts'
import type { Metrics } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/**
 * Registers what is trimmed and who is refused as metrics
 */
export function registerManagerMetrics (metrics: Metrics | undefined, events: TypedEventTarget<MeasuredEvents>): void {
  const trims = metrics?.registerCounterGroup('libp2p_connmgr_trims_total', {
    label: 'reason',
    help: 'Trims that had something to close'
  })
  const incomplete = metrics?.registerCounterGroup('libp2p_connmgr_incomplete_trims_total', {
    label: 'reason',
    help: 'Trims that could not close as much as they should have, because of what may not be closed'
  })
  const trimmed = metrics?.registerCounterGroup('libp2p_connmgr_trimmed_connections_total', {
    label: 'reason',
    help: 'Connections that were closed to get below the low watermark'
  })
  const refused = metrics?.registerCounterGroup('libp2p_connmgr_refused_connections_total', {
    label: 'reason',
    help: 'Inbound connections that were refused'
  })

  if (metrics == null) {
    return
  }

  events.addEventListener('connection:trim', ({ detail: { closed, complete, reason } }) => {
    trims?.increment({ [reason]: 1 })
    trimmed?.increment({ [reason]: closed.length })

    if (!complete) {
      incomplete?.increment({ [reason]: 1 })
    }
  })
  events.addEventListener('connection:refuse', event => {
    refused?.increment({ [event.detail.reason]: 1 })
  })
}

/**
 * What tells about decisions
 */
export interface DecisionMetrics {
  /**
   * A connection is closed for a better one in the `node`, or in a `realm`
   */
  onEvict(fullOf: 'node' | 'realm'): void
  onBan(kind: string): void

  /**
   * A limit of a scope has refused something, e.g. `connections` or `memory`
   */
  onRefuseResource(scope: string, resource: string): void

  /**
   * A connection was found dead, was recycled, or was replaced by a direct one
   */
  onReplace(event: 'dead' | 'recycle' | 'upgrade'): void

  /**
   * The number of connections has come to be above a watermark, or is no longer
   */
  onCross(watermark: string, direction: string): void
}

/**
 * Registers how often the manager decides what
 */
export function registerDecisionMetrics (metrics: Metrics | undefined): DecisionMetrics {
  const counters = (name: string, label: string, help: string): (key: string) => void => {
    const group = metrics?.registerCounterGroup(name, { label, help })

    return key => { group?.increment({ [key]: 1 }) }
  }
  const refusedByScope = counters('libp2p_rcmgr_refusals_total', 'scope', 'What did not fit into a scope, by the kind of scope')
  const refusedByResource = counters('libp2p_rcmgr_refused_resources_total', 'resource', 'What did not fit into a scope, by what there was not enough of')

  const crossed = counters('libp2p_connmgr_watermark_crossings_total', 'crossing', 'How often the number of connections came to be above a watermark, or below it again')

  return {
    onEvict: counters('libp2p_connmgr_evicted_connections_total', 'reason', 'Connections that were closed for a better one, by what was full'),
    onBan: counters('libp2p_connmgr_bans_total', 'kind', 'Bans that were made, or made longer'),
    onRefuseResource: (scope, resource) => {
      // the names of peers and protocols would make a metric of each
      refusedByScope(scope.split(':', 1)[0])
      refusedByResource(resource)
    },
    onReplace: counters('libp2p_connmgr_replaced_connections_total', 'reason', 'Connections that were found dead, were recycled, or replaced by direct ones'),
    onCross: (watermark, direction) => { crossed(`${watermark} ${direction}`) }
  }
}
