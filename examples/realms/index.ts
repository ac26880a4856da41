/* eslint-disable no-console */

/**
 * A server of two applications, each of them a realm. When `chat` is crowded, `chain`
 * keeps its places, and what `chat` has too many is refused.
 */

import { createNode, createNodes } from '../node.ts'

const REALMS = new Map([
  ['/chain/sync/1.0.0', 'chain'],
  ['/chat/1.0.0', 'chat']
])

const server = await createNode({
  lowWater: 10,
  highWater: 12,
  limits: {
    realms: {
      chain: { connections: 8, reserved: 4 },
      chat: { connections: 3 }
    }
  },
  // what a peer speaks tells its realm
  realmOf: ({ protocol }) => protocol == null ? undefined : REALMS.get(protocol)
})
const manager = server.services.connectionManager
const peers = await createNodes(7)

manager.realms.addEventListener('realm:limit', ({ detail: { realm, peer } }) => {
  console.info(`${realm} has no room for ${peer ?? 'more'}`)
})

// it is also possible to say it: this one counts for chain whatever it speaks
manager.realms.assign(peers[0].peerId, 'chain')

for (const peer of peers.slice(1)) {
  manager.realms.assign(peer.peerId, 'chat')
}

const results = await Promise.allSettled(peers.map(async peer => {
  const connection = await peer.dial(server.getMultiaddrs())
  await peer.services.connectionManager.openStream(connection.remotePeer, '/ipfs/ping/1.0.0')
}))

console.info(`${results.filter(({ status }) => status === 'fulfilled').length} of ${peers.length} could use the server`)

for (const { realm, connections, limits } of manager.realms.list()) {
  console.info(`${realm}: ${connections} of ${limits.connections} connections, ${limits.reserved ?? 0} are reserved`)
}

await Promise.all([server, ...peers].map(async node => { await node.stop() }))
