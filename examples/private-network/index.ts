/* eslint-disable no-console */

/**
 * Three nodes that know each other, and let nobody else in: they are static peers of
 * each other, are dialled until they are connected, again when they are lost, and are
 * never trimmed.
 */

import { pEvent } from 'p-event'
import { createNode } from '../node.ts'
import type { Refusal } from '../../src/index.ts'

const [a, b] = await Promise.all([createNode(), createNode()])
const members = new Set([a.peerId.toString(), b.peerId.toString()])

const node = await createNode({
  staticPeers: [...a.getMultiaddrs(), ...b.getMultiaddrs()],
  trustedPeers: [a.peerId, b.peerId],
  // nobody else, whoever dials
  afterConnect: [peerId => members.has(peerId.toString())],
  // and from nowhere else
  netRestrict: ['127.0.0.0/8']
})
const manager = node.services.connectionManager

while (node.getPeers().length < 2) {
  await pEvent(node, 'peer:connect')
}

console.info(`connected to ${manager.staticPeers.list().length} static peers, protected: ${manager.isProtected(a.peerId)}`)

// one that does not belong here: it finds out when its connection is closed
const stranger = await createNode()
const refused = pEvent<'connection:refuse', CustomEvent<Refusal>>(manager, 'connection:refuse', { timeout: 20_000 })
await stranger.dial(node.getMultiaddrs()).catch(() => {})
console.info(`a stranger was refused because of ${(await refused).detail.reason}, ${node.getPeers().length} peers are connected`)

// a connection that is lost is made again
await Promise.all([pEvent(node, 'peer:connect', { timeout: 20_000 }), a.hangUp(node.peerId)])
console.info('the connection that was lost is back')

await Promise.all([node, a, b, stranger].map(async node => { await node.stop() }))
