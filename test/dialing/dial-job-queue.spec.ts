import { AbortError, TimeoutError } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { stubInterface } from 'sinon-ts'
import { DialJobQueue } from '../../src/dialing/dial-job-queue.ts'
import { DialJob } from '../../src/dialing/dial-job.ts'
import { VirtualClock, settle } from '../fixtures/virtual-clock.ts'
import type { DialJobOptions, JobRecipientOptions } from '../../src/dialing/dial-job.ts'
import type { Connection } from '@libp2p/interface'

const peerId = peerIdFromString('12D3KooWBUC8S8zbSx6HT2VhBq5Rt8GUuDShBUSuM5FDuf68Y8kD')
const address = multiaddr('/ip4/127.0.0.1/tcp/1')

/**
 * A dial that a test ends
 */
interface Running {
  job: DialJob
  succeed(connection: Connection): void
  fail(error: Error): void
  end(): void
}

describe('dialing/dial-job-queue', () => {
  let clock: VirtualClock
  let running: Running[]
  let connection: Connection

  beforeEach(() => {
    clock = new VirtualClock()
    running = []
    connection = stubInterface<Connection>()
    // a stub answers every property, and would pass for a promise
    Reflect.set(connection, 'then', undefined)
  })

  function createQueue (concurrency = 1): DialJobQueue {
    return new DialJobQueue({
      concurrency,
      run: job => {
        const result = Promise.withResolvers<Connection>()
        const ended = Promise.withResolvers<void>()
        job.signal.addEventListener('abort', () => { result.reject(job.signal.reason) })
        running.push({ job, succeed: result.resolve, fail: result.reject, end: ended.resolve })

        return { result: result.promise, ended: ended.promise }
      }
    })
  }

  function add (queue: DialJobQueue, options: Partial<DialJobOptions> = {}, recipient: JobRecipientOptions = {}): { job: DialJob, joined: Promise<Connection> } {
    const job = new DialJob({ priority: 50, multiaddrs: new Set(), ...options }, clock)
    const joined = job.join(recipient, [])
    joined.catch(() => {})
    queue.add(job)

    return { job, joined }
  }

  it('runs as many jobs as it may, in order of priority and then of arrival', async () => {
    const queue = createQueue()
    const jobs = [50, 50, 75, 10].map(priority => add(queue, { priority }).job)

    expect(queue.queue).to.deep.equal([jobs[0], jobs[2], jobs[1], jobs[3]])
    expect(queue.queue.map(({ status }) => status)).to.deep.equal(['running', 'queued', 'queued', 'queued'])
    expect(queue).to.include({ size: 4, running: 1, pending: 1, queued: 3 })

    for (let i = 0; i < 4; i++) {
      running[i].succeed(connection)
      await settle()
    }

    expect(running.map(({ job }) => job)).to.deep.equal([jobs[0], jobs[2], jobs[1], jobs[3]])
    expect(queue.size).to.equal(0)
  })

  it('keeps a tenth of the places for jobs that are more urgent than others that run', () => {
    const queue = createQueue(10)
    const jobs = Array.from({ length: 10 }, () => add(queue).job)
    expect(queue.running).to.equal(9)

    const { job } = add(queue, { priority: 51 })
    expect(job.status).to.equal('running')
    expect(jobs[9].status).to.equal('queued')
    expect(add(queue, { priority: 99 }).job.status).to.equal('queued')
  })

  it('runs at once what jobs that have all places wait for, whether it is new or waits', () => {
    const queue = createQueue()
    add(queue)
    const waiting = add(queue, { priority: 99 }).job
    const { job } = add(queue)
    expect(add(queue, { isAwaited: true }).job.status).to.equal('running')

    queue.update(job, 10, true)
    expect(job.status).to.equal('running')
    expect(waiting.status).to.equal('queued')
  })

  it('runs any number of jobs without a limit', () => {
    const queue = createQueue(Infinity)
    const jobs = Array.from({ length: 100 }, () => add(queue))
    expect(queue.running).to.equal(jobs.length)
  })

  it('finds jobs by peer and by any address, until they have ended', async () => {
    const queue = createQueue()
    const { job } = add(queue, { peerId, multiaddrs: new Set([address.toString()]) })

    expect(queue.find(peerId, [])).to.equal(job)
    expect(queue.find(undefined, [multiaddr('/memory/1'), address])).to.equal(job)
    expect(queue.find(undefined, [])).to.equal(undefined)

    running[0].fail(new Error('failed'))
    await settle()
    expect(queue.find(peerId, [address])).to.equal(undefined)
  })

  it('does not find forced jobs', () => {
    const queue = createQueue()
    add(queue, { peerId, force: true, multiaddrs: new Set([address.toString()]) })
    expect(queue.find(peerId, [address])).to.equal(undefined)
  })

  it('moves a job forward that somebody more urgent joins', () => {
    const queue = createQueue()
    const jobs = [50, 50, 60].map(priority => add(queue, { priority }).job)
    queue.update(jobs[1], 75)
    queue.update(jobs[2], 10)

    expect(queue.queue).to.deep.equal(jobs)
  })

  it('lets one recipient go without the others noticing', async () => {
    const queue = createQueue()
    const controller = new AbortController()
    const { job, joined } = add(queue, { peerId }, { signal: controller.signal })
    const other = job.join()
    controller.abort(new Error('enough'))

    await expect(joined).to.eventually.be.rejectedWith('enough')
    expect(job.signal.aborted).to.equal(false)

    running[0].succeed(connection)
    expect(await other).to.equal(connection)
  })

  it('aborts a running job when the last recipient has gone, and nobody joins it then', async () => {
    const queue = createQueue()
    const controllers = [new AbortController(), new AbortController()]
    const { job, joined } = add(queue, { peerId }, { signal: controllers[0].signal })
    const other = job.join({ signal: controllers[1].signal })
    other.catch(() => {})
    controllers.forEach(controller => { controller.abort() })

    expect(job.signal.aborted).to.equal(true)
    expect(queue.find(peerId, [])).to.equal(undefined)
    await expect(joined).to.eventually.be.rejected.with.property('name', 'AbortError')
    await settle()
    expect(queue.size).to.equal(0)
  })

  it('never runs a job that was abandoned while it waited', async () => {
    const queue = createQueue()
    const controller = new AbortController()
    add(queue)
    const { job } = add(queue, {}, { signal: controller.signal })
    const last = add(queue)
    controller.abort()
    expect(queue.queue).to.not.include(job)

    running[0].succeed(connection)
    await settle()
    expect(running.map(({ job }) => job)).to.not.include(job)
    expect(running[1].job).to.equal(last.job)
  })

  it('lets a recipient go whose time is over, waiting or not', async () => {
    const queue = createQueue()
    const runs = add(queue, {}, { timeout: 100 })
    const waits = add(queue, {}, { timeout: 50 })
    await clock.advance(50)
    await expect(waits.joined).to.eventually.be.rejected.with.property('name', TimeoutError.name)
    expect(queue.size).to.equal(1)

    await clock.advance(50)
    await expect(runs.joined).to.eventually.be.rejected.with.property('name', TimeoutError.name)
    expect(queue.size).to.equal(0)
    expect(clock.timers).to.equal(0)
  })

  it('keeps nothing of a recipient that has its connection', async () => {
    const queue = createQueue()
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const add1 = signal.addEventListener.bind(signal)
    const remove1 = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add1>) => { listeners++; add1(...args) }
    signal.removeEventListener = (...args: Parameters<typeof remove1>) => { listeners--; remove1(...args) }

    const { joined } = add(queue, {}, { signal, timeout: 1_000 })
    expect(listeners).to.equal(1)
    running[0].succeed(connection)
    await joined

    expect(listeners).to.equal(0)
    expect(clock.timers).to.equal(0)
  })

  it('tells everybody who waits about the progress', () => {
    const queue = createQueue()
    const told: string[] = []
    const { job } = add(queue, {}, { onProgress: ({ type }) => { told.push(`first ${type}`) } })
    job.join({ onProgress: ({ type }) => { told.push(`second ${type}`) } }).catch(() => {})
    job.progress({ type: 'dial-queue:start-dial', detail: undefined })

    expect(told).to.deep.equal(['first dial-queue:start-dial', 'second dial-queue:start-dial'])
  })

  it('is idle when nothing is left of cancelled attempts, and empty before', async () => {
    const queue = createQueue()
    const events: string[] = []
    const { joined } = add(queue)
    queue.onEmpty().then(() => { events.push('empty') }, () => {})
    queue.onSizeLessThan(1).then(() => { events.push('size') }, () => {})
    queue.onIdle().then(() => { events.push('idle') }, () => {})
    running[0].succeed(connection)
    await joined
    await settle()
    expect(events).to.have.members(['empty', 'size'])

    running[0].end()
    await settle()
    expect(events).to.include('idle')
    await queue.onIdle()
    await queue.onEmpty()
    await queue.onSizeLessThan(1)
  })

  it('can be waited for as long as a signal allows', async () => {
    const queue = createQueue()
    add(queue)
    const controller = new AbortController()
    const idle = queue.onIdle({ signal: controller.signal })
    controller.abort(new Error('enough'))

    await expect(idle).to.eventually.be.rejectedWith('enough')
  })

  it('can abort all jobs', async () => {
    const queue = createQueue()
    const jobs = [add(queue, { peerId }), add(queue)]
    queue.abort()

    for (const { joined } of jobs) {
      await expect(joined).to.eventually.be.rejected.with.property('name', AbortError.name)
    }

    await settle()
    expect(queue.size).to.equal(0)
    expect(queue.find(peerId, [])).to.equal(undefined)
  })

  it('announces what happens under the names of libp2p\'s queues', async () => {
    const queue = createQueue()
    const events: string[] = []

    for (const name of ['add', 'active', 'completed', 'success', 'failure', 'next', 'empty', 'idle'] as const) {
      queue.addEventListener(name, () => { events.push(name) })
    }

    add(queue)
    running[0].end()
    running[0].succeed(connection)
    await settle()
    expect(events).to.deep.equal(['add', 'active', 'completed', 'success', 'next', 'empty', 'idle'])

    events.length = 0
    add(queue)
    running[1].end()
    running[1].fail(new Error('failed'))
    await settle()
    expect(events).to.deep.equal(['add', 'active', 'failure', 'next', 'empty', 'idle'])
  })
})
