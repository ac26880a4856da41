/**
 * A libp2p node in the lab, told what to do over IPC: a server that verifies
 * addresses, or the node behind the NAT
 */
import { autoNATv2 } from '@libp2p/autonat-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping as pingService } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { reachability } from '../../src/reachability/index.ts'
import { udp } from '../reachability/fixtures/udp-transport.ts'
import type { PeerCalls, PeerInfo, PeerOptions, PeerRequest } from './remote-peer.ts'
import type { ReachabilityEvents, ReachabilityService } from '../../src/reachability/index.ts'
import type { Identify } from '@libp2p/identify'
import type { Ping } from '@libp2p/ping'

const options: PeerOptions = JSON.parse(process.argv[2])
const EVENTS: Array<keyof ReachabilityEvents> = ['reachability:change', 'address:verifying', 'address:reachable', 'address:unreachable', 'server:distrusted', 'gateway:found', 'gateway:lost', 'mapping:added', 'mapping:renewed', 'mapping:changed', 'mapping:lost', 'mapping:failed', 'mapping:removed', 'external-address:change', 'double-nat']

type PeerServices = { identify: Identify, ping: Ping, autonat?: unknown, reachability?: ReachabilityService }

const node = await createLibp2p<PeerServices>({
  start: false,
  addresses: { listen: options.listen, announce: options.announce ?? [] },
  transports: [tcp(), udp],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    ping: pingService(),
    ...(options.upstream === true ? { autonat: autoNATv2() } : { reachability: reachability(options.reachability) })
  }
})

for (const name of EVENTS) {
  node.services.reachability?.addEventListener(name, ({ detail }) => {
    send({ event: name, detail: plain(detail) })
  })
}

process.on('message', (request: PeerRequest) => { void answer(request) })
process.on('disconnect', () => { process.exit() })
send({ event: 'ready', detail: {} })

async function answer (request: PeerRequest): Promise<void> {
  const { id } = request

  try {
    send({ id, result: await perform(request) })
  } catch (err) {
    send({ id, error: String(err) })
  }
}

async function perform (request: PeerRequest): Promise<PeerCalls[keyof PeerCalls]> {
  switch (request.command) {
    case 'start':
      await node.start()
      return
    case 'stop':
      await node.stop()
      return
    case 'dial':
      await dial(request.args.addresses)
      return
    case 'ping':
      await ping(request.args.address)
      return
    default:
      return info()
  }
}

async function dial (addresses: string[]): Promise<void> {
  const results = await Promise.all(addresses.map(async address => node.dial(multiaddr(address), { signal: AbortSignal.timeout(5_000) }).then(() => undefined, String)))
  const error = results.find(result => result != null)

  if (error != null) {
    throw new Error(error)
  }
}

async function ping (address: string): Promise<void> {
  const connection = await node.dial(multiaddr(address), { force: true, signal: AbortSignal.timeout(2_000) })

  try {
    await node.services.ping.ping(connection.remotePeer, { signal: AbortSignal.timeout(2_000) })
  } finally {
    await node.hangUp(connection.remotePeer)
  }
}

function info (): PeerInfo {
  const { reachability } = node.services

  return {
    peer: node.peerId.toString(),
    addresses: node.getMultiaddrs().map(String),
    reachability: reachability?.getReachability(),
    mappings: reachability?.getMappings() ?? []
  }
}

/**
 * What of an event can be sent
 */
function plain (detail: ReachabilityEvents[keyof ReachabilityEvents]['detail']): object {
  return {
    ...detail,
    ...('addr' in detail ? { addr: detail.addr.toString() } : {}),
    ...('error' in detail ? { error: detail.error.message } : {})
  }
}

function send (message: object): void {
  if (process.connected) {
    process.send?.(message)
  }
}
