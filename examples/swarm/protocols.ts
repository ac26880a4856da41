/**
 * A peer that sends a block to the node over a stream of this protocol is useful
 */
export const BLOCKS = '/swarm/blocks/1.0.0'

/**
 * A stream that stays open for as long as the peer wants to be told of blocks
 */
export const SUBSCRIBE = '/swarm/subscribe/1.0.0'
