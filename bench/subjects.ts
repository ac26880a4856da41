import { createLibp2p } from 'libp2p'
import { connectionManager } from '../src/index.ts'
import type { BenchConnection } from './connections.ts'
import type { ConnectionManagerService } from '../src/index.ts'
import type { Libp2p, Libp2pEvents, PeerId, PeerStore } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'

/**
 * More connections than are ever opened, so that neither side refuses or trims
 * any before it is asked to
 */
export const UNLIMITED = 1_000_000

/**
 * What both sides are configured with
 */
const OPTIONS = {
  maxConnections: UNLIMITED,
  maxIncomingPendingConnections: 10,
  inboundConnectionThreshold: 5
}

/**
 * It would find that there is no network behind the connections and abort them
 */
const NO_MONITOR = { enabled: false }

interface Components {
  connectionManager: ConnectionManager
  events: TypedEventTarget<Libp2pEvents>
  peerStore: PeerStore
  registrar: object
}

/**
 * The components of a node, and its registrar as libp2p has made it
 */
interface Inside {
  components?: Components
  registrar?: object
}

/**
 * A started node, whose connection manager is measured
 */
export interface Subject<Manager extends ConnectionManager = ConnectionManager> {
  readonly name: 'ours' | 'libp2p'
  readonly manager: Manager
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly peerStore: PeerStore

  /**
   * Add a connection to those that are open, without measuring it
   */
  fill(connection: BenchConnection): void

  /**
   * When a peer disconnects, the registrar of the node looks it up in the peer
   * store, whichever connection manager it has
   */
  withoutRegistrar <T> (task: () => Promise<T>): Promise<T>

  stop(): Promise<void>
}

/**
 * A node with our connection manager
 */
export async function ours (): Promise<Subject<ConnectionManagerService>> {
  const inside: Inside = {}
  const node = await createLibp2p({
    connectionMonitor: NO_MONITOR,
    services: {
      // first, as ours wraps the registrar
      inside: lookInside(inside),

      // libp2p has no grace period and no limits but these. What ours cost is measured
      // on its own, in gating.ts and resources.ts.
      connectionManager: connectionManager({
        ...OPTIONS,
        gracePeriod: 0,
        limits: false
      })
    }
  })
  const { events, peerStore, ...rest } = subjectOf(node, inside)

  return {
    ...rest,
    events,
    peerStore,
    name: 'ours',
    manager: node.services.connectionManager,
    fill: connection => { events.safeDispatchEvent('connection:open', { detail: connection }) }
  }
}

/**
 * A node with libp2p's own connection manager
 */
export async function libp2ps (): Promise<Subject> {
  const inside: Inside = {}
  const node = await createLibp2p({
    connectionManager: OPTIONS,
    connectionMonitor: NO_MONITOR,
    services: {
      inside: lookInside(inside)
    }
  })
  const subject = subjectOf(node, inside)

  return {
    ...subject,
    name: 'libp2p',

    // the event does the same, but takes so long that it would have to be waited for
    fill: connection => { subject.manager.getConnectionsMap().set(connection.remotePeer, [connection]) }
  }
}

function lookInside (inside: Inside): (components: Components) => object {
  return components => {
    inside.components = components
    inside.registrar = components.registrar

    return {}
  }
}

function subjectOf (node: Libp2p, { components, registrar }: Inside): Omit<Subject, 'name' | 'fill'> {
  if (components == null || registrar == null) {
    throw new Error('The node has no components')
  }

  const { connectionManager, events, peerStore } = components
  const onDisconnect: unknown = Reflect.get(registrar, '_onDisconnect')

  if (typeof onDisconnect !== 'function') {
    throw new Error('The registrar has no listener for peers that disconnect')
  }

  const listener = onDisconnect as (event: CustomEvent<PeerId>) => void

  return {
    manager: connectionManager,
    events,
    peerStore,
    withoutRegistrar: async task => {
      events.removeEventListener('peer:disconnect', listener)

      try {
        return await task()
      } finally {
        events.addEventListener('peer:disconnect', listener)
      }
    },
    stop: async () => { await node.stop() }
  }
}
