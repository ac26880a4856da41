import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { DialScheduler } from '../../src/dialing/dial-scheduler.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import type { RankedAddress } from '../../src/dialing/ranker.ts'

/**
 * How the dial of an address goes, times in ms after its start. Without `ends`
 * the remote never answers.
 */
interface Script {
  delay: number
  ends?: number
  succeeds?: boolean
  handshakeAt?: number
}

interface Outcome {
  /**
   * When each address was dialled, in ms after the start of the dial
   */
  starts: Record<string, number>

  /**
   * Which addresses were cancelled while they were dialled
   */
  cancelled: string[]
  winner?: string
  failedAt?: number
}

const HOLD = 250

/**
 * There was nothing left to try
 */
class Exhausted extends Error {
  readonly errors: Error[]
  readonly skipped: number

  constructor (errors: Error[], skipped: number) {
    super('exhausted')
    this.errors = errors
    this.skipped = skipped
  }
}

function ranked (name: string, delay: number): RankedAddress {
  return { address: { multiaddr: multiaddr(`/memory/${name}`), isCertified: false }, delay }
}

describe('dialing/dial-scheduler', () => {
  let clock: VirtualClock

  beforeEach(() => {
    clock = new VirtualClock()
  })

  function createScheduler (scripts: Record<string, Script>, outcome: Outcome, maxAttempts?: number): DialScheduler<string> {
    const begin = clock.now()
    const scheduler = new DialScheduler<string>({
      clock,
      maxAttempts,
      failure: (errors, skipped) => new Exhausted(errors, skipped.length),
      discard: () => {},
      attempt: async (address, { signal, onHandshake }) => {
        const name = address.multiaddr.toString().slice('/memory/'.length)
        const { ends, succeeds, handshakeAt } = scripts[name]
        outcome.starts[name] = clock.now() - begin

        return new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => {
            outcome.cancelled.push(name)
            reject(signal.reason)
          })

          if (handshakeAt != null) {
            clock.setTimeout(() => { onHandshake(HOLD) }, handshakeAt)
          }

          if (ends != null) {
            clock.setTimeout(() => {
              if (succeeds === true) {
                resolve(name)
              } else {
                reject(new Error(`${name} failed`))
              }
            }, ends)
          }
        })
      }
    })

    scheduler.result.then(winner => { outcome.winner = winner }, () => { outcome.failedAt = clock.now() - begin })

    return scheduler
  }

  async function run (scripts: Record<string, Script>, maxAttempts?: number): Promise<Outcome> {
    const outcome: Outcome = { starts: {}, cancelled: [] }
    const scheduler = createScheduler(scripts, outcome, maxAttempts)
    scheduler.add(Object.entries(scripts).map(([name, { delay }]) => ranked(name, delay)))
    await clock.advance(10_000)

    return outcome
  }

  it('dials the first address at once, whatever its delay is', async () => {
    expect((await run({ a: { delay: 1_000, ends: 20, succeeds: true } })).starts).to.deep.equal({ a: 0 })
  })

  it('dials the next address when it is due, and cancels what has lost', async () => {
    expect(await run({
      a: { delay: 0 },
      b: { delay: 250, ends: 100, succeeds: true },
      c: { delay: 500 }
    })).to.deep.equal({ starts: { a: 0, b: 250 }, cancelled: ['a'], winner: 'b' })
  })

  it('dials the next address at once when the one before it fails', async () => {
    expect(await run({
      a: { delay: 0, ends: 10 },
      b: { delay: 250, ends: 10, succeeds: true }
    })).to.deep.equal({ starts: { a: 0, b: 10 }, cancelled: [], winner: 'b' })
  })

  it('dials addresses of the same delay together', async () => {
    expect((await run({
      a: { delay: 0, ends: 10 },
      b: { delay: 250 },
      c: { delay: 250 },
      d: { delay: 251, ends: 1, succeeds: true }
    })).starts).to.deep.equal({ a: 0, b: 10, c: 10, d: 251 })
  })

  it('waits for all that were started last before it hurries', async () => {
    expect((await run({
      a: { delay: 0, ends: 10 },
      b: { delay: 0, ends: 40 },
      c: { delay: 250, ends: 1, succeeds: true }
    })).starts).to.deep.equal({ a: 0, b: 0, c: 40 })
  })

  it('does not hurry when an attempt fails that had its head start', async () => {
    expect((await run({
      a: { delay: 0, ends: 300 },
      b: { delay: 250 },
      c: { delay: 500, ends: 1, succeeds: true }
    })).starts).to.deep.equal({ a: 0, b: 250, c: 500 })
  })

  it('holds back the next address while a handshake progresses', async () => {
    expect((await run({
      a: { delay: 0, handshakeAt: 240 },
      b: { delay: 250, ends: 10, succeeds: true }
    })).starts).to.deep.equal({ a: 0, b: 490 })
  })

  it('stops holding back when the handshake fails', async () => {
    expect((await run({
      a: { delay: 0, handshakeAt: 240, ends: 300 },
      b: { delay: 250, ends: 10, succeeds: true }
    })).starts).to.deep.equal({ a: 0, b: 300 })
  })

  it('holds back once per attempt', async () => {
    let starts = 0
    const scheduler = new DialScheduler<string>({
      clock,
      failure: (errors, skipped) => new Exhausted(errors, skipped.length),
      discard: () => {},
      attempt: async (address, { onHandshake }) => {
        starts++
        const repeat = (): void => {
          onHandshake(HOLD)
          clock.setTimeout(repeat, 100)
        }
        repeat()

        return new Promise(() => {})
      }
    })
    scheduler.add([ranked('a', 0), ranked('b', 100)])

    await clock.advance(249)
    expect(starts).to.equal(1)
    await clock.advance(1)
    expect(starts).to.equal(2)
  })

  it('fails when all addresses have failed, and says how each did', async () => {
    const outcome: Outcome = { starts: {}, cancelled: [] }
    const scheduler = createScheduler({ a: { delay: 0, ends: 10 }, b: { delay: 250, ends: 20 } }, outcome)
    scheduler.add([ranked('a', 0), ranked('b', 250)])
    await clock.advance(1_000)

    const error = await scheduler.result.catch(error => error)
    expect(error).to.be.an.instanceOf(Exhausted)
    expect(error.errors.map(({ message }: Error) => message)).to.deep.equal(['a failed', 'b failed'])
    expect(outcome.failedAt).to.equal(30)
    expect(clock.timers).to.equal(0)
  })

  it('fails at once when there are no addresses', async () => {
    const scheduler = createScheduler({}, { starts: {}, cancelled: [] })
    scheduler.add([])

    await expect(scheduler.result).to.eventually.be.rejectedWith(Exhausted)
  })

  it('dials no more addresses than it may, and says how many are left', async () => {
    const scripts = { a: { delay: 0, ends: 10 }, b: { delay: 250, ends: 10 }, c: { delay: 250, ends: 1, succeeds: true } }
    const outcome: Outcome = { starts: {}, cancelled: [] }
    const scheduler = createScheduler(scripts, outcome, 2)
    scheduler.add([ranked('a', 0), ranked('b', 250), ranked('c', 250)])
    await clock.advance(1_000)

    expect(outcome.starts).to.deep.equal({ a: 0, b: 10 })
    await expect(scheduler.result).to.eventually.be.rejected.with.property('skipped', 1)
  })

  it('takes further addresses while it runs, each one once', async () => {
    const outcome: Outcome = { starts: {}, cancelled: [] }
    const scheduler = createScheduler({ a: { delay: 0 }, b: { delay: 0, ends: 10, succeeds: true } }, outcome)
    scheduler.add([ranked('a', 0)])
    await clock.advance(100)
    scheduler.add([ranked('a', 0), ranked('b', 50)])
    await clock.advance(100)

    expect(outcome).to.deep.equal({ starts: { a: 0, b: 150 }, cancelled: ['a'], winner: 'b' })
  })

  it('does not fail while further addresses are expected', async () => {
    const outcome: Outcome = { starts: {}, cancelled: [] }
    const scheduler = createScheduler({ a: { delay: 0, ends: 10 }, b: { delay: 0, ends: 10, succeeds: true } }, outcome)
    const arrived = scheduler.expect()
    scheduler.add([ranked('a', 0)])
    await clock.advance(100)
    expect(outcome.failedAt).to.equal(undefined)

    scheduler.add([ranked('b', 250)])
    arrived()
    await clock.advance(10)
    expect(outcome).to.have.property('winner', 'b')
  })

  it('cancels everything when it is given up, and starts nothing more', async () => {
    const outcome: Outcome = { starts: {}, cancelled: [] }
    const scheduler = createScheduler({ a: { delay: 0 }, b: { delay: 250 }, c: { delay: 0 } }, outcome)
    scheduler.add([ranked('a', 0), ranked('b', 250)])
    scheduler.abort(new Error('enough'))
    scheduler.add([ranked('c', 0)])
    await clock.advance(1_000)

    expect(outcome.starts).to.deep.equal({ a: 0 })
    expect(outcome.cancelled).to.deep.equal(['a'])
    expect(clock.timers).to.equal(0)
    await expect(scheduler.result).to.eventually.be.rejectedWith('enough')
  })

  it('hands back what succeeds although it was cancelled', async () => {
    const discarded: string[] = []
    const scheduler = new DialScheduler<string>({
      clock,
      failure: (errors, skipped) => new Exhausted(errors, skipped.length),
      discard: result => { discarded.push(result) },
      attempt: async (address) => new Promise(resolve => {
        clock.setTimeout(() => { resolve(address.multiaddr.toString()) }, 10)
      })
    })
    scheduler.add([ranked('a', 0), ranked('b', 0)])
    await clock.advance(10)

    expect(await scheduler.result).to.equal('/memory/a')
    expect(discarded).to.deep.equal(['/memory/b'])
    expect(scheduler.inFlight).to.equal(0)
  })

  it('makes something of any delay that a ranker of a user may give', async () => {
    const outcome: Outcome = { starts: {}, cancelled: [] }
    const scheduler = createScheduler({ a: { delay: 0 }, b: { delay: 0 }, c: { delay: 0, ends: 10, succeeds: true } }, outcome)
    scheduler.add([ranked('a', NaN), ranked('b', -1), ranked('c', Infinity)])
    await clock.advance(1_000)

    expect(outcome.starts).to.deep.equal({ a: 0, b: 0 })
    scheduler.abort(new Error('enough'))
  })

  it('treats an attempt that throws at once like one that fails', async () => {
    const scheduler = new DialScheduler<string>({
      clock,
      failure: (errors, skipped) => new Exhausted(errors, skipped.length),
      discard: () => {},
      attempt: () => { throw new Error('broken') }
    })
    scheduler.add([ranked('a', 0), ranked('b', 250)])

    const error = await scheduler.result.catch(error => error)
    expect(error.errors).to.have.lengthOf(2)
  })

  it('does what the rules say, for any schedule', async () => {
    const script = fc.record({
      delay: fc.constantFrom(0, 0, 30, 250, 500, 1_000),
      ends: fc.option(fc.integer({ min: 1, max: 900 }), { nil: undefined }),
      succeeds: fc.boolean(),
      handshakeAt: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined })
    })

    await fc.assert(fc.asyncProperty(fc.array(script, { minLength: 1, maxLength: 7 }), async scripts => {
      const named = Object.fromEntries(scripts.map((script, i) => [`a${i}`, script]))
      const expected = predict(named)
      // which of two things that happen in the same millisecond comes first is
      // not what this test is about
      fc.pre(expected != null)
      clock = new VirtualClock()
      const outcome = await run(named)
      outcome.cancelled.sort()

      expect(outcome).to.deep.equal(expected)
    }), { numRuns: 300 })
  })
})

