import { createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { Command, Member, ReadyMessage, ThreadData } from './messages.ts'
import type { PeerPlan } from './plan.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Together with the node they keep two CPU cores busy
 */
const THREADS = 2

/**
 * The peers around the node, in threads of their own
 */
export class Swarm {
  readonly members: readonly Member[]
  private readonly threads: Worker[]

  constructor (threads: Worker[], members: Member[]) {
    this.threads = threads
    this.members = members
  }

  /**
   * Let the peers come
   */
  go (addresses: readonly Multiaddr[]): void {
    const texts = addresses.map(address => address.toString())

    this.send({
      type: 'go',
      tcp: texts.find(text => !text.includes('/ws')) ?? '',
      ws: texts.find(text => text.includes('/ws')) ?? ''
    })
  }

  /**
   * No peer connects from now on
   */
  quiet (): void {
    this.send({ type: 'quiet' })
  }

  async stop (): Promise<void> {
    await Promise.all(this.threads.map(async thread => thread.terminate()))
  }

  private send (command: Command): void {
    for (const thread of this.threads) {
      thread.postMessage(command)
    }
  }
}

/**
 * Starts the threads and creates the peers in them
 */
export async function startSwarm (plans: readonly PeerPlan[]): Promise<Swarm> {
  const threads = Array.from({ length: THREADS }, (_, index) => {
    const workerData: ThreadData = { plans: plans.filter((_, i) => i % THREADS === index) }

    return new Worker(new URL('./thread.ts', import.meta.url), { workerData })
  })

  try {
    const members = await Promise.all(threads.map(membersOf))

    return new Swarm(threads, members.flat())
  } catch (err) {
    await Promise.all(threads.map(async thread => thread.terminate()))
    throw err
  }
}

async function membersOf (thread: Worker): Promise<Member[]> {
  return new Promise((resolve, reject) => {
    thread.once('message', (message: ReadyMessage) => { resolve(message.members) })
    thread.once('error', reject)
  })
}

/**
 * Whether peers can have an address each. Linux has all of 127.0.0.0/8, other
 * systems only 127.0.0.1.
 */
export async function hasManyHosts (): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => { resolve(false) })
    server.listen(0, '127.0.1.1', () => { server.close(() => { resolve(true) }) })
  })
}
