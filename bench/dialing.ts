/* eslint-disable no-console */

/**
 * How long a dial takes where all addresses of the peer answer, where one does not
 * and where two do not, and what it costs to enqueue a dial behind 500 others:
 * ours against the manager that libp2p comes with, both in this process.
 *
 * `--json` prints the figures for programs.
 */

import { pathToFileURL } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { connectionManager } from '../src/index.ts'
import { SilentListener } from '../test/fixtures/black-holes.ts'
import { median } from './measure.ts'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'

/**
 * How long dials took in ms, `null` where they failed
 */
export interface DialTimes {
  clean_ms: number | null
  oneDead_ms: number | null
  twoDead_ms: number | null
}

export interface DialingResults {
  dial: { ours: DialTimes, libp2p: DialTimes }

  /**
   * What it takes to enqueue a dial behind 500 others, in µs
   */
  enqueue: { ours_us: number, libp2p_us: number }
}

interface Remote {
  node: Libp2p
  dead: SilentListener[]
  stop(): Promise<void>
}

const QUEUE_LENGTH = 500
const CLEAN_ROUNDS = 25
const DEAD_ROUNDS = 3
const ENQUEUE_ROUNDS = 9
const ENQUEUE_BATCH = 200

// the queue behind which a dial is enqueued has to have room for it
const QUEUE_OPTIONS = { maxParallelDials: 1, maxDialQueueLength: 10_000, dialTimeout: 600_000, addressDialTimeout: 600_000 }

const OURS = (init: object): Libp2pOptions => ({ services: { connectionManager: connectionManager(init) } })
const LIBP2PS = (init: object): Libp2pOptions => ({ connectionManager: init })

/**
 * Measures both managers in turn
 */
export async function dialing (): Promise<DialingResults> {
  const remote = await createRemote()

  try {
    const clean = await dialTimes(remote, 0, CLEAN_ROUNDS)
    const oneDead = await dialTimes(remote, 1, DEAD_ROUNDS)
    const twoDead = await dialTimes(remote, 2, DEAD_ROUNDS)

    return {
      dial: {
        ours: { clean_ms: clean.ours, oneDead_ms: oneDead.ours, twoDead_ms: twoDead.ours },
        libp2p: { clean_ms: clean.libp2p, oneDead_ms: oneDead.libp2p, twoDead_ms: twoDead.libp2p }
      },
      enqueue: await enqueueTimes(remote)
    }
  } finally {
    await remote.stop()
  }
}

/**
 * Both in turn, as what runs first finds everything cold
 */
async function dialTimes (remote: Remote, dead: number, rounds: number): Promise<Record<'ours' | 'libp2p', number | null>> {
  const times: Record<'ours' | 'libp2p', Array<number | null>> = { ours: [], libp2p: [] }

  for (let round = 0; round < rounds; round++) {
    times.ours.push(await dialTime(OURS, remote, dead))
    times.libp2p.push(await dialTime(LIBP2PS, remote, dead))
  }

  return { ours: medianOrNull(times.ours), libp2p: medianOrNull(times.libp2p) }
}

/**
 * Every round has a new node, as what was learned in one would help the next
 */
async function dialTime (options: typeof OURS, remote: Remote, dead: number): Promise<number | null> {
  const addresses = [...remote.dead.slice(0, dead).map(({ port }) => addressOf(port, remote.node.peerId)), ...remote.node.getMultiaddrs()]
  const node = await createNode(options({}))

  try {
    const before = performance.now()
    await node.dial(addresses)

    return performance.now() - before
  } catch {
    return null
  } finally {
    await node.stop()
  }
}

function medianOrNull (times: Array<number | null>): number | null {
  const succeeded = times.filter(time => time != null)

  return succeeded.length < times.length ? null : round(median(succeeded))
}

async function enqueueTimes (remote: Remote): Promise<{ ours_us: number, libp2p_us: number }> {
  const peers = await Promise.all(Array.from({ length: QUEUE_LENGTH + ENQUEUE_BATCH }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
  const [{ port }] = remote.dead

  return {
    ours_us: await enqueueTime(OURS, port, peers),
    libp2p_us: await enqueueTime(LIBP2PS, port, peers)
  }
}

async function enqueueTime (options: typeof OURS, port: number, peers: PeerId[]): Promise<number> {
  const running = peers.slice(0, QUEUE_LENGTH).map(peer => addressOf(port, peer))
  const times: number[] = []

  for (let round = 0; round < ENQUEUE_ROUNDS; round++) {
    const node = await createNode(options(QUEUE_OPTIONS))
    // libp2p's own queue forgets those that wait when the node stops, so they are
    // not waited for
    running.forEach(address => { node.dial(address).catch(() => {}) })
    await new Promise<void>(resolve => { setTimeout(resolve, 20) })
    let spent = 0

    // each one is gone before the next, so that the queue keeps its length
    for (const peer of peers.slice(QUEUE_LENGTH)) {
      const controller = new AbortController()
      const before = performance.now()
      const dial = node.dial(peer, { signal: controller.signal })
      spent += performance.now() - before
      controller.abort()
      await dial.catch(() => {})
    }

    times.push(spent / ENQUEUE_BATCH * 1_000)
    await node.stop()
  }

  return round(median(times))
}

async function createRemote (): Promise<Remote> {
  const listeners = await Promise.all(Array.from({ length: 3 }, async () => SilentListener.listen()))
  // both managers prefer the lower port, or keep the order: the one that answers
  // comes last
  const [first, second, last] = listeners.sort((a, b) => a.port - b.port)
  const { port } = last
  await last.close()
  const node = await createNode({
    addresses: { listen: [`/ip4/127.0.0.1/tcp/${port}`] },
    // all nodes have the same address
    connectionManager: { inboundConnectionThreshold: Infinity }
  })

  return {
    node,
    dead: [first, second],
    stop: async () => {
      await Promise.all([first.close(), second.close()])
      await node.stop()
    }
  }
}

async function createNode (options: Libp2pOptions): Promise<Libp2p> {
  return createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...options
  })
}

function addressOf (port: number, peerId: PeerId): Multiaddr {
  return multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${peerId.toString()}`)
}

function round (value: number): number {
  return Number(value.toPrecision(4))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const results = await dialing()

  if (process.argv.includes('--json')) {
    console.info(JSON.stringify(results))
  } else {
    console.table(results.dial)
    console.table(results.enqueue)
  }
}
