import { setTimeout as delay } from 'node:timers/promises'
import { BLOCKS, SUBSCRIBE } from './protocols.ts'
import type { Kind } from './plan.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * A peer of the swarm, and the node that it wants to be connected to
 */
export interface SwarmPeer {
  peer: Libp2p

  /**
   * More nodes on the same host that belong to it
   */
  others: readonly Libp2p[]
  target: Multiaddr

  /**
   * Aborted when the peer should not connect any more
   */
  signal: AbortSignal
}

/**
 * How many connections a flooding peer opens in a row with each of its identities
 */
const FLOOD = 2

/**
 * How large a block is, in bytes
 */
const BLOCK = 16

/**
 * What the peers of each kind do until the signal aborts
 */
export const BEHAVIOURS: Record<Kind, (self: SwarmPeer) => Promise<void>> = {
  validator: async self => {
    await connect(self)
  },

  useful: async self => stayConnected(self, async connection => {
    while (connection.status === 'open') {
      await sendBlock(connection)
      await pause(self, 600, 1_400)
    }
  }),

  busy: async self => stayConnected(self, async connection => {
    await connection.newStream(SUBSCRIBE)
  }),

  idle: async self => stayConnected(self),

  flapping: async self => {
    while (!self.signal.aborted) {
      const connection = await connect(self)
      await pause(self, 700, 2_000)
      await connection?.close()
      await pause(self, 800, 2_500)
    }
  },

  flooding: async self => {
    while (!self.signal.aborted) {
      // all at the same time, each with an identity of its own, as libp2p merges the
      // dials of one
      for (let i = 0; i < FLOOD && !self.signal.aborted; i++) {
        const signal = AbortSignal.any([self.signal, AbortSignal.timeout(5_000)])

        await Promise.allSettled([self.peer, ...self.others].map(async peer => peer.dial(self.target, { force: true, signal })))
      }

      await pause(self, 2_500, 4_000)
    }
  }
}

/**
 * Connects again a while after the connection was closed. What fails is tried
 * again with the next one.
 */
async function stayConnected (self: SwarmPeer, use?: (connection: Connection) => Promise<void>): Promise<void> {
  while (!self.signal.aborted) {
    const connection = await connect(self)

    if (connection != null) {
      await Promise.all([
        untilClosed(connection),
        use?.(connection).catch(() => {})
      ])
    }

    await pause(self, 2_000, 5_000)
  }
}

/**
 * Tries until the node lets it in
 */
async function connect ({ peer, target, signal }: SwarmPeer): Promise<Connection | undefined> {
  while (!signal.aborted) {
    try {
      return await peer.dial(target, { signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]) })
    } catch {
      await pause({ signal }, 500, 2_000)
    }
  }
}

async function sendBlock (connection: Connection): Promise<void> {
  const stream = await connection.newStream(BLOCKS)
  stream.send(new Uint8Array(BLOCK))
  await stream.close()
}

async function untilClosed (connection: Connection): Promise<void> {
  if (connection.status === 'open') {
    await new Promise(resolve => { connection.addEventListener('close', resolve, { once: true }) })
  }
}

async function pause ({ signal }: Pick<SwarmPeer, 'signal'>, min: number, max: number): Promise<void> {
  // ends early when there is nothing left to do
  await delay(min + Math.random() * (max - min), undefined, { signal }).catch(() => {})
}
