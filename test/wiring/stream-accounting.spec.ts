import { StreamCloseEvent } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { TypedEventEmitter } from 'main-event'
import { StreamRates } from '../../src/admission/index.ts'
import { ConnectionTable } from '../../src/core/index.ts'
import { resourceManager } from '../../src/resources/index.ts'
import { StreamAccounting } from '../../src/wiring/stream-accounting.ts'
import { addedTo } from '../fixtures/added-to.ts'
import { StubConnection } from '../fixtures/connections.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { Limits, ResourceManager } from '../../src/resources/index.ts'
import type { ResourceRefusal } from '../../src/wiring/index.ts'
import type { Connection, MessageStreamDirection, Stream, StreamMuxerEvents } from '@libp2p/interface'

class StubStream extends TypedEventEmitter<{ close: StreamCloseEvent }> {
  readonly direction: MessageStreamDirection
  protocol = ''
  status = 'open'

  constructor (direction: MessageStreamDirection) {
    super()
    this.direction = direction
  }

  abort (error?: Error): void {
    this.status = 'aborted'
    this.dispatchEvent(new StreamCloseEvent(true, error))
  }
}

class StubMuxer extends TypedEventEmitter<StreamMuxerEvents> {
  isClosed = false

  async createStream (): Promise<StubStream> {
    if (this.isClosed) {
      throw new Error('The muxer is closed')
    }

    return new StubStream('outbound')
  }
}

class World {
  readonly refusals: ResourceRefusal[] = []
  readonly resources: ResourceManager
  readonly #accounting: StreamAccounting
  readonly #table = new ConnectionTable()

  constructor (limits: Limits) {
    this.resources = resourceManager({ limits, defaults: {} })
    const nothing = (): undefined => undefined
    this.#accounting = new StreamAccounting({
      log: defaultLogger().forComponent('test'),
      emit: (type, detail) => { type === 'resource:refuse' && this.refusals.push(detail as ResourceRefusal) },
      resources: this.resources,
      streamRates: new StreamRates(new VirtualClock(), limits.streamRates),
      use: { onStream: () => true },
      buffers: { watch: nothing },
      table: this.#table,
      paths: { markDialBack: nothing },
      dialBacks: { expect: nothing },
      serviceOf: nothing
    })
  }

  connect (peer: string, streams: StubStream[] = []): { connection: Connection, muxer: StubMuxer, close(): void } {
    const muxer = new StubMuxer()
    const connection = Object.assign(new StubConnection(), { muxer, streams: streams as unknown as Stream[] })
    const scope = this.resources.openConnection({ direction: 'inbound', peer })
    addedTo(this.#table, connection, 0).scope = scope
    this.#accounting.watch(connection, scope)

    return { connection, muxer, close: () => { scope.release() } }
  }

  /**
   * The remote opens a stream
   */
  receive (muxer: StubMuxer): StubStream {
    const stream = new StubStream('inbound')
    muxer.dispatchEvent(new CustomEvent('stream', { detail: stream as unknown as Stream }))

    return stream
  }

  negotiate (connection: Connection, stream: StubStream, protocol: string): void {
    stream.protocol = protocol
    void this.#accounting.middleware(stream as unknown as Stream, connection, () => {})
  }

  /**
   * As a connection does
   */
  negotiateOrReset (connection: Connection, stream: StubStream, protocol: string): void {
    try {
      this.negotiate(connection, stream, protocol)
    } catch (err) {
      stream.abort(err instanceof Error ? err : undefined)
    }
  }

  counts (): Record<string, number> {
    const { peers, protocols, system, transient } = this.resources.stat()
    const named = Object.entries({ ...peers, ...protocols }).map(([name, { usage }]) => [name, usage.streams] as const)

    return Object.fromEntries([['system', system.usage.streams] as const, ['transient', transient.usage.streams] as const, ...named].filter(([, count]) => count > 0))
  }
}

/**
 * How many streams are open, in each scope
 */
function expectedCounts (peers: Array<{ peer: string, streams: StubStream[] }>): Record<string, number> {
  const counts: Record<string, number> = {}

  for (const { peer, streams } of peers) {
    for (const { protocol } of streams.filter(({ status }) => status === 'open')) {
      for (const scope of ['system', peer, protocol === '' ? 'transient' : protocol]) {
        counts[scope] = (counts[scope] ?? 0) + 1
      }
    }
  }

  return counts
}

