import { BenchConnection, fillUpTo } from './connections.ts'
import { age, longestBlock, median, quiesce } from './measure.ts'
import { UNLIMITED } from './subjects.ts'
import type { Side } from './measure.ts'
import type { Subject } from './subjects.ts'
import type { ConnectionManagerService } from '../src/index.ts'
import type { Connection } from '@libp2p/interface'

/**
 * Makes a connection manager close the `count` least valuable of `n` connections
 */
export interface Trim {
  (n: number, count: number): void
}

export function trimOurs (subject: Subject<ConnectionManagerService>): Trim {
  return (_n, count) => {
    subject.manager.trimConnections(count)
      .catch(err => { throw err })
  }
}

export function trimLibp2p (subject: Subject): Trim {
  return (n, count) => { subject.manager.setMaxConnections(n - count) }
}

/**
 * Choosing and closing a tenth of `n` connections, until the manager reports that
 * it has
 */
export function trim (subject: Subject, run: Trim, n: number): Side {
  return {
    name: subject.name,
    round: async () => {
      const count = n / 10
      age()
      const reported = nextPrune(subject)
      const start = performance.now()
      run(n, count)
      const closed = await reported
      const end = performance.now()
      await quiesce()
      await refill(subject, n, closed, count)

      return (end - start) * 1000
    }
  }
}

/**
 * How long a trim of ours takes to choose, and the longest time for which it
 * keeps everything else from running, while it chooses and closes
 */
export async function choose (subject: Subject<ConnectionManagerService>, n: number, count: number, rounds = 5): Promise<{ choose_ms: number, block_ms: number }> {
  const times: number[] = []
  const blocks: number[] = []

  for (let round = 0; round < rounds; round++) {
    await quiesce()
    age()
    BenchConnection.firstClose = undefined
    const reported = nextPrune(subject)
    let start = 0

    blocks.push(await longestBlock(async () => {
      start = performance.now()
      trimOurs(subject)(n, count)
      await reported
    }))

    times.push((BenchConnection.firstClose ?? Infinity) - start)
    await quiesce()
    await refill(subject, n, await reported, count)
  }

  return { choose_ms: median(times), block_ms: median(blocks) }
}

async function nextPrune (subject: Subject): Promise<Connection[]> {
  return new Promise(resolve => {
    subject.events.addEventListener('connection:prune', event => { resolve(event.detail) }, { once: true })
  })
}

async function refill (subject: Subject, n: number, closed: Connection[], count: number): Promise<void> {
  const open = subject.manager.getConnectionsMap().size

  if (closed.length !== count || open !== n - count) {
    throw new Error(`${subject.name} closed ${closed.length} and left ${open} of ${n} connections, but had to close ${count}`)
  }

  subject.manager.setMaxConnections(UNLIMITED)
  await fillUpTo(subject, n, open)
}
