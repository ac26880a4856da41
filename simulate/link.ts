import type { SimulatedNode } from './simulated-node.ts'

/**
 * - `handshake` it is being encrypted and multiplexed
 * - `open` it can be used
 * - `closed` it is gone, or was refused
 */
export type LinkStatus = 'handshake' | 'open' | 'closed'

/**
 * A connection between the node that is looked at and another
 */
export interface Link {
  readonly id: number
  readonly node: SimulatedNode
  readonly direction: 'inbound' | 'outbound'
  status: LinkStatus

  /**
   * When it was opened, in ms
   */
  openedAt: number

  /**
   * How many streams the application has open on it
   */
  streams: number
}
