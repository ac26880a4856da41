import type { ConnectionManagerEvents, DeadConnection } from './events.ts'
import type { RecyclerParts, createRecycler } from './recycler.ts'
import type { Standing } from '../trimming/index.ts'
import type { RecycleRequest } from '../upkeep/index.ts'
import type { RecyclerInit } from '../upkeep/later.ts'
import type { Connection, Logger } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

export interface RecyclingComponents extends RecyclerParts {
  standing: Standing
  events: TypedEventTarget<ConnectionManagerEvents>
}

/**
 * Returns what replaces a connection. Requests are taken as events too, and connections
 * that did not survive a change of the network are dialled again.
 */
export function startRecycling (components: RecyclingComponents, config: RecyclerInit): (request: RecycleRequest) => Promise<Connection | undefined> {
  const { events, log } = components
  let recycler: ReturnType<typeof createRecycler> | undefined

  const recycle = async (request: RecycleRequest): Promise<Connection | undefined> => {
    const { createRecycler } = await import('./recycler.ts')
    recycler ??= createRecycler(components, config)

    return recycler.recycle(request)
  }

  events.addEventListener('connection:recycle-requested', ({ detail }) => { onRequest(recycle, detail, log) })
  events.addEventListener('connection:dead', ({ detail }) => { replaceDead(components, detail) })

  return recycle
}

/**
 * The event can come from anywhere, and a listener must not throw
 */
function onRequest (recycle: (request: RecycleRequest) => Promise<unknown>, detail: Partial<RecycleRequest> | undefined, log: Logger): void {
  const { connection, reason = 'requested' } = detail ?? {}

  if (connection == null) {
    log.error('asked to replace a connection without being told which')
    return
  }

  recycle({ connection, reason })
    .catch(err => { log.error('could not replace a connection to %p - %e', connection.remotePeer, err) })
}

/**
 * A connection that did not survive a change of the network is dialled again. Those
 * that the remotes had dialled are left to them, unless they are protected.
 */
function replaceDead ({ dial, log, standing, table }: RecyclingComponents, { connection, peerId, networkChanged }: DeadConnection): void {
  const isWanted = connection.direction === 'outbound' || standing.isProtected(peerId)

  if (networkChanged && isWanted && !table.isConnected(peerId)) {
    dial(peerId)
      .catch(err => { log('could not dial %p after the network has changed - %e', peerId, err) })
  }
}
