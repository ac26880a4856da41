import { Registry } from 'prom-client'
import { freePort } from './free-port.ts'
import { Remote, createSubject } from './nodes.ts'
import type { Subject } from './nodes.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { ConnectionManagerService } from '../src/index.ts'
import type { SpanScope } from '../src/resources/index.ts'
import type { Libp2p, Stream } from '@libp2p/interface'

/**
 * How many other nodes there are. They keep their identities, as what libp2p
 * remembers of each peer would look like a leak otherwise.
 */
const TCP_REMOTES = 8
const MEMORY_REMOTES = 16

/**
 * Streams that are open at the same time
 */
const MAX_STREAMS = 40

/**
 * The node that is watched, those around it, and what was opened
 */
export class World {
  readonly registry = new Registry()
  readonly random: SeededRandom
  readonly remotes: Remote[] = []
  readonly spans = new Map<SpanScope, number>()
  private readonly opened = new Set<Stream>()
  private node?: Subject

  constructor (random: SeededRandom) {
    this.random = random
  }

  async create (managed = true): Promise<void> {
    // without our manager it is only started and stopped
    this.node = await createSubject(this.registry, await freePort(), managed) as Subject

    for (let i = 0; i < TCP_REMOTES + MEMORY_REMOTES; i++) {
      this.remotes.push(await Remote.create(`${i}`, i < TCP_REMOTES))
    }
  }

  get subject (): Subject {
    if (this.node == null) {
      throw new Error('There is no node yet')
    }

    return this.node
  }

  get manager (): ConnectionManagerService {
    return this.subject.services.connectionManager
  }

  /**
   * The other nodes that are running
   */
  get running (): Libp2p[] {
    return this.remotes.flatMap(({ node }) => node ?? [])
  }

  get streams (): Stream[] {
    this.forgetClosedStreams()

    return [...this.opened]
  }

  forgetClosedStreams (): void {
    for (const stream of this.opened) {
      if (stream.status !== 'open') {
        this.opened.delete(stream)
      }
    }
  }

  keepStream (stream: Stream): void {
    this.opened.add(stream)

    if (this.streams.length > MAX_STREAMS) {
      this.streams[0].abort(new Error('There are too many streams'))
    }
  }

  async stop (): Promise<void> {
    await this.node?.stop()

    for (const remote of this.remotes) {
      await remote.stop()
    }

    this.opened.clear()
  }
}
