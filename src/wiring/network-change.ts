import type { NetworkChange } from './events.ts'
import type { Rooms } from './rooms.ts'
import type { DialQueue } from '../dialing/index.ts'
import type { OutboundControl } from '../outbound/index.ts'

/**
 * What judges the network is forgotten, what is open is looked at, and whoever waited
 * because of it is dialled
 */
export function changeNetwork ({ emit, liveness }: Rooms, dialQueue: DialQueue, outbound: OutboundControl): NetworkChange {
  // first, as what is dialled next goes by it
  const forgotten = dialQueue.networkChanged()
  liveness?.networkChanged()
  const change: NetworkChange = { ...forgotten, probed: liveness?.size ?? 0, redialled: outbound.networkChanged() }
  emit('network:change', change)

  return change
}
