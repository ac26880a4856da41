import type { Connection } from '@libp2p/interface'

/**
 * Protocols that libp2p runs by itself on a new or idle connection. A connection
 * that has only streams of these is not in use by the application.
 */
export const HOUSEKEEPING_PROTOCOLS: readonly string[] = [
  '/ipfs/id/1.0.0',
  '/ipfs/id/push/1.0.0',
  '/ipfs/ping/1.0.0',
  '/libp2p/autonat/1.0.0',
  '/libp2p/autonat/2/dial-request',
  '/libp2p/autonat/2/dial-back',
  '/libp2p/dcutr'
]

const housekeeping = new Set(HOUSEKEEPING_PROTOCOLS)

/**
 * How many streams of a connection the application has opened, in either
 * direction. A stream that is still negotiating its protocol does not count: it may
 * be one of libp2p's own, such as AutoNAT's on a connection that it dialled back.
 */
export function countApplicationStreams (connection: Connection): number {
  let count = 0

  for (const stream of connection.streams) {
    if (stream.protocol !== '' && !housekeeping.has(stream.protocol)) {
      count++
    }
  }

  return count
}
