/* eslint-disable no-console */

/**
 * A policy of your own: when there are too many connections, those with the longest
 * round trip time are closed. Protection
 * and grace period hold all the same, as those peers are no candidates.
 */

import { compareVictims } from '../../src/index.ts'
import { createNode, createNodes } from '../node.ts'
import type { SelectVictims } from '../../src/index.ts'

/**
 * What our own measurements tell, in ms
 */
const latencies = new Map<string, number>()

const slowestFirst: SelectVictims = (candidates, n) => {
  const latencyOf = (peer: string): number => latencies.get(peer) ?? 0

  return [...candidates]
    .sort((a, b) => latencyOf(b.peerId.toString()) - latencyOf(a.peerId.toString()) || compareVictims(a, b))
    .slice(0, n)
}

const node = await createNode({
  lowWater: 3,
  highWater: 4,
  gracePeriod: 0,
  silencePeriod: 100,
  selectVictims: slowestFirst
})
const manager = node.services.connectionManager
const peers = await createNodes(6)

peers.forEach(({ peerId }, i) => { latencies.set(peerId.toString(), (i + 1) * 10) })
manager.protect(peers[5].peerId, 'slow, but ours')

const trimmed = new Promise<void>(resolve => {
  manager.addEventListener('connection:trim', ({ detail: { closed, complete } }) => {
    for (const { peerId } of closed) {
      console.info(`closed the one that takes ${latencies.get(peerId.toString())} ms`)
    }

    if (complete) {
      resolve()
    }
  })
})

for (const peer of peers) {
  await node.dial(peer.getMultiaddrs())
}

await manager.trim()
await trimmed

const left = node.getPeers().map(peer => latencies.get(peer.toString()) ?? 0).sort((a, b) => a - b)
console.info(`left are those that take ${left.join(', ')} ms`)

await Promise.all([node, ...peers].map(async node => { await node.stop() }))
