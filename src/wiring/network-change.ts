import type { Rooms } from './rooms.ts'
import type { DialQueue, ForgottenFailures } from '../dialing/index.ts'
import type { OutboundControl } from '../outbound/index.ts'

/**
 * What was done because the network has changed
 */
export interface NetworkChange extends ForgottenFailures {
  /**
   * How many static peers, and peers with a `keep-alive` tag, waited to be dialled again
   * and are dialled at once
   */
  readonly redialled: number

  /**
   * How many connections are probed
   */
  readonly probed: number
}

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
