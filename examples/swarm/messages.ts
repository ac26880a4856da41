import type { Kind, PeerPlan } from './plan.ts'

/**
 * What a thread of the swarm is given when it starts
 */
export interface ThreadData {
  plans: PeerPlan[]
}

/**
 * A peer as it is known to the one who reads the report
 */
export interface Member {
  peerId: string
  name: string
  kind: Kind
}

/**
 * From a thread: its peers are there
 */
export interface ReadyMessage {
  members: Member[]
}

/**
 * To a thread: where the node listens, and that the peers may start; or that no
 * peer should connect any more
 */
export type Command = { type: 'go', tcp: string, ws: string } | { type: 'quiet' }
