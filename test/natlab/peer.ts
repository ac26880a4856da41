/**
 * A libp2p node in the lab, told what to do over IPC: a server that verifies
 * addresses, or the node behind the NAT
 */
import { autoNATv2 } from '@libp2p/autonat-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { reachability } from '../../src/nat/index.ts'
import { udp } from '../nat/fixtures/udp-transport.ts'
import type { PeerOptions } from './remote-peer.ts'
import type { ReachabilityEvents, ReachabilityService } from '../../src/nat/index.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'

const options: PeerOptions = JSON.parse(process.argv[2])
const EVENTS: Array<keyof ReachabilityEvents> = ['reachability:change', 'address:verifying', 'address:reachable', 'address:unreachable', 'gateway:found', 'gateway:lost', 'mapping:added', 'mapping:renewed', 'mapping:changed', 'mapping:lost', 'mapping:failed', 'mapping:removed', 'external-address:change', 'double-nat']

type PeerServices = { ping: Ping, reachability?: ReachabilityService }

const node: Libp2p<PeerServices> = await createLibp2p<any>({
  start: false,
  addresses: { listen: options.listen, announce: options.announce ?? [] },
  transports: [tcp(), udp],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    ping: ping(),
    ...(options.upstream === true ? { autonat: autoNATv2() } : { reachability: reachability(options.reachability) })
  }
})

for (const name of EVENTS) {
  node.services.reachability?.addEventListener(name, ({ detail }: CustomEvent<any>) => {
    send({ event: name, detail: { ...detail, addr: detail.addr?.toString(), error: detail.error?.message } })
  })
}

const commands: Record<string, (args: any) => any> = {
  start: async () => { await node.start() },
  stop: async () => { await node.stop() },
  dial: async ({ addresses }: { addresses: string[] }) => {
    const results = await Promise.all(addresses.map(async address => node.dial(multiaddr(address), { signal: AbortSignal.timeout(5_000) }).then(() => undefined, String)))
    const error = results.find(result => result != null)

    if (error != null) {
      throw new Error(error)
    }
  },
  ping: async ({ address }: { address: string }) => {
    const connection = await node.dial(multiaddr(address), { force: true, signal: AbortSignal.timeout(2_000) })

    try {
      return { ms: await node.services.ping.ping(connection.remotePeer, { signal: AbortSignal.timeout(2_000) }) }
    } finally {
      await node.hangUp(connection.remotePeer)
    }
  },
  info: () => ({
    peer: node.peerId.toString(),
    addresses: node.getMultiaddrs().map(String),
    reachability: node.services.reachability?.getReachability(),
    mappings: node.services.reachability?.getMappings(),
    states: node.services.reachability?.getAddressStates().map(({ addr, state }) => ({ addr: addr.toString(), state }))
  })
}

process.on('message', ({ id, command, args }: { id: number, command: string, args: unknown }) => {
  void answer(id, command, args)
})
process.on('disconnect', () => { process.exit() })
send({ event: 'ready', detail: {} })

async function answer (id: number, command: string, args: unknown): Promise<void> {
  try {
    send({ id, result: await commands[command](args) ?? {} })
  } catch (err) {
    send({ id, error: String(err) })
  }
}

function send (message: object): void {
  if (process.connected) {
    process.send?.(message)
  }
}
