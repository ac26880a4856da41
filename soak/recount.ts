import { Counts } from './counts.ts'
import { differencesOfMetrics } from './metrics-recount.ts'
import type { World } from './world.ts'
import type { ScopeStat } from '../src/index.ts'
import type { Connection } from '@libp2p/interface'

/**
 * What holds at every moment, also while connections come and go. Returns what does not
 * hold.
 */
export function broken ({ manager }: World): string[] {
  const { connections, inbound, outbound, peers } = manager.getStats()
  const { system, transient, allowListed, allowListedTransient, peers: peerScopes } = manager.resources.stat()
  const lists = [...manager.getConnectionsMap().values()]
  const counts = new Counts()

  counts.compare('connections in the map', sum(lists.map(({ length }) => length)), connections)
  counts.compare('connections in the list', manager.getConnections().length, connections)
  counts.compare('inbound and outbound connections', inbound + outbound, connections)
  counts.compare('peers in the map', lists.length, peers)
  counts.compare('connections of peers and of nobody yet', system.usage.connections, sum(Object.values(peerScopes).map(({ usage }) => usage.connections)) + transient.usage.connections)

  for (const [name, { usage }] of scopes(manager.resources.stat())) {
    for (const [resource, used] of Object.entries(usage)) {
      if (!(used >= 0)) {
        counts.add(`${resource} of ${name} are ${used}`)
      }
    }
  }

  counts.compare('connections of the allow list', allowListed.usage.connections + allowListedTransient.usage.connections, 0)

  return counts.differences
}

/**
 * What is not counted as it should be when nothing is under way. What is open is taken
 * from the connections themselves and from the nodes at their other ends.
 */
export async function differences (world: World): Promise<string[]> {
  const { manager } = world
  const connections = manager.getConnections()
  const stats = manager.getStats()
  const counts = new Counts()

  counts.differences.push(...broken(world))
  counts.compare('dials that run or wait', manager.dialQueue.queue.size, 0)
  counts.compare('dials in the list', manager.getDialQueue().length, 0)
  counts.compare('callers that wait for a connection', stats.outboundPending, 0)
  counts.compare('inbound connections that are pending', stats.inboundPending, 0)
  counts.compare('connections that are closing', connections.filter(({ status }) => status !== 'open').length, 0)
  counts.compare('inbound connections', stats.inbound, connections.filter(({ direction }) => direction === 'inbound').length)
  counts.compare('peers', stats.peers, new Set(connections.map(({ remotePeer }) => remotePeer.toString())).size)
  counts.compare('bans', stats.bans, manager.bans.list().length)

  compareWithOtherEnds(world, connections, counts)
  compareScopes(world, connections, counts)

  // the metrics take a moment, in which something may happen
  if (counts.differences.length > 0) {
    return counts.differences
  }

  return differencesOfMetrics(world)
}

function compareWithOtherEnds ({ remotes, subject }: World, connections: readonly Connection[], counts: Counts): void {
  const ends = new Map<string, number>()

  for (const { node } of remotes) {
    const open = node?.getConnections(subject.peerId).filter(({ status }) => status === 'open').length ?? 0

    if (node != null && open > 0) {
      ends.set(node.peerId.toString(), open)
    }
  }

  counts.compareAll('connections at the other end', tally(connections.map(({ remotePeer }) => remotePeer.toString())), ends)
}

function compareScopes ({ manager, spans }: World, connections: readonly Connection[], counts: Counts): void {
  const { system, transient, peers, realms, protocols } = manager.resources.stat()
  const streams = connections.flatMap(connection => connection.streams.map(stream => ({ connection, stream })))
  const inbound = connections.filter(({ direction }) => direction === 'inbound').length
  const realmOf = ({ remotePeer }: Connection): string => manager.realms.shareOf(remotePeer) ?? ''
  const used = (scopes: Readonly<Record<string, ScopeStat>>, resource: 'connections' | 'streams'): Map<string, number> =>
    new Map(Object.entries(scopes).map(([name, { usage }]): [string, number] => [name, usage[resource]]).filter(([, count]) => count > 0))

  counts.compare('connections in system', system.usage.connections, connections.length)
  counts.compare('inbound connections in system', system.usage.connectionsInbound, inbound)
  counts.compare('outbound connections in system', system.usage.connectionsOutbound, connections.length - inbound)
  counts.compare('connections in transient', transient.usage.connections, 0)
  counts.compare('streams in transient', transient.usage.streams, 0)
  counts.compare('streams in system', system.usage.streams, streams.length)
  counts.compare('inbound streams in system', system.usage.streamsInbound, streams.filter(({ stream }) => stream.direction === 'inbound').length)
  counts.compare('bytes in system', system.usage.memory, sum([...spans.values()]))
  counts.compareAll('connections of peers', used(peers, 'connections'), tally(connections.map(({ remotePeer }) => remotePeer.toString())))
  counts.compareAll('streams of peers', used(peers, 'streams'), tally(streams.map(({ connection }) => connection.remotePeer.toString())))
  counts.compareAll('connections of realms', used(realms, 'connections'), tally(connections.map(realmOf)))
  counts.compareAll('streams of protocols', used(protocols, 'streams'), tally(streams.map(({ stream }) => stream.protocol)))
}

function scopes ({ system, transient, peers, realms, protocols, services }: ReturnType<World['manager']['resources']['stat']>): Array<[string, ScopeStat]> {
  return [['system', system], ['transient', transient], ...[peers, realms, protocols, services].flatMap(named => Object.entries(named))]
}

/**
 * How often each text is there, without the empty one
 */
function tally (texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()

  for (const text of texts.filter(text => text !== '')) {
    counts.set(text, (counts.get(text) ?? 0) + 1)
  }

  return counts
}

function sum (numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}
