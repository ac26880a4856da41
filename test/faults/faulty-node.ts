import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { ConnectionManagerService } from '../../src/index.ts'
import { componentOf } from '../fixtures/managers.ts'
import { memoryNodeOptions } from '../fixtures/nodes.ts'
import { settle } from '../fixtures/virtual-clock.ts'
import type { ConnectionManagerInit } from '../../src/index.ts'
import type { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { Libp2p, Libp2pEvents } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import type { TypedEventTarget } from 'main-event'

export type FaultyNode = Libp2p<{ connectionManager: ConnectionManagerService }>

/**
 * A node on a clock of its own, which is not started yet
 */
export async function createFaultyNode (clock: VirtualClock, init: ConnectionManagerInit = {}, options: Libp2pOptions = {}): Promise<FaultyNode> {
  return createLibp2p({
    ...memoryNodeOptions(options),
    start: false,
    services: {
      connectionManager: components => new ConnectionManagerService(components, init, clock)
    }
  })
}

/**
 * The outcome of what has to have one within so many ms of the clock
 */
export async function outcome <T> (promise: T | Promise<T>, clock: VirtualClock, within = 30_000): Promise<PromiseSettledResult<T>> {
  const settled: Array<PromiseSettledResult<T>> = []

  Promise.allSettled([promise])
    .then(([result]) => { settled.push(result) })
    .catch(() => {})

  for (let waited = 0; settled.length === 0 && waited < within; waited += 100) {
    // what real nodes do takes turns of the event loop, not time
    for (let turn = 0; turn < 25 && settled.length === 0; turn++) {
      await settle()
    }

    if (settled.length === 0) {
      await clock.advance(100)
    }
  }

  if (settled.length === 0) {
    throw new Error(`There was no outcome within ${within} ms`)
  }

  return settled[0]
}

/**
 * Nothing is open, reserved, waited for or timed
 */
export function expectNothingLeft (node: FaultyNode, clock?: VirtualClock): void {
  const manager = node.services.connectionManager
  const { connections, inboundPending, outboundPending, peers } = manager.getStats()
  const { system, transient, peers: peerScopes, realms, protocols } = manager.resources.stat()

  expect({ connections, inboundPending, outboundPending, peers }).to.deep.equal({ connections: 0, inboundPending: 0, outboundPending: 0, peers: 0 })
  expect(system.usage).to.deep.include({ connections: 0, streams: 0, memory: 0, fileDescriptors: 0 })
  expect(transient.usage).to.deep.include({ connections: 0, streams: 0 })
  expect({ ...peerScopes, ...realms, ...protocols }).to.deep.equal({})
  expect(manager.getDialQueue()).to.be.empty()

  if (clock != null) {
    expect(clock.timers).to.equal(0)
  }
}

/**
 * How many listeners the events of the node have that the manager follows
 */
export function listenerCounts (node: FaultyNode): number[] {
  const events = componentOf<TypedEventTarget<Libp2pEvents>>(node, 'events')

  return (['connection:open', 'connection:close', 'peer:update', 'peer:identify', 'peer:connect', 'peer:disconnect', 'self:peer:update'] as const).map(type => events.listenerCount(type))
}