interface Started {
  name: string
  startedAt: number
  batch: number
}

function isHeld (scripts: Record<string, Script>, running: Started[], now: number): boolean {
  return running.some(({ name, startedAt }) => {
    const { handshakeAt = Infinity } = scripts[name]

    return now >= startedAt + handshakeAt && now < startedAt + handshakeAt + HOLD
  })
}

/**
 * The rules, looked at millisecond by millisecond. `undefined` if two things
 * happen in the same one.
 */
function predict (scripts: Record<string, Script>): Outcome | undefined {
  const outcome: Outcome = { starts: {}, cancelled: [] }
  const waiting = Object.keys(scripts).sort((a, b) => scripts[a].delay - scripts[b].delay)
  let running: Started[] = []
  let batch = 0

  for (let now = 0; now <= 10_000; now++) {
    const happensNow = running.flatMap(({ name, startedAt }) => {
      const { ends, handshakeAt } = scripts[name]

      return [ends, handshakeAt, handshakeAt == null ? undefined : handshakeAt + HOLD].filter(time => time === now - startedAt)
    })

    if (happensNow.length > 1 || (happensNow.length === 1 && waiting.some(name => scripts[name].delay === now))) {
      return undefined
    }

    const ended = running.find(({ name, startedAt }) => scripts[name].ends === now - startedAt)

    if (ended != null) {
      running = running.filter(entry => entry !== ended)

      if (scripts[ended.name].succeeds === true) {
        return { ...outcome, winner: ended.name, cancelled: running.map(({ name }) => name).sort() }
      }
    }

    while (waiting.length > 0 && !isHeld(scripts, running, now) && (scripts[waiting[0]].delay <= now || running.at(-1)?.batch !== batch)) {
      const due = Math.max(now, scripts[waiting[0]].delay)
      batch++

      while (waiting.length > 0 && scripts[waiting[0]].delay <= due) {
        const [name] = waiting.splice(0, 1)
        outcome.starts[name] = now
        running.push({ name, startedAt: now, batch })
      }
    }

    if (running.length === 0) {
      return { ...outcome, failedAt: now }
    }
  }

  return outcome
}
