import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { BEHAVIOURS } from './behaviours.ts'
import type { SwarmPeer } from './behaviours.ts'
import type { Command, ReadyMessage, ThreadData } from './messages.ts'
import type { PeerPlan } from './plan.ts'
import type { Libp2p } from '@libp2p/interface'

/**
 * A part of the swarm, in a thread of its own
 */
const { plans } = workerData as ThreadData
const quiet = new AbortController()
setMaxListeners(Infinity, quiet.signal)

const peers = await Promise.all(plans.map(async plan => {
  const [peer, ...others] = await Promise.all(Array.from({ length: plan.identities }, async () => createPeer(plan)))

  return { plan, peer, others }
}))
const ready: ReadyMessage = {
  members: peers.flatMap(({ plan: { name, kind }, peer, others }) => [peer, ...others].map(({ peerId }) => ({ peerId: peerId.toString(), name, kind })))
}

parentPort?.on('message', (command: Command) => {
  if (command.type === 'quiet') {
    quiet.abort()
    return
  }

  for (const { plan, peer, others } of peers) {
    const target = multiaddr(plan.transport === 'ws' ? command.ws : command.tcp)

    join(plan, { peer, others, target, signal: quiet.signal })
      .catch(err => { throw err })
  }
})
parentPort?.postMessage(ready)

async function join (plan: PeerPlan, self: SwarmPeer): Promise<void> {
  await delay(plan.joinAt, undefined, { signal: self.signal }).catch(() => {})

  try {
    await BEHAVIOURS[plan.kind](self)
  } catch {
    // a peer whose connection breaks at a bad moment is gone
  }
}

async function createPeer ({ host, transport }: PeerPlan): Promise<Libp2p> {
  // passed on to the socket, though not among the options that are declared
  const dialOpts: object = { localAddress: host }

  return createLibp2p({
    transports: [transport === 'ws' ? webSockets() : tcp({ dialOpts })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // the node looks after its connections, that is enough for so many in one place
    connectionMonitor: { enabled: false },
    services: {
      identify: identify({ runOnConnectionOpen: false }),
      ping: ping()
    }
  })
}
