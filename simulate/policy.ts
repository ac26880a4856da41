import type { EventClock } from './event-clock.ts'
import type { Link } from './link.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimulatedNode } from './simulated-node.ts'
import type { PeerStore } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export const POLICY_NAMES = ['ours', 'libp2p', 'go-libp2p', 'random'] as const

export type PolicyName = typeof POLICY_NAMES[number]

/**
 * What a policy may ask of the world
 */
export interface PolicyWorld {
  readonly clock: EventClock

  /**
   * All addresses that were ever heard of, in no order
   */
  readonly addressBook: readonly SimulatedNode[]

  /**
   * The same, as libp2p keeps them
   */
  readonly peerStore: PeerStore
  nodeOf(address: Multiaddr): SimulatedNode

  /**
   * Close an open connection
   */
  close(link: Link): void

  /**
   * Dial a node. Passes the connection, or `undefined` if nobody answers, or it is
   * wanted no longer.
   */
  dial(node: SimulatedNode, onEnd: (link: Link | undefined) => void, isWanted?: () => boolean): void
}

/**
 * How a node should behave. The same for all policies.
 */
export interface PolicyInit {
  readonly maxConnections: number
  readonly lowWater: number

  /**
   * How many connections there should be that the node has opened
   */
  readonly outbound: number
  readonly random: SeededRandom
}

/**
 * A way to decide whom to be connected to
 */
export interface Policy {
  readonly name: PolicyName

  /**
   * In ms: how long a handshake may take
   */
  readonly handshakeTimeout: number

  /**
   * Everything runs on the clock of the world, so that nothing has to be stopped
   */
  start(): Promise<void>

  /**
   * An inbound connection was made. `false`: it is refused, before the handshake.
   */
  accept(link: Link): boolean

  /**
   * The handshake of a connection that was accepted is over. `false`: it is refused
   * now that the peer is known.
   */
  opened(link: Link): boolean

  /**
   * A handshake was not finished
   */
  failed(link: Link): void

  /**
   * An open connection was closed, by whomever
   */
  closed(link: Link): void

  /**
   * The peer does something for the application: the first time it becomes worth
   * what the node is worth, and a stream stays open
   */
  used(link: Link, isFirst: boolean): void

  /**
   * Which of its own limits are exceeded now. Empty if all is well.
   */
  violations(): string[]
}