describe('wiring: counting streams', () => {
  it('begins with their first frame, and goes on to their protocol', async () => {
    const world = new World({})
    const early = new StubStream('inbound')
    const { connection, muxer } = world.connect('A', [early])
    // it came before the connection was open, and is reported again
    muxer.dispatchEvent(new CustomEvent('stream', { detail: early as unknown as Stream }))
    const inbound = world.receive(muxer)
    const outbound = await muxer.createStream()
    expect(world.counts()).to.deep.equal({ system: 3, transient: 3, A: 3 })

    world.negotiate(connection, inbound, '/p')
    world.negotiate(connection, outbound, '/q')
    expect(world.counts()).to.deep.equal({ system: 3, transient: 1, A: 3, '/p': 1, '/q': 1 })

    for (const stream of [early, inbound, outbound]) {
      stream.abort()
    }

    expect(world.counts()).to.deep.equal({})
  })

  it('resets the remote\'s that have no place, and throws where one is opened here', async () => {
    const world = new World({ peer: { streamsInbound: 2, streamsOutbound: 1 } })
    const { muxer } = world.connect('A')
    const streams = [1, 2, 3].map(() => world.receive(muxer))
    await muxer.createStream()

    expect(streams.map(({ status }) => status)).to.deep.equal(['open', 'open', 'aborted'])
    await expect(muxer.createStream()).to.eventually.be.rejected().with.property('name', 'StreamLimitError')
    expect(world.counts()).to.deep.equal({ system: 3, transient: 3, A: 3 })
  })

  it('gives back what it took for a stream that could not be opened', async () => {
    const world = new World({})
    const { muxer } = world.connect('A')
    muxer.isClosed = true

    await expect(muxer.createStream()).to.eventually.be.rejectedWith('The muxer is closed')
    expect(world.counts()).to.deep.equal({})
  })

  it('lets nobody who never negotiates keep others from opening streams', () => {
    const world = new World({ transient: { streamsInbound: 10 } })
    const attackers = ['A', 'B'].map(peer => world.connect(peer))
    const held = attackers.flatMap(({ muxer }) => Array.from({ length: 20 }, () => world.receive(muxer)))
    expect(world.counts()).to.deep.include({ transient: 10 })

    const honest = world.connect('honest')
    const stream = world.receive(honest.muxer)
    world.negotiate(honest.connection, stream, '/p')

    expect(stream.status).to.equal('open')
    expect(held.filter(({ status }) => status === 'open')).to.have.lengthOf(9)
    const refusal = world.refusals.at(-1)
    expect(refusal?.error).to.include({ name: 'StreamLimitError', scope: 'transient' })
    expect(refusal?.attempt).to.include({ kind: 'stream', direction: 'inbound', peer: 'A' })
  })

  it('resets streams that a remote opens too fast, and takes nothing for them', async () => {
    const world = new World({ streamRates: { peer: { perSecond: 1, burst: 5 }, protocolPeer: { perSecond: 1, burst: 2 } } })
    const { connection, muxer } = world.connect('A')
    const streams = Array.from({ length: 7 }, () => world.receive(muxer))
    streams.slice(0, 4).forEach(stream => { world.negotiateOrReset(connection, stream, '/p') })

    expect(streams.map(({ status }) => status)).to.deep.equal(['open', 'open', 'aborted', 'aborted', 'open', 'aborted', 'aborted'])
    expect(world.counts()).to.deep.equal({ system: 3, transient: 1, A: 3, '/p': 2 })
    expect(world.refusals.map(({ error, attempt }) => [error.name, error.scope, attempt.protocol])).to.deep.equal([
      ['RateLimitError', 'peer:A', undefined], ['RateLimitError', 'peer:A', undefined],
      ['RateLimitError', 'protocol:/p.peer:A', '/p'], ['RateLimitError', 'protocol:/p.peer:A', '/p']
    ])

    // whom this node wants to speak to is its own choice
    for (let i = 0; i < 10; i++) {
      await muxer.createStream()
    }
  })

  it('counts what is open, whatever opens, negotiates, closes and is refused', async () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('receive', 'create', 'negotiate', 'abort', 'close'), fc.nat(3), fc.nat(50)), { maxLength: 120 })

    await fc.assert(fc.asyncProperty(steps, async steps => {
      const world = new World({ transient: { streams: 6 }, peer: { streams: 5 }, protocol: { streams: 4 } })
      const peers = ['A', 'B', 'C'].map(peer => ({ peer, ...world.connect(peer), streams: new Array<StubStream>(), isOpen: true }))

      for (const [step, which, index] of steps) {
        const remote = peers[which % peers.length]
        const stream = remote.streams[index % Math.max(1, remote.streams.length)]

        if (step === 'close') {
          // as a muxer does, once its connection is closed
          remote.isOpen && remote.close()
          remote.isOpen = false
          remote.streams.forEach(stream => { stream.abort() })
        } else if (step === 'receive') {
          remote.streams.push(world.receive(remote.muxer))
        } else if (step === 'create') {
          const created = await remote.muxer.createStream().catch(() => undefined)
          created != null && remote.streams.push(created)
        } else if (step === 'abort') {
          stream?.abort()
        } else if (stream?.protocol === '' && stream.status === 'open') {
          world.negotiateOrReset(remote.connection, stream, `/${index % 2}`)
        }

        expect(world.counts()).to.deep.equal(expectedCounts(peers))
      }
    }), { numRuns: 200 })
  })
})
