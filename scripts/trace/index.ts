/* eslint-disable no-console */

/**
 * Follows an inbound connection, a dial, a tag, a trim and a stream through the files of `src`, on
 * real nodes over TCP, and lists the files in the order in which they come first. Run with
 * `npm run trace`; `--write` puts the lists into `docs/architecture.md`.
 */

import { readFile, writeFile } from 'node:fs/promises'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import pWaitFor from 'p-wait-for'
import { instrument } from './instrument.ts'
import { traceLines, withTrace } from './page.ts'
import type { Ways } from './page.ts'
import type { connectionManager as ConnectionManagerFactory } from '../../src/index.ts'
import type { Libp2p } from '@libp2p/interface'

const SRC = new URL('../../src/', import.meta.url)
const PAGE = new URL('../../docs/architecture.md', import.meta.url)
const PROTOCOL = '/trace/1.0.0'

/**
 * How many files each way may lead through
 */
const MAX_FILES = { inbound: 20, dial: 25, tag: 3, trim: 5, stream: 4 }

instrument(SRC)
const { connectionManager }: { connectionManager: typeof ConnectionManagerFactory } = await import(new URL('index.ts', SRC).href)

async function tracedNode (): Promise<Libp2p<{ connectionManager: ReturnType<ReturnType<typeof connectionManager>> }>> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { connectionManager: connectionManager({ gracePeriod: 0 }) }
  })
}

async function remoteNode (): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  })
  await node.handle(PROTOCOL, () => {})

  return node
}

/**
 * The files that are entered until the task is done, in order
 */
async function followed (task: () => unknown): Promise<string[]> {
  const files = new Set<string>()
  globalThis.enteredFile = file => { files.add(file) }

  try {
    await task()
  } finally {
    globalThis.enteredFile = undefined
  }

  return [...files]
}

const [node, dialled, dialling] = [await tracedNode(), await remoteNode(), await remoteNode()]
const { connectionManager: manager } = node.services

try {
  const ways: Ways = {
    inbound: await followed(async () => {
      const opened = pEvent(node, 'peer:connect')
      await dialling.dial(node.getMultiaddrs())
      await opened
      await pWaitFor(() => manager.connectionCount() === 1)
    }),
    dial: await followed(async () => node.dial(dialled.getMultiaddrs())),
    tag: await followed(() => { manager.tag(dialled.peerId, 'trace', 1) }),
    stream: await followed(async () => (await node.getConnections(dialled.peerId)[0].newStream(PROTOCOL)).close()),
    trim: await followed(async () => manager.trimConnections(1))
  }

  console.info(traceLines(ways, MAX_FILES))

  if (process.argv.includes('--write')) {
    await writeFile(PAGE, withTrace(await readFile(PAGE, 'utf-8'), ways))
  }
} finally {
  await Promise.all([node.stop(), dialled.stop(), dialling.stop()])
}
