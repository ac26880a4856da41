import { Counts } from './counts.ts'
import type { TimerLedger } from './timer-ledger.ts'
import type { World } from './world.ts'
import type { Libp2pEvents } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/**
 * What a node tells of
 */
const EVENTS: ReadonlyArray<keyof Libp2pEvents> = [
  'connection:open', 'connection:close', 'connection:prune', 'peer:connect', 'peer:disconnect', 'peer:update', 'peer:identify', 'peer:discovery',
  'peer:reconnect-failure', 'self:peer:update', 'transport:listening', 'transport:close', 'start', 'stop'
]

/**
 * How many listeners each event of the node has
 */
export function listeners ({ subject }: World): Map<string, number> {
  // the parts of a node are no part of its type
  const events: TypedEventTarget<Libp2pEvents> = Reflect.get(Reflect.get(subject, 'components'), 'events')

  return new Map(EVENTS.map(type => [type, events.listenerCount(type)]))
}

/**
 * What is left of a node that is stopped, `before` being what there was before its
 * first start
 */
export function leftovers (world: World, before: ReadonlyMap<string, number>, timers: TimerLedger): string[] {
  const { manager, spans } = world
  const { connections, peers, inboundPending, outboundPending } = manager.getStats()
  const { system, transient, peers: peerScopes, realms, protocols, services } = manager.resources.stat()
  const counts = new Counts()

  for (const [what, count] of Object.entries({ connections, peers, inboundPending, outboundPending })) {
    counts.compare(`${what} after stop`, count, 0)
  }

  for (const [name, { usage }] of [['system', system], ['transient', transient], ...[peerScopes, realms, protocols, services].flatMap(scopes => Object.entries(scopes))] as const) {
    const { connections, streams, fileDescriptors } = usage
    counts.compare(`what is in use of ${name} after stop`, connections + streams + fileDescriptors, 0)
  }

  counts.compare('bytes in system after stop', system.usage.memory, [...spans.values()].reduce((sum, bytes) => sum + bytes, 0))
  counts.compare('dials after stop', manager.dialQueue.queue.size, 0)
  counts.compareAll('listeners after stop', listeners(world), before)
  timers.left.forEach(origin => { counts.add(`a timer is left after stop, from ${origin}`) })

  return counts.differences
}

/**
 * What keeps the process alive, by kind
 */
export function activeResources (): Map<string, number> {
  const counts = new Map<string, number>()

  for (const kind of process.getActiveResourcesInfo()) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }

  return counts
}
